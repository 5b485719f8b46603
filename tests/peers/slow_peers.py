# Limits for slow peers over real sockets: the kernel's TCP plays one that begins a request and says no more, one that
# asks for a large file and does not read it, and an honest one beside them.
# ctest: timeout 90
# ctest: resource_lock wire

import hashlib
import os
import select
import socket

from _wire import MIB, OURS, Wire, check

SIZE = 32 * MIB
STALL_S = 6  # long enough for an honest client on a busy machine


def connect():
    connection = socket.socket()
    connection.settimeout(30)
    connection.connect((OURS, 80))
    return connection


def read_all(connection):
    answer = b""
    while block := connection.recv(MIB):
        answer += block
    return answer


def is_reset(connection):
    """Waits, without reading, until the other end has reset the connection."""
    poll = select.poll()
    poll.register(connection, 0)
    return any(happened & select.POLLERR for _, happened in poll.poll(60_000))


with Wire() as wire:
    folder = os.path.join(wire.folder, "files")
    os.makedirs(folder, exist_ok=True)
    wanted = os.urandom(SIZE)
    with open(os.path.join(folder, "file"), "wb") as file:
        file.write(wanted)
    server = wire.serve(folder, "--set", f"strata.tcp_send_stall_ms={STALL_S * 1000}",
                        "--set", f"strata.tcp_receive_stall_ms={STALL_S * 1000}")
    with connect() as silent, connect() as deaf, connect() as honest:
        silent.sendall(b"GET /file HTTP/1.1\r\nHost: slow")
        deaf.sendall(b"GET /file HTTP/1.1\r\nHost: deaf\r\n\r\n")
        honest.sendall(b"GET /file HTTP/1.0\r\n\r\n")
        got = read_all(honest).split(b"\r\n\r\n", 1)[1]
        same = hashlib.sha256(got).digest() == hashlib.sha256(wanted).digest()
        check(same, "an honest client gets the file meanwhile")
        check(is_reset(silent), "who stops in the middle of a request is reset")
        check(is_reset(deaf), "who does not read is reset")
    wire.alive(server)
    wire.stop(server)
