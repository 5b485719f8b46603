# Frames that may not be, from a raw socket on the kernel's side of a TAP: each is dropped under the name that
# `strata serve --stats` tells, answered only where an RFC wants an answer, and curl works afterwards as before.
# ctest: timeout 120
# ctest: resource_lock wire

import itertools
import json
import os
import select
import signal
import socket
import struct

from _wire import LENGTH, OURS, TAP, Wire, check, fail, sha256, until, write_noise

MAC = bytes.fromhex("020000000002")
PEER_MAC = bytes.fromhex("020000000099")  # a station that only this test knows: the kernel says nothing for it
PEER = "10.9.0.99"
OURS6, PEER6 = "fd09::2", "fd09::99"
MTU = 1500
ALL = b"\xff" * 6

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
OPEN, CLOSED = 80, 81  # HTTP listens at the first
ECHO = 7


def total(data):
    data += b"\0" * (len(data) % 2)
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return value ^ 0xFFFF


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ethernet(kind, payload, to=MAC, source=PEER_MAC, tag=None):
    between = b"" if tag is None else struct.pack("!HH", 0x8100, tag)
    return to + source + between + struct.pack("!H", kind) + payload


def ipv4(protocol, payload, source=PEER, to=OURS, options=b"", flags=0, offset=0, number=1, ttl=64, version=4,
         words=None, length=None, damage=0):
    words = 5 + len(options) // 4 if words is None else words
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | words, 0, length, number, flags << 13 | offset // 8, ttl,
                       protocol, 0, packed(source), packed(to)) + options
    # However long the header says it is, its checksum is right unless it is to be wrong.
    covered = head + payload
    value = total(covered[:max(words * 4, 20)]) ^ damage
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def pseudo(source, to, protocol, length):
    return packed(source) + packed(to) + struct.pack("!HH", protocol, length)


def udp(port=ECHO, data=b"data", length=None, damage=0, source=PEER, to=OURS):
    length = 8 + len(data) if length is None else length
    head = struct.pack("!HHH", 4000, port, length)
    value = total(pseudo(source, to, UDP, length) + head + b"\0\0" + data) or 0xFFFF
    return head + struct.pack("!H", value ^ damage) + data


def tcp(flags, port=OPEN, from_port=4000, options=b"", words=None, damage=0, source=PEER, to=OURS, data=b""):
    words = 5 + len(options) // 4 if words is None else words
    head = struct.pack("!HHIIBBHHH", from_port, port, 7000, 9000, words << 4, flags, 1000, 0, 0) + options + data
    value = total(pseudo(source, to, TCP, len(head)) + head) ^ damage
    return head[:16] + struct.pack("!H", value) + head[18:]


def icmp(kind, code=0, rest=0, data=b"", damage=0):
    head = struct.pack("!BBHI", kind, code, 0, rest) + data
    return head[:2] + struct.pack("!H", total(head) ^ damage) + head[4:]


def arp(operation=1, sender=PEER, target=OURS, mac=PEER_MAC, hardware=1, size=28):
    packet = struct.pack("!HHBBH6s4s6s4s", hardware, IPV4, 6, 4, operation, mac, packed(sender), b"\0" * 6,
                         packed(target))
    return packet[:size]


def ipv6(following, payload, source=PEER6, to=OURS6, length=None):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, length, following, 64) + packed(source) + packed(to) + payload


def ip(*arguments, frame=None, **named):
    """A frame with an IPv4 datagram."""
    return ethernet(IPV4, ipv4(*arguments, **named), **(frame or {}))


def ip6(*arguments, **named):
    return ethernet(IPV6, ipv6(*arguments, **named))


SILENCE = None


class Case:
    """Frames, the counters that they must raise and by how much, and what must be answered."""

    def __init__(self, name, frames, counters, answer=SILENCE):
        self.name = name
        self.frames = frames if isinstance(frames, list) else [frames]
        self.counters = counters if isinstance(counters, dict) else {counters: 1}
        self.answer = answer


