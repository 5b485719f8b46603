#!/usr/bin/env python3
"""Writes the seeds of the header parsers' fuzz targets to fuzz/corpus: one file per kind of header, by name."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol, payload, options=b"", flags=0, ttl=64):
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(payload), 7, flags, ttl, protocol, 0,
                       bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


SOURCE = bytes.fromhex("20010db8000000000000000000000001")
DESTINATION = bytes.fromhex("20010db8000000000000000000000002")


def ipv6(following, payload, payload_bytes=None):
    size = len(payload) if payload_bytes is None else payload_bytes
    return struct.pack(">IHBB", 0x60012345, size, following, 64) + SOURCE + DESTINATION + payload


def icmp(kind, code, rest, body=b"", pseudo=b""):
    message = struct.pack(">BBHI", kind, code, 0, rest) + body
    return message[:2] + struct.pack(">H", checksum(pseudo + message)) + message[4:]


def icmpv6(kind, code, rest, body=b""):
    return icmp(kind, code, rest, body, SOURCE + DESTINATION + struct.pack(">II", 8 + len(body), 58))


def udp(source, destination, payload, length=None):
    return struct.pack(">HHHH", source, destination, 8 + len(payload) if length is None else length, 0) + payload


def tcp(source, destination, flags, options=b"", payload=b""):
    return struct.pack(">HHIIHHHH", source, destination, 1000, 2000, (5 + len(options) // 4) << 12 | flags, 64240, 0,
                       0) + options + payload


def ethernet(ethertype, payload, tag=None):
    head = b"\xff" * 6 + b"\x02\0\0\0\0\x01"
    if tag is not None:
        head += struct.pack(">HH", 0x8100, tag)
    return head + struct.pack(">H", ethertype) + payload


def arp(operation, target=b"\x0a\0\0\x02"):
    return struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + b"\x02\0\0\0\0\x01\x0a\0\0\x01" + b"\0" * 6 + target


MSS = b"\x02\x04\x05\xb4"
TIMESTAMPS = b"\x08\x0a\0\0\0\x07\0\0\0\x08"
SYN_OPTIONS = MSS + b"\x04\x02" + TIMESTAMPS + b"\x01\x03\x03\x07"
SACK = b"\x01\x01\x05\x12" + struct.pack(">IIII", 1, 2, 3, 4)

TCP = {
    "syn": tcp(42000, 80, 2, SYN_OPTIONS),
    "syn_without_timestamps": tcp(42000, 80, 2, MSS + b"\x01\x01\x04\x02\x01\x03\x03\x07"),
    "ack": tcp(42000, 80, 16, b"\x01\x01" + TIMESTAMPS, b"data"),
    "sack": tcp(42000, 80, 16, b"\x01\x01" + TIMESTAMPS + SACK),
    "sack_of_four": tcp(42000, 80, 16, b"\x01\x01\x05\x22" + bytes(range(32))),
    "sack_twice": tcp(42000, 80, 16, SACK + b"\x01\x01\x05\x0a" + bytes(8)),
    "end_of_options": tcp(42000, 80, 16, b"\x01\x00\x02\x04"),
    "length_zero": tcp(42000, 80, 16, b"\x02\x00\x05\xb4"),
    "fast_open_request": tcp(42000, 80, 2, SYN_OPTIONS + b"\x22\x02\x01\x01"),
    "fast_open_cookie": tcp(42000, 80, 2, MSS + b"\x22\x0aabcdefgh\x01\x01", b"data"),
    "fast_open_experiment": tcp(42000, 80, 2, MSS + b"\xfe\x0c\xf9\x89abcdefgh", b"data"),
    "fast_open_odd": tcp(42000, 80, 2, MSS + b"\x22\x05abc\x01\x01\x01"),
    "user_timeout": tcp(42000, 80, 2, MSS + b"\x1c\x04\x80\x05"),
    "unknown_option": tcp(42000, 80, 16, b"\xfd\x08abcdef"),
    "packed_tightly": tcp(42000, 80, 16, b"\x05\x22" + bytes(32) + b"\x04\x02\x03\x03\x07\x00"),
    "all_flags": tcp(1, 2, 0xFFF),
    "header_beyond_the_end": tcp(1, 2, 16)[:12] + b"\xf0" + tcp(1, 2, 16)[13:],
    "request": tcp(42000, 80, 24, b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
}
DNS_QUERY = b"\x12\x67\x01\0\0\x01\0\0\0\0\0\0\x01a\x02to\0\0\x01\0\x01"
DNS_REPLY = (b"\x12\x67\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x02to\0\0\x01\0\x01"
             b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01")
UDP = {
    "empty": udp(1, 2, b""),
    "data": udp(5000, 7, b"hello"),
    "length_too_long": udp(5000, 7, b"hello", 100),
    "length_too_short": udp(5000, 7, b"hello", 7),
    "padded": udp(5000, 7, b"hello", 10),
    "dns_query": udp(5000, 53, DNS_QUERY),
    "dns_reply": udp(53, 5000, DNS_REPLY),
    "dhcp_discover": udp(68, 67, bytes([1, 1, 6, 0]) + bytes(232) + bytes.fromhex("63825363350101ff")),
}
QUOTE = ipv4(17, udp(5000, 33434, b""))
ICMP = {
    "echo": icmp(8, 0, 0x00010002, b"abcdefgh"),
    "echo_reply": icmp(0, 0, 0x00010002, b"odd"),
    "port_unreachable": icmp(3, 3, 0, QUOTE),
    "fragmentation_needed": icmp(3, 4, 1400, QUOTE),
    "time_exceeded": icmp(11, 0, 0, QUOTE),
    "redirect": icmp(5, 1, 0x0A0000FE, QUOTE),
    "parameter_problem": icmp(12, 0, 0x09000000, QUOTE),
    "short": b"\x08\0\0",
    "bad_checksum": b"\x08\0\0\0\0\x01\0\x02",
}
ICMPV6 = {
    "echo_v6": icmpv6(128, 0, 0x00010002, b"abcdefgh"),
    "too_big_v6": icmpv6(2, 0, 1280, ipv6(17, udp(5000, 7, b"hello"))),
    "port_unreachable_v6": icmpv6(1, 4, 0, ipv6(17, udp(5000, 7, b"hello"))),
}
IPV4 = {
    "tcp": ipv4(6, TCP["syn"]),
    "udp": ipv4(17, UDP["data"]),
    "first_fragment": ipv4(17, udp(5000, 7, b"x" * 16, 100), flags=0x2000),
    "last_fragment": ipv4(17, b"x" * 16, flags=3),
    "dont_fragment": ipv4(17, UDP["data"], flags=0x4000),
    "record_route": ipv4(17, UDP["data"], b"\x07\x07\x04\0\0\0\0\0"),
    "timestamp_and_nops": ipv4(17, UDP["data"], b"\x01\x01\x44\x0c\x05\0" + bytes(8) + b"\x01\x00"),
    "source_route": ipv4(17, UDP["data"], b"\x83\x07\x04\x0a\0\0\x03\x00"),
    "option_that_lies": ipv4(17, UDP["data"], b"\x07\xff\x04\0"),
    "option_of_length_zero": ipv4(17, UDP["data"], b"\x07\0\x04\0"),
    "all_options": ipv4(17, UDP["data"], b"\x94\x04\0\0" * 10),
    "padded": ipv4(17, UDP["data"]) + b"\0" * 10,
    "ttl_zero": ipv4(17, UDP["data"], ttl=0),
}
IPV6 = {
    "tcp": ipv6(6, TCP["syn"]),
    "udp": ipv6(17, UDP["data"]),
    "fragment": ipv6(44, b"\x11\0\x05\xa9\x12\x34\x56\x78" + b"x" * 16),
    "hop_by_hop": ipv6(0, b"\x11\0\x05\x02\0\0\x01\0" + UDP["data"]),
    "destination_options": ipv6(60, b"\x3b\x01\x01\x04\0\0\0\0\xc2\x02ab\x01\x02\0\0"),
    "routing": ipv6(43, b"\x3b\x02\x00\x01" + bytes(20)),
    "option_that_lies": ipv6(0, b"\x3b\0\x05\xff\0\0\0\0"),
    "mapped_source": ipv6(59, b"").replace(SOURCE, bytes(10) + b"\xff\xff\x0a\0\0\x01"),
    "cut": ipv6(17, b"12345678", 1000),
}
ARP = {"request": arp(1), "reply": arp(2), "announcement": arp(1, b"\x0a\0\0\x01"), "operation_3": arp(3),
       "short": arp(1)[:20], "padded": arp(1) + b"\0" * 18}
ETHERNET = {
    "arp": ethernet(0x0806, ARP["request"]),
    "ipv4": ethernet(0x0800, IPV4["tcp"]),
    "ipv6": ethernet(0x86DD, IPV6["udp"]),
    "tagged": ethernet(0x0800, IPV4["udp"], 0xB005),
    "tag_cut_off": ethernet(0x0800, b"", 5)[:15],
    "two_tags": ethernet(0x8100, b"\0\x07\x08\0", 5),
    "unknown": ethernet(0x88CC, b"lldp"),
    "short": b"short",
}
ADDRESSES = ["192.0.2.1", "0.0.0.0", "255.255.255.255", "1.2.3.04", "256.1.1.1", "2001:db8::1", "::", "::1", "1::",
             "::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
             "1::2::3", "12345::", "192.0.2.1:80", "[2001:db8::1]:443", "[fe80::1%3]:22", "[192.0.2.1]:65535",
             "[::1]:65536", "192.0.2.0/24", "2001:db8::/32", "::/0", "::ffff:192.0.2.0/120", "::ffff:192.0.2.0/24",
             "0.0.0.0/33"]


def rdt_step(kind, number, data=b"", up=True, mend=True, cut=None):
    """One packet for fuzz_rdt: its length, whether to mend its checksum, who gets it; then the packet."""
    packet = struct.pack(">HHI", kind, 0, number) + data
    packet = packet[:cut]
    return bytes([len(packet) << 2 | mend << 1 | up]) + packet


# Protocol, window - 1, numbers beyond the window; data go up in the order of these numbers, and ACKs come down.
RDT_STORY = b"".join(rdt_step(0, n, b"data") + rdt_step(1, n, up=False) for n in (0, 1, 3, 3, 2, 0, 1, 2))
RDT_NOISE = rdt_step(0, 0, b"x", mend=False) + rdt_step(2, 0, up=False) + rdt_step(7, 1) + rdt_step(0, 0, cut=5)
RDT = {f"protocol_{n}": bytes([n, 3, 4]) + RDT_NOISE + RDT_STORY + RDT_NOISE for n in range(7)}
RDT.update({f"tight_{n}": bytes([n, 3, 0]) + RDT_STORY + RDT_STORY for n in (5, 6)})


def main():
    print_frame = {f"ethernet_{name}": b"\xfe" + data for name, data in ETHERNET.items()}
    print_frame.update({f"arp_{name}": b"\xfe" + ethernet(0x0806, data) for name, data in ARP.items()})
    print_frame.update({f"ipv4_{name}": b"\xff" + data for name, data in IPV4.items()})
    print_frame.update({f"ipv6_{name}": b"\xff" + data for name, data in IPV6.items()})
    print_frame.update({f"icmp_{name}": b"\x55" + ipv4(1, data) for name, data in ICMP.items()})
    print_frame.update({f"icmp_{name}": b"\xff" + ipv6(58, data) for name, data in ICMPV6.items()})
    print_frame.update({f"tcp_{name}": b"\xff" + ipv4(6, data) for name, data in TCP.items()})
    print_frame.update({f"udp_{name}": b"\xff" + ipv4(17, data) for name, data in UDP.items()})
    corpora = {"ethernet": ETHERNET, "arp": ARP, "ipv4": IPV4, "ipv6": IPV6, "icmp": {**ICMP, **ICMPV6}, "udp": UDP,
               "tcp": TCP, "print_frame": print_frame, "rdt": RDT,
               "address_parse": {f"{i:02}": text.encode() for i, text in enumerate(ADDRESSES)}}
    for name, seeds in corpora.items():
        folder = os.path.join(HERE, "corpus", name)
        os.makedirs(folder, exist_ok=True)
        for seed, data in seeds.items():
            with open(os.path.join(folder, seed), "wb") as file:
                file.write(data)


main()
