#!/usr/bin/env python3
"""Writes the seeds of fuzz_net_input, fuzz_reassembly and fuzz_bridge to fuzz/corpus: one small story per file."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

IP_PORT, MEND, ERROR, FOREIGN, KEEP = 1, 2, 4, 8, 16
HOST, PEER, FAR = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), bytes([10, 0, 1, 9])
HOST6 = bytes.fromhex("fd010000000000000000000000000001")
PEER6 = bytes.fromhex("fd010000000000000000000000000002")
FAR6 = bytes.fromhex("fd990000000000000000000000000009")
HOST_MAC, PEER_MAC, ALL = bytes.fromhex("020000000001"), bytes.fromhex("020000000099"), b"\xff" * 6


def record(frame, flags=MEND, time=0):
    return struct.pack(">BBH", flags, time, len(frame)) + frame


def ethernet(ethertype, payload, destination=HOST_MAC, tag=b""):
    return destination + PEER_MAC + tag + struct.pack(">H", ethertype) + payload


def ipv4(protocol, payload, source=PEER, destination=HOST, ident=1, fragment=0, ttl=64, options=b""):
    words = 5 + len(options) // 4
    return struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, ttl, protocol,
                       0) + source + destination + options + payload


def ipv6(following, payload, source=PEER6, destination=HOST6, hops=64):
    return struct.pack(">IHBB", 0x60000000, len(payload), following, hops) + source + destination + payload


def icmp(kind, code, rest, body=b""):
    return struct.pack(">BBHI", kind, code, 0, rest) + body


def arp(operation, sender=PEER, target=HOST, destination=ALL):
    return ethernet(0x0806, struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + PEER_MAC + sender + HOST_MAC + target,
                    destination)


UDP = struct.pack(">HHHH", 1234, 5678, 12, 0) + b"data"


def v4(*arguments, flags=MEND, time=0, destination_mac=HOST_MAC, **named):
    return record(ethernet(0x0800, ipv4(*arguments, **named), destination_mac), flags, time)


def v6(*arguments, flags=MEND | IP_PORT, time=0, **named):
    return record(ipv6(*arguments, **named), flags, time)


def quoted(destination=FAR, protocol=17):
    return ipv4(protocol, UDP[:8], source=HOST, destination=destination)


def stories():
    known = record(arp(2, destination=HOST_MAC))
    gateway = record(arp(2, sender=bytes([10, 0, 0, 254]), destination=HOST_MAC))
    yield "arp", record(arp(1)) + known + record(arp(1, sender=bytes(4))) + record(arp(1, sender=HOST), time=33)
    yield "echo", known + v4(1, icmp(8, 0, 0x70001, b"hello"))
    yield "udp", known + v4(17, UDP) + v4(17, UDP, flags=MEND | ERROR) + v4(99, UDP)
    yield "age", known + v4(17, UDP, time=37) + v4(17, UDP, time=38) + known
    yield "fragments", known + v4(17, UDP * 4, fragment=0x2000) + v4(17, UDP, fragment=6)
    yield "overlap", known + v4(17, UDP * 4, fragment=0x2000) + v4(17, UDP, fragment=2) + v4(17, b"", time=37)
    yield "options", known + v4(17, UDP, options=bytes([7, 7, 4, 0, 0, 0, 0, 0])) + v4(
        17, UDP, options=bytes([1, 0x9e, 0, 0])) + v4(17, UDP, options=bytes([131, 7, 4, 1, 2, 3, 4, 0]))
    yield "forward", known + v4(17, UDP, destination=FAR) + v4(17, UDP, destination=FAR, ttl=1) + v4(
        17, UDP * 110, destination=FAR) + v4(17, UDP * 110, destination=FAR, fragment=0x4000)
    yield "redirect", known + gateway + v4(17, UDP, destination=bytes([8, 8, 8, 8])) + v4(
        17, UDP, destination=bytes([10, 0, 0, 3]))
    yield "broadcast", v4(17, UDP, destination=bytes([10, 0, 0, 255]), destination_mac=ALL) + v4(
        1, icmp(8, 0, 1), destination=b"\xff" * 4, destination_mac=ALL)
    yield "multicast", v4(17, UDP, destination=bytes([224, 5, 6, 7]),
                          destination_mac=bytes.fromhex("01005e050607"))
    yield "errors", gateway + b"".join(
        v4(1, icmp(kind, code, rest, quoted()))
        for kind, code, rest in ((3, 0, 0), (3, 3, 0), (3, 4, 576), (3, 4, 0), (11, 0, 0), (12, 0, 0x14000000),
                                 (5, 1, 0x0A0000FD), (4, 0, 0)))
    yield "foreign", known + v4(17, UDP, destination=bytes([9, 9, 9, 9]), flags=MEND | FOREIGN)
    yield "loopback", v4(17, UDP, source=HOST) + v4(17, UDP, source=bytes([127, 0, 0, 1]))
    yield "queue", known + v4(17, UDP, flags=MEND | KEEP) * 20
    yield "tagged", record(ethernet(0x0800, ipv4(17, UDP), tag=bytes([0x81, 0, 0x60, 0])))
    yield "ipv6_echo", v6(58, icmp(128, 0, 0x70001, b"hello"))
    yield "ipv6_udp", v6(17, UDP) + v6(17, UDP, flags=MEND | IP_PORT | ERROR) + v6(99, UDP)
    chain = bytes([60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 0x1E, 4, 0, 0, 0, 0, 17, 0, 4, 0, 0, 0, 0, 0])
    yield "ipv6_options", v6(0, chain + UDP) + v6(60, bytes([17, 0, 0x9E, 4, 0, 0, 0, 0]) + UDP)
    yield "ipv6_fragments", v6(44, bytes([17, 0, 0, 1, 0, 0, 0, 7]) + UDP * 4) + v6(
        44, bytes([17, 0, 0, 48, 0, 0, 0, 7]) + UDP)
    yield "ipv6_forward", v6(17, UDP, destination=FAR6) + v6(17, UDP, destination=FAR6, hops=1) + v6(
        17, UDP * 105, destination=FAR6)
    yield "ipv6_too_big", v6(58, icmp(2, 0, 1280, ipv6(17, UDP, source=HOST6, destination=FAR6)))
    yield "ipv6_ethernet", record(ethernet(0x86DD, ipv6(17, UDP, destination=bytes.fromhex(
        "fd000000000000000000000000000001"))))


def piece(offset, length, more, flags=0, ident=1):
    return struct.pack(">BBHH", flags | (2 if more else 0), ident, offset // 8, length)


def reassemblies():
    for family in (0, 1):
        name = "ipv6_" if family else "ipv4_"
        first, second = piece(0, 800, True, family), piece(800, 800, True, family)
        yield name + "in_order", first + second + piece(1600, 9, False, family)
        yield name + "reverse", piece(1600, 9, False, family) + second + first
        yield name + "overlap", first + piece(792, 800, True, family) + piece(1592, 8, False, family)
        yield name + "copy", first * 2 + piece(800, 8, False, family)
        yield name + "other", first + piece(0, 800, True, family | 4) + piece(800, 8, False, family)
        yield name + "two_ends", piece(800, 8, False, family) + piece(1600, 8, False, family)
        yield name + "too_long", piece(65528, 800, False, family)
        yield name + "timeout", piece(0, 800, True, family) + piece(0, 800, True, family | 8, 2) * 61
        yield name + "many", b"".join(piece(0, 1600, True, family, ident) for ident in range(4)) * 2


def bridges():
    def say(port, source, destination, flags=0, letter=b"x"):
        frame = destination + bytes([2, 0, 0, 0, 0, source]) + b"\x88\xb5" + letter
        return bytes([port | flags, len(frame)]) + frame

    def station(number):
        return bytes([2, 0, 0, 0, 0, number])

    talk = say(1, 1, ALL) + say(2, 2, station(1)) + say(1, 1, station(2)) + say(2, 3, station(2))
    for hub in (b"\0", b"\1"):
        name = "hub_" if hub == b"\1" else "bridge_"
        yield name + "talk", hub + talk
        yield name + "move", hub + talk + say(3, 1, ALL) + say(2, 2, station(1)) + say(2, 2, station(1), 0x70)
        reserved, relayed = bytes.fromhex("0180c2000000"), bytes.fromhex("0180c2000010")
        yield name + "reserved", hub + say(1, 1, reserved) + say(1, 1, relayed)
        yield name + "bad", hub + say(1, 1, ALL)[:10] + say(7, 1, ALL) + bytes([1, 3]) + b"abc"
        yield name + "many", hub + b"".join(say(1 + i % 4, i, station(i // 2), 8 * (i % 3 == 0)) for i in range(24))


def main():
    for target, seeds in (("net_input", stories()), ("reassembly", reassemblies()), ("bridge", bridges())):
        folder = os.path.join(HERE, "corpus", target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


main()