def icmp_answer(kind, code):
    def is_it(frame):
        return frame[12:14] == b"\x08\x00" and frame[23] == ICMP and (frame[34], frame[35]) == (kind, code)
    return is_it


def reset(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == TCP and bool(frame[47] & RST)


def announcement(frame):
    return frame[12:14] == b"\x08\x06" and frame[28:32] == packed(OURS) == frame[38:42]


def fragments(number, *pieces, protocol=UDP):
    """Pieces (offset, length, more) of a datagram."""
    return [ip(protocol, bytes(length), number=number, flags=int(more), offset=offset)
            for offset, length, more in pieces]


QUOTED = ipv4(UDP, udp(source=OURS, to="10.9.0.77"), source=OURS, to="10.9.0.77")
CASES = [
    # Ethernet
    Case("a group of stations as the source", ip(UDP, udp(), frame={"source": b"\x03\0\0\0\0\1"}),
         "ethernet_drop_source"),
    Case("another station's", ip(UDP, udp(), frame={"to": b"\x02\0\0\0\0\x55"}), "ethernet_drop_destination"),
    Case("a VLAN that is not ours", ip(UDP, udp(), frame={"tag": 5}), "ethernet_drop_vlan"),
    Case("an EtherType that nobody takes", ethernet(0x88B5, bytes(46)), "ethernet_drop_type"),
    Case("longer than the port takes", ethernet(IPV4, ipv4(UDP, udp(data=bytes(MTU)))), "port_drop_length"),
    # ARP
    Case("ARP that is cut", ethernet(ARP, arp(size=27), to=ALL), "arp_drop_malformed"),
    Case("ARP for other hardware", ethernet(ARP, arp(hardware=6), to=ALL), "arp_drop_malformed"),
    Case("ARP with an operation that is none", ethernet(ARP, arp(operation=9), to=ALL), "arp_drop_malformed"),
    Case("ARP from a group of stations", ethernet(ARP, arp(mac=b"\x01\0\0\0\0\1"), to=ALL), "arp_drop_address"),
    Case("ARP from a multicast address", ethernet(ARP, arp(sender="224.0.0.9"), to=ALL), "arp_drop_address"),
    Case("ARP from a loopback address", ethernet(ARP, arp(sender="127.0.0.1"), to=ALL), "arp_drop_address"),
    Case("ARP that claims our address", ethernet(ARP, arp(operation=2, sender=OURS), to=ALL), "arp_conflicts",
         announcement),  # RFC 5227 2.4
    # IPv4
    Case("an Ethernet header and nothing else", ethernet(IPV4, b""), "ipv4_drop_short"),
    Case("version 5", ip(UDP, udp(), version=5), "ipv4_drop_version"),
    Case("a header of 16 octets", ip(UDP, udp(), words=4), "ipv4_drop_header_length"),
    Case("a header longer than the frame", ip(UDP, b"", words=15), "ipv4_drop_header_length"),
    Case("a total length within the header", ip(UDP, udp(), length=19), "ipv4_drop_total_length"),
    Case("a total length beyond the frame", ip(UDP, udp(), length=1400), "ipv4_drop_total_length"),
    Case("a wrong header checksum", ip(UDP, udp(), damage=0x0100), "ipv4_drop_checksum"),
    Case("an option of length 0, which loops", ip(UDP, udp(), options=b"\x9e\0\0\0"), "ipv4_drop_options",
         icmp_answer(12, 0)),  # RFC 1122 3.2.2.5
    Case("an option that ends behind the header", ip(UDP, udp(), options=b"\x9e\x09\0\0"), "ipv4_drop_options",
         icmp_answer(12, 0)),
    Case("a bad option in what is for somebody else", ip(UDP, udp(), to="10.9.0.55", options=b"\x9e\0\0\0"),
         "ipv4_drop_options"),
    Case("a loose source route", ip(UDP, udp(), options=b"\x83\x07\x04" + packed("10.9.0.1") + b"\0"),
         "ipv4_drop_source_route"),
    Case("a strict source route", ip(UDP, udp(), options=b"\x89\x07\x04" + packed("10.9.0.1") + b"\0"),
         "ipv4_drop_source_route"),
    Case("for somebody else", ip(UDP, udp(CLOSED), to="10.9.0.55"), "ipv4_drop_destination"),
    Case("for a loopback address", ip(UDP, udp(CLOSED), to="127.0.0.1"), "ipv4_drop_destination"),
    Case("unicast in a broadcast frame", ip(UDP, udp(CLOSED), frame={"to": ALL}), "ipv4_drop_link_broadcast"),
    Case("a protocol that nobody takes", ip(99, bytes(8)), "ipv4_drop_protocol", icmp_answer(3, 2)),
] + [
    Case(f"from {source}", ip(UDP, udp(CLOSED, source=source), source=source), "ipv4_drop_source")
    for source in ("255.255.255.255", "224.0.0.5", "10.9.0.255", "10.9.0.0", "127.0.0.1", "0.0.0.0", "240.0.0.1")
] + [
    Case("from ourselves to ourselves (land)",
         ip(TCP, tcp(SYN, from_port=OPEN, source=OURS), source=OURS), "ipv4_drop_source"),
    # Fragments
    Case("fragments that overlap", fragments(2, (0, 800, True), (400, 800, True), (1200, 8, False)),
         {"reassembly_drop_overlap": 2}),
    Case("a fragment beyond the longest datagram", fragments(3, (65528, 8, False)), "reassembly_drop_too_long"),
    Case("a fragment of 9 octets with more behind", fragments(4, (0, 9, True)), "reassembly_drop_alignment"),
    Case("two last fragments", fragments(5, (800, 8, False), (1600, 8, False)), "reassembly_drop_inconsistent"),
    Case("a first fragment without TCP's flags", fragments(6, (0, 8, True), protocol=TCP), "reassembly_drop_tiny"),
    # ICMP
    Case("ICMP that is cut", ip(ICMP, b"\x08\0\0"), "icmp_drop_short"),
    Case("a wrong ICMP checksum", ip(ICMP, icmp(8, damage=1)), "icmp_drop_checksum"),
    Case("an ICMP type that is none", ip(ICMP, icmp(200)), "icmp_drop_type"),
    Case("an echo request to all", ip(ICMP, icmp(8), to="10.9.0.255", frame={"to": ALL}), "icmp_drop_broadcast"),
    Case("an echo reply that nobody waits for", ip(ICMP, icmp(0, rest=77)), "echo_drop_no_socket"),
    Case("an error without a quote", ip(ICMP, icmp(3, 3)), "icmp_drop_quote"),
    Case("an error about what was never sent", ip(ICMP, icmp(3, 4, 68, QUOTED)), "icmp_drop_quote"),
    Case("source quench", ip(ICMP, icmp(4, 0, 0, QUOTED)), "icmp_drop_source_quench"),
    Case("a redirect from nobody's gateway", ip(ICMP, icmp(5, 1, 0x0A090063, QUOTED)), "icmp_drop_redirect"),
    # UDP
    Case("UDP that is cut", ip(UDP, udp()[:7]), "udp_drop_short"),
    Case("a UDP length of 7", ip(UDP, udp(length=7)), "udp_drop_length"),
    Case("a UDP length beyond the datagram", ip(UDP, udp(length=99)), "udp_drop_length"),
    Case("a wrong UDP checksum", ip(UDP, udp(damage=0x1000)), "udp_drop_checksum"),
    Case("UDP to a closed port", ip(UDP, udp(CLOSED)), "udp_drop_no_socket", icmp_answer(3, 3)),
    Case("UDP to all at a closed port", ip(UDP, udp(CLOSED, to="10.9.0.255"), to="10.9.0.255", frame={"to": ALL}),
         "udp_drop_no_socket"),
    # TCP
    Case("TCP that is cut", ip(TCP, tcp(SYN)[:19]), "tcp_drop_short"),
    Case("a TCP header of 16 octets", ip(TCP, tcp(SYN, words=4)), "tcp_drop_short"),
    Case("a TCP header longer than the segment", ip(TCP, tcp(SYN, words=9)), "tcp_drop_short"),
    Case("a TCP option of length 0, which loops", ip(TCP, tcp(SYN, options=b"\x1e\0\0\0")), "tcp_drop_options"),
    Case("a TCP option that ends behind the header", ip(TCP, tcp(SYN, options=b"\x02\x09\0\0")), "tcp_drop_options"),
    Case("a wrong TCP checksum", ip(TCP, tcp(SYN, damage=1)), "tcp_drop_checksum"),
    Case("TCP from port 0", ip(TCP, tcp(SYN, from_port=0)), "tcp_drop_address"),
    Case("a SYN to all", ip(TCP, tcp(SYN, to="10.9.0.255"), to="10.9.0.255", frame={"to": ALL}), "tcp_drop_address"),
    Case("no flags at a listener", ip(TCP, tcp(0)), "tcp_drop_listen"),
    Case("FIN at a listener", ip(TCP, tcp(FIN)), "tcp_drop_listen"),
    Case("FIN, PSH and URG at a listener", ip(TCP, tcp(FIN | PSH | URG)), "tcp_drop_listen"),
    Case("SYN and RST at a listener", ip(TCP, tcp(SYN | RST)), "tcp_drop_listen"),
    Case("ACK at a listener", ip(TCP, tcp(ACK)), "tcp_drop_no_socket", reset),
    Case("SYN at a closed port", ip(TCP, tcp(SYN, CLOSED)), "tcp_drop_no_socket", reset),
    Case("RST at a closed port", ip(TCP, tcp(RST, CLOSED)), "tcp_drop_no_socket"),
    Case("an ICMP error about a segment never sent",
         ip(ICMP, icmp(3, 3, 0, ipv4(TCP, tcp(ACK, 4000, OPEN, source=OURS, to=PEER), source=OURS, to=PEER))),
         "icmp_drop_quote"),
    # IPv6, which has no neighbours on Ethernet yet: nothing can be answered
    Case("IPv6 that is cut", ethernet(IPV6, ipv6(UDP, b"")[:39]), "ipv6_drop_short"),
    Case("an IPv6 length beyond the frame", ip6(UDP, bytes(8), length=999), "ipv6_drop_short"),
    Case("IPv6 from a multicast address", ip6(UDP, bytes(8), source="ff02::1"), "ipv6_drop_source"),
    Case("IPv6 from ourselves", ip6(UDP, bytes(8), source=OURS6), "ipv6_drop_source"),
    Case("IPv6 from an IPv4 address", ip6(UDP, bytes(8), source="::ffff:10.9.0.99"), "ipv6_drop_source"),
    Case("IPv6 for somebody else", ip6(UDP, bytes(8), to="fd09::55"), "ipv6_drop_destination"),
    Case("an IPv6 option header longer than the datagram", ip6(60, struct.pack("!BB6x", UDP, 9)),
         "ipv6_drop_extension"),
    Case("an IPv6 routing header with a way to go", ip6(43, struct.pack("!BBBB4x", UDP, 0, 0, 1)),
         {"ipv6_drop_extension": 1, "arp_drop_unresolved": 1}),
]

# What a case may count besides: the echo that asks whether it is over, and what the kernel says on its own.
ALWAYS = {"ipv4_delivered", "ipv6_delivered", "icmp_echo_replies_sent", "icmp_errors_sent", "icmp_errors_received",
          "tcp_segments_received", "tcp_segments_sent", "tcp_resets_sent", "arp_requests_sent", "arp_replies_sent"}


class Talk:
    """The raw socket on the kernel's side, and what Strata has counted."""

    def __init__(self, server):
        self.server = server
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.raw.bind((TAP, 0))
        self.kernel_mac = self.raw.getsockname()[4]
        self.numbers = itertools.count(1)
        self.told = 0

    def send(self, frame):
        self.raw.send(frame)

    def received(self):
        """The next frame of Strata's that is not for the kernel; None after two seconds."""
        while select.select([self.raw], [], [], 2)[0]:
            frame = self.raw.recv(65536)
            if frame[6:12] == MAC and frame[0:6] != self.kernel_mac:
                return frame
        return None

    def exchange(self, frames):
        """Sends frames and then an echo request; all that comes before its reply, or None if none comes."""
        number = next(self.numbers)
        for frame in frames:
            self.send(frame)
        self.send(ip(ICMP, icmp(8, rest=number, data=b"and now?")))
        before = []
        while frame := self.received():
            if frame[12:14] == b"\x08\x00" and frame[23] == ICMP and frame[34:36] == b"\0\0" and \
                    struct.unpack("!I", frame[38:42])[0] == number:
                return before
            before.append(frame)
        return None

    def lines(self):
        with open(self.server.log, encoding="utf-8") as file:
            return [line for line in file if line.startswith("{") and line.endswith("}\n")]

    def counters(self):
        """Strata prints them when it is asked by a signal."""
        self.server.send_signal(signal.SIGUSR1)
        until(lambda: len(self.lines()) > self.told, "telling the counters")
        self.told += 1
        return json.loads(self.lines()[-1])


def difference(after, before):
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def play(talk, case, before):
    """One case; the counters after it."""
    answers = talk.exchange(case.frames)
    if answers is None:
        fail(f"{case.name}: no reply to the echo request that follows")
    after = talk.counters()
    counted = difference(after, before)
    extra = {name: value for name, value in counted.items() if name not in ALWAYS and name not in case.counters}
    wrong = [name for name, value in case.counters.items() if counted.get(name, 0) != value]
    check(not wrong and not extra, f"{case.name}: {', '.join(case.counters)}" if not wrong and not extra else
          f"{case.name}: wanted {case.counters}, counted {counted}")
    if case.answer is SILENCE:
        fits = not answers
    else:
        fits = len(answers) == 1 and case.answer(answers[0])
    check(fits, f"{case.name}: {'answered as it should be' if case.answer else 'in silence'}" if fits else
          f"{case.name}: answered by {[answer.hex() for answer in answers]}")
    return after


with Wire() as wire:
    with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w", encoding="ascii") as setting:
        setting.write("1")  # the kernel would speak of itself
    path = os.path.join(wire.folder, "file")
    write_noise(path, 300_000)
    server = wire.serve(wire.folder, "--echo", "--stats", "--json", "--mac", ":".join(f"{b:02x}" for b in MAC),
                        "--mtu", str(MTU), "--address", f"{OURS6}/64")
    wire.run("ip", "link", "set", TAP, "mtu", "4000")  # so that frames can be sent that are too long
    talk = Talk(server)
    talk.send(ethernet(ARP, arp(), to=ALL))
    check(talk.received()[12:14] == b"\x08\x06", "Strata answers who asks for it")
    counters = talk.counters()
    for case in CASES:
        counters = play(talk, case, counters)
    print(f"{len(CASES)} kinds of bad input")

    # A flood of all of them, more than the interface's queue holds; then everything is as it was.
    for frame in [frame for case in CASES for frame in case.frames] * 20:
        talk.send(frame)
    until(lambda: talk.exchange([]) is not None, "being answered after a flood")
    digest, size = wire.curl_sha256(f"http://{OURS}/file")
    check((digest, size) == (sha256(path), 300_000), "curl fetches a file afterwards")
    check(wire.stop(server) == 0, "Strata ends as it was told")
    last = json.loads(talk.lines()[-1])
    check(all(last[name] >= value for name, value in counters.items()), "the last word of --stats has all of it")
