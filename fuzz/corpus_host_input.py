#!/usr/bin/env python3
"""Writes the seeds of fuzz_host_input to fuzz/corpus/host_input: what a host meets in a day, one story per file.

The harness makes checksums right and lets acknowledgements count from the host's own sequence number, so that the
stories stay true when the host's choices change."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

IP_PORT, FIX, RELATIVE = 1, 2, 4
READ, WRITE, CLOSE, SEND, SHUTDOWN, TOGGLE, DECIDE = (n << 5 for n in range(1, 8))
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
HOST0, PEER0 = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
HOST1, PEER1 = bytes([10, 0, 1, 1]), bytes([10, 0, 1, 2])
HOST6 = bytes.fromhex("20010db8000000000000000000000001")
PEER6 = bytes.fromhex("20010db8000000000000000000000002")
HOST_MAC, PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def record(frame, flags=IP_PORT | FIX | RELATIVE, time=0):
    return struct.pack(">BBH", flags, time, len(frame)) + frame


def ipv4(protocol, payload, source=PEER1, destination=HOST1, ident=1, fragment=0, ttl=64, options=b""):
    words = 5 + len(options) // 4
    return struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, ttl, protocol,
                       0) + source + destination + options + payload


def ipv6(following, payload, source=PEER6, destination=HOST6, hops=64):
    return struct.pack(">IHBB", 0x60000000, len(payload), following, hops) + source + destination + payload


def tcp(source, destination, flags, seq, ack=0, payload=b"", options=b"", window=60000, urgent=0):
    words = 5 + len(options) // 4
    return struct.pack(">HHIIHHHH", source, destination, seq, ack, words << 12 | flags, window, 0,
                       urgent) + options + payload


def udp(source, destination, payload):
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 1) + payload


def icmp(kind, code, rest, body=b""):
    return struct.pack(">BBHI", kind, code, 0, rest) + body


def ethernet(ethertype, payload, destination=HOST_MAC):
    return destination + PEER_MAC + struct.pack(">H", ethertype) + payload


def arp(operation, sender=PEER0, target=HOST0):
    return ethernet(0x0806, struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + PEER_MAC + sender + HOST_MAC + target,
                    HOST_MAC if operation == 2 else b"\xff" * 6)


MSS = bytes([2, 4, 5, 180])
SYN_OPTIONS = MSS + bytes([4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7])


def sack(*blocks):
    body = b"".join(struct.pack(">II", *block) for block in blocks)
    return bytes([1, 1, 5, 2 + len(body)]) + body


def established(flags, seq, ack=1, payload=b"", **more):
    """A segment of the connection that the host opened: 10.0.1.2:9000 to port 40000, next octet 1001."""
    return ipv4(6, tcp(9000, 40000, flags, seq, ack, payload, **more))


def served(flags, seq, ack=1, payload=b"", **more):
    """A segment of the connection that the host accepted: 10.0.1.2:1234 to port 80, next octet 1001."""
    return ipv4(6, tcp(1234, 80, flags, seq, ack, payload, **more))


def fragments(protocol, payload, sizes, ident=9):
    frames, offset = [], 0
    for size in sizes:
        more = 0x2000 if offset + size < len(payload) else 0
        frames.append(ipv4(protocol, payload[offset:offset + size], ident=ident, fragment=more | offset // 8))
        offset += size
    return frames


STORIES = {
    "acknowledge": [record(established(ACK, 1001, 1 + 1360 * n), time=24) for n in range(1, 12)],
    "duplicate_acks": [record(established(ACK, 1001)) for _ in range(5)] +
                      [record(established(ACK, 1001, 4000), time=25)],
    "sack": [record(established(ACK, 1001, 1, options=sack((2000, 3000), (5000, 6000))))],
    "zero_window": [record(established(ACK, 1001, 5000, window=0), time=28),
                    record(established(ACK, 1001, 5000, window=0), time=33),
                    record(established(ACK, 1001, 5001, window=4000), time=33)],
    "timeouts": [record(b"", time=t) for t in (28, 30, 31, 32, 33, 34, 35, 36, 37, 38)],
    "data_in_order": [record(served(PSH | ACK, 1001 + 100 * n, payload=b"x" * 100)) for n in range(5)] +
                     [record(b"", READ | IP_PORT)],
    "data_out_of_order": [record(served(ACK, 1001 + 100 * n, payload=b"y" * 100)) for n in (3, 1, 5, 2, 1, 0, 4)] +
                         [record(b"", READ | IP_PORT)],
    "overlaps": [record(served(ACK, 1101, payload=b"a" * 300)), record(served(ACK, 1051, payload=b"b" * 500)),
                 record(served(ACK, 1001, payload=b"c" * 100)), record(b"", READ | IP_PORT)],
    "urgent": [record(served(URG | ACK, 1001, payload=b"z" * 10, urgent=6)), record(b"", READ | IP_PORT),
               record(b"", WRITE | IP_PORT)],
    "fin": [record(served(FIN | ACK, 1001, payload=b"last")), record(b"", READ | IP_PORT), record(b"", CLOSE | IP_PORT),
            record(served(ACK, 1006, 2))],
    "simultaneous_close": [record(b"", SHUTDOWN | IP_PORT), record(established(FIN | ACK, 1001, 20001)),
                           record(established(ACK, 1002, 20002)), record(established(FIN | ACK, 1001, 20002), time=36)],
    "reset": [record(served(RST, 1001)), record(established(RST | ACK, 1500)), record(established(RST, 1001))],
    "syn_in_connection": [record(established(SYN, 77)), record(served(SYN | ACK, 5000, 1))],
    "keep_alive_of_peer": [record(served(ACK, 1000, payload=b"")), record(served(ACK, 1000, payload=b"k"))],
    "connecting": [record(ipv4(6, tcp(9001, 40001, SYN | ACK, 500, 1, options=SYN_OPTIONS))),
                   record(ipv4(6, tcp(9001, 40001, ACK, 501, 1, b"hello")))],
    "simultaneous_open": [record(ipv4(6, tcp(9001, 40001, SYN, 500, 0, options=MSS))),
                          record(ipv4(6, tcp(9001, 40001, SYN | ACK, 500, 1)))],
    "refused": [record(ipv4(6, tcp(9001, 40001, RST | ACK, 0, 1)))],
    "handshakes": [record(ipv4(6, tcp(2000 + n, 80, SYN, 100, options=SYN_OPTIONS))) for n in range(12)] +
                  [record(ipv4(6, tcp(2000 + n, 80, ACK, 101, 1, b"GET /"))) for n in range(12)] +
                  [record(b"", READ | IP_PORT)],
    "handshake_ipv6": [record(ipv6(6, tcp(2000, 80, SYN, 100, options=SYN_OPTIONS))),
                       record(ipv6(6, tcp(2000, 80, ACK, 101, 1, b"GET /"))), record(b"", READ | IP_PORT)],
    "filter": [record(ipv4(6, tcp(2000 + n, 81, SYN, 100)), DECIDE | IP_PORT | FIX) for n in range(4)],
    "nobody": [record(ipv4(6, tcp(5, 6, SYN, 1))), record(ipv4(6, tcp(5, 6, ACK, 1, 1))),
               record(ipv4(17, udp(5, 6, b"?")))],
    "udp": [record(ipv4(17, udp(5353, 40053, b"answer"))), record(ipv4(17, udp(99, 53, b"question"))),
            record(ipv6(17, udp(99, 53, b"question"))), record(b"", READ | IP_PORT)],
    "udp_fragments": [record(frame) for frame in fragments(17, udp(99, 53, b"f" * 3000), (1376, 1376, 256))],
    "udp_fragments_reversed": [record(frame) for frame in
                               fragments(17, udp(99, 53, b"f" * 300), (104, 104, 100))[::-1]],
    "fragments_overlap": [record(ipv4(17, b"p" * 64, ident=4, fragment=0x2000)),
                          record(ipv4(17, b"q" * 64, ident=4, fragment=0x2004))],
    "fragments_alone": [record(ipv4(17, b"p" * 64, ident=5, fragment=0x2000)), record(b"", time=36)],
    "ipv6_fragments": [record(ipv6(44, struct.pack(">BBHI", 17, 0, 1, 7) + udp(99, 53, b"s" * 56)[:64])),
                       record(ipv6(44, struct.pack(">BBHI", 17, 0, 64, 7) + b"s" * 8))],
    "ping": [record(ipv4(1, icmp(8, 0, 0x00010001, b"ping" * 14))), record(ipv6(58, icmp(128, 0, 0x00010001, b"six")))],
    "echo_reply": [record(b"", SEND | IP_PORT), record(ipv4(1, icmp(0, 0, 77 << 16 | 1, b"\0" * 100))),
                   record(b"", READ | IP_PORT)],
    "port_unreachable": [record(b"", SEND | IP_PORT),
                         record(ipv4(1, icmp(3, 3, 0, ipv4(17, udp(40053, 5353, b""), HOST1, PEER1)))),
                         record(b"", READ | IP_PORT)],
    "too_big": [record(ipv4(1, icmp(3, 4, 600, ipv4(6, tcp(40000, 9000, ACK, 1, 1001), HOST1, PEER1)))),
                record(b"", time=28)],
    "time_exceeded": [record(ipv4(1, icmp(11, 0, 0, ipv4(1, icmp(8, 0, 77 << 16 | 1), HOST1, PEER1))))],
    "redirect": [record(ipv4(1, icmp(5, 1, 0x0A000109, ipv4(17, udp(40053, 5353, b""), HOST1, bytes([8, 8, 8, 8])))))],
    "arp": [record(arp(1), FIX), record(arp(2), FIX), record(arp(1, HOST0), FIX),
            record(arp(2, bytes([10, 0, 0, 77])), FIX)],
    "sleeping_neighbour": [record(b"", SEND), record(b"", SEND, 30), record(arp(2, bytes([10, 0, 0, 77])), FIX),
                           record(b"", SEND, 31)],
    "neighbour_gone": [record(b"", SEND)] + [record(b"", 0, 31) for _ in range(5)],
    "forward": [record(arp(2), FIX), record(ipv4(17, udp(1, 2, b"through"), PEER1, bytes([192, 0, 2, 9]))),
                record(ethernet(0x0800, ipv4(17, udp(1, 2, b"through" * 200), PEER0, bytes([198, 51, 100, 9]))), FIX),
                record(ipv4(17, udp(1, 2, b"late"), PEER1, bytes([192, 0, 2, 9]), ttl=1))],
    "multicast": [record(ethernet(0x0800, ipv4(17, udp(9, 53, b"all"), PEER0, bytes([239, 1, 2, 3])),
                                  bytes.fromhex("01005e010203")), FIX), record(b"", READ)],
    "broadcast": [record(ethernet(0x0800, ipv4(17, udp(9, 53, b"all"), PEER0, b"\xff" * 4), b"\xff" * 6), FIX)],
    "port_goes": [record(b"", SEND), record(b"", TOGGLE), record(b"", SEND, 30), record(b"", TOGGLE, 30),
                  record(b"", READ, 30)],
    "record_route": [record(ipv4(1, icmp(8, 0, 1, b"x" * 8), options=bytes([7, 11, 4]) + b"\0" * 8 + b"\0"))],
    "source_route": [record(ipv4(17, udp(1, 53, b"x"), options=bytes([131, 7, 4, 10, 0, 0, 9, 0])))],
    "router_alert_padding": [record(ipv4(17, udp(1, 53, b"x"), options=bytes([148, 4, 0, 0]))[:-1] + b"x" + b"\0" * 9)],
    "raw": [record(ipv4(6, tcp(9000, 40000, ACK, 1001, 1)), IP_PORT), record(b"\x45\0\0", IP_PORT),
            record(b"\x60", IP_PORT)],
    "budget": [record(served(ACK, 2000 + 1300 * n, payload=b"h" * 1200)) for n in range(20)] +
              [record(b"", WRITE | IP_PORT)] * 8,
}


def main():
    folder = os.path.join(HERE, "corpus", "host_input")
    os.makedirs(folder, exist_ok=True)
    for name, story in STORIES.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"".join(story))
    print(f"{len(STORIES)} seeds in fuzz/corpus/host_input")


main()
