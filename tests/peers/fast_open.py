# The kernel's TCP opens connections to `strata serve` with data in the SYN (RFC 7413), and by SYN cookies (RFC 4987)
# that keep its window scale and SACK in the timestamps.
# ctest: timeout 60
# ctest: resource_lock wire

import os
import socket
import struct

from _wire import OURS, Wire, check, skip

SIZE = 300000
MSG_FASTOPEN = 0x20000000
TCP_INFO, OPTION_TIMESTAMPS, OPTION_SACK, OPTION_SCALE, OPTION_SYN_DATA = 11, 1, 2, 4, 32


def options_of(connection):
    """tcpi_options and the window scales, theirs and ours."""
    info = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 104)
    options, scales = struct.unpack_from("BB", info, 5)
    return options, scales & 15, scales >> 4


def fetch(path, fast):
    """A GET whose request goes with the SYN if `fast`; what came, and what the kernel says of the connection."""
    request = f"GET /{path} HTTP/1.0\r\n\r\n".encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
        if fast:
            connection.sendto(request, MSG_FASTOPEN, (OURS, 80))
        else:
            connection.connect((OURS, 80))
            connection.sendall(request)
        answer = b""
        while block := connection.recv(65536):
            answer += block
        return answer.split(b"\r\n\r\n", 1)[1], options_of(connection)


with Wire() as wire:
    with open("/proc/sys/net/ipv4/tcp_fastopen", encoding="ascii") as setting:
        if not int(setting.read()) & 1:
            skip("this kernel's clients do not open fast")
    folder = os.path.join(wire.folder, "files")
    os.makedirs(folder, exist_ok=True)
    wanted = os.urandom(SIZE)
    with open(os.path.join(folder, "file"), "wb") as file:
        file.write(wanted)
    server = wire.serve(folder, "--set", "net.ipv4.tcp_fastopen=1026")
    got, (options, _, _) = fetch("file", True)
    check(got == wanted and not options & OPTION_SYN_DATA, "the first connection asks for a cookie")
    got, (options, _, _) = fetch("file", True)
    check(got == wanted and options & OPTION_SYN_DATA, "the second one's request went with the SYN, and was taken")
    wire.alive(server)
    wire.stop(server)

    server = wire.serve(folder, "--set", "net.ipv4.tcp_syncookies=2")
    for _ in range(3):
        got, (options, scale, _) = fetch("file", False)
        agreed = OPTION_TIMESTAMPS | OPTION_SACK | OPTION_SCALE
        check(got == wanted and options & agreed == agreed and scale > 0,
              "a connection by cookie has timestamps, SACK and window scales")
    wire.alive(server)
