#!/usr/bin/env python3
"""Writes the seeds of fuzz_tcp_input to fuzz/corpus/tcp_input: lives of a connection, one per file.

Numbers of segments are relative to the connection's variables, so that the stories stay true when the code changes."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
NXT, ADV, LAST, IRS = range(4)
UNA, SENT, OLD, RECOVER = range(4)
MSS = bytes([2, 4, 3, 0xe8])
SCALE = bytes([1, 3, 3, 4])
SACK_PERMITTED = bytes([1, 1, 4, 2])
COOKIE = bytes([1, 1, 34, 10]) + b"biscuits"


def timestamps(value, echo=0):
    return bytes([1, 1, 8, 10]) + struct.pack(">II", value, echo)


def segment(flags, seq=0, ack=0, seq_base=NXT, ack_base=UNA, window=40000, urgent=0, data=0, options=b""):
    return struct.pack(">BBBhhHHHB", 0, flags, seq_base | ack_base << 4, seq, ack, window, urgent, data,
                       len(options)) + options


def act(kind, argument=0):
    return bytes([kind, argument])


def wait(exponent):
    return act(1, exponent)


def write(hundreds):
    return act(2, hundreds)


def read(hundreds=255):
    return act(3, hundreds)


def say(count=255):
    return act(5, count)


def setting(index, value):
    """Of the table in fuzz_tcp_input.c."""
    return bytes([14, index, value])


def opening(switches):
    return act(16, switches)


def too_big(delta=0):
    return bytes([12, 4]) + struct.pack(">h", delta)


COOKIES, FAST_OPEN, ECN, PROBING = range(4)
FAST_SERVER, FAST_CLIENT, NO_COOKIE, DEFER, PATH_MSS, WHOLE_SACK = (1 << bit for bit in range(6))
CLOSE, SHUT, CONNECT, ACCEPT = act(6, 1), act(7), act(9), act(10)
ABORT = act(6, 0)
# Before there is a connection numbers count from 5000 and from our initial number.
OPEN = segment(SYN, seq=-1, options=MSS) + say() + segment(ACK) + ACCEPT
OPEN_WIDE = segment(SYN, seq=-1, options=MSS + SCALE + timestamps(1)) + say() + segment(
    ACK, options=timestamps(2)) + ACCEPT
# A client that has a cookie of the peer's, and speaks first with it.
FAST_CONNECT = CONNECT + say() + segment(SYN | ACK, seq=77, ack_base=SENT, options=MSS + COOKIE) + say() + ABORT + say(
) + CONNECT + write(9) + say()
ACKED = segment(ACK, ack_base=SENT)
DUPLICATE = segment(ACK)
ROUND = write(255) + say() + wait(26) + segment(ACK, ack=2000) + say() + wait(25) + ACKED

STORIES = {
    "accept": OPEN + segment(ACK | PSH, data=100) + say() + read() + CLOSE + say() + ACKED,
    "connect": CONNECT + say() + segment(SYN | ACK, seq=77, ack_base=SENT, options=MSS) + say() + write(9) + say()
    + ACKED + CLOSE + say(),
    "crossing": CONNECT + say() + segment(SYN, seq=77, options=MSS) + say() + segment(
        SYN | ACK, seq_base=IRS, ack_base=SENT) + say() + write(3) + say(),
    "bulk": OPEN + write(255) + say() + ACKED + say() + ACKED + say() + write(255) + say(3) + ACKED + say(),
    "loss": OPEN + write(255) + say() + DUPLICATE * 5 + say() + segment(ACK, ack=3000) + say() + ACKED + say(),
    "timeout": OPEN + write(80) + say() + wait(30) + say() + segment(ACK, ack=1000) + say() + ACKED + say(),
    "out_of_order": OPEN + segment(ACK, seq=1000, data=1000) + segment(ACK, seq=3000, data=1000) + say()
    + segment(ACK, data=1000) + say() + segment(ACK, data=1000) + say() + read(),
    "fin_ahead": OPEN + segment(ACK | FIN, seq=500, data=500) + segment(ACK, data=500) + say() + read() + SHUT
    + say() + ACKED,
    "zero_window": OPEN + segment(ACK, window=0) + write(30) + say() + wait(28) + say() + segment(ACK, window=0)
    + wait(29) + say() + segment(ACK, window=40000) + say(),
    "shrinking": OPEN + write(80) + say() + segment(ACK, ack=1000, window=1500) + write(20) + say() + wait(28)
    + say() + segment(ACK, ack=1000, window=0) + wait(30) + say() + segment(ACK, window=60000) + say(),
    "closing": OPEN + SHUT + say() + segment(ACK | FIN) + say() + segment(ACK, ack_base=SENT) + say(),
    "time_wait": OPEN + CLOSE + say() + segment(ACK | FIN, seq=1, ack=2) + say() + segment(SYN, seq=900, options=MSS)
    + say() + segment(ACK, seq=901) + ACCEPT + say() + wait(37),
    "urgent": OPEN + act(4, 5) + say() + segment(ACK | URG, data=100, urgent=50) + read(1) + act(4, 20) + say(),
    "reset": OPEN + segment(RST, seq=1) + say() + segment(RST) + read(),
    "challenge": OPEN + segment(SYN) + say() + segment(ACK, ack=9, ack_base=SENT) + segment(ACK, ack_base=OLD, ack=-9)
    + say(),
    "timestamps": OPEN_WIDE + segment(ACK, data=1000, options=timestamps(5)) + segment(
        ACK, data=10, options=timestamps(3)) + say() + segment(ACK, data=10) + write(99) + say() + segment(
            ACK, ack_base=SENT, options=timestamps(7)) + say(),
    "icmp": OPEN + write(60) + say() + bytes([12, 4, 0, 0]) + say() + ACKED + bytes([12, 1, 0, 0]) + write(5) + say()
    + bytes([12, 3, 0, 0]) + say(),
    "options": OPEN + act(11, 1) + write(1) + say() + act(11, 32 | 64) + write(99) + say() + act(11, 2) + wait(41)
    + say() + act(11, 8) + write(1) + wait(33) + say(),
    "memory": OPEN + segment(ACK, seq=9000, data=2000) + act(13, 3) + segment(ACK, data=2000) * 6 + say() + write(99)
    + say() + act(13, 255) + say() + read(),
    "read_shut": OPEN + segment(ACK, data=900) + act(8) + segment(ACK, data=900) + say() + segment(
        ACK, seq=500, data=10) + say(),
    "abort": OPEN + write(9) + say() + ABORT + say(),
    "cookies": setting(COOKIES, 2) + OPEN_WIDE + segment(ACK, data=100, options=timestamps(3)) + say() + read()
    + write(9) + say() + CLOSE,
    "fast_open": setting(FAST_OPEN, 3) + segment(SYN, seq=-1, data=100, options=MSS + bytes([34, 2, 1, 1])) + say()
    + segment(ACK) + ACCEPT + read() + write(9) + say(),
    "ecn": setting(ECN, 1) + segment(SYN | 64 | 128, seq=-1, options=MSS) + say() + segment(ACK) + ACCEPT + act(15, 192)
    + segment(ACK, data=500) * 3 + say() + act(15, 0) + write(80) + say() + segment(ACK | 64, ack=1000) + say()
    + segment(ACK | 128, data=10) + say(),
    "probing": setting(PROBING, 2) + setting(32, 0) + OPEN_WIDE + write(255) + say() + segment(
        ACK, ack_base=SENT, options=timestamps(3)) + write(255) + say() + DUPLICATE * 4 + say() + wait(41) + say(),
    **{f"congestion_{index}": OPEN + act(15, index) + ROUND * 4 + DUPLICATE * 4 + say() + wait(31) + say()
       for index in range(6)},
    "fast_open_taken": opening(FAST_SERVER | NO_COOKIE) + segment(SYN, seq=-1, options=MSS + SACK_PERMITTED, data=500)
    + ACCEPT + say() + read() + write(50) + say() + segment(ACK, ack_base=SENT, ack=-2000) + say() + ACKED + CLOSE
    + say() + ACKED,
    "fast_open_request": opening(FAST_SERVER) + segment(SYN, seq=-1, options=MSS + bytes([1, 1, 34, 2])) + say()
    + segment(SYN, seq=-1, options=MSS + COOKIE, data=300) + say() + segment(ACK) + ACCEPT + say(),
    "fast_open_lost": opening(FAST_SERVER | NO_COOKIE) + segment(SYN, seq=-1, options=MSS, data=10) + ACCEPT
    + write(30) + say() + wait(30) + say() + segment(ACK, ack=1) + say() + segment(RST) + say(),
    "fast_open_client": opening(FAST_CLIENT) + FAST_CONNECT + segment(SYN | ACK, seq=77, ack_base=SENT, options=MSS)
    + say() + write(20) + say() + ACKED + CLOSE + say(),
    "fast_open_refused": opening(FAST_CLIENT | PATH_MSS) + FAST_CONNECT + write(50) + segment(
        SYN | ACK, seq=77, ack=101, options=MSS + SACK_PERMITTED, data=100) + say() + wait(30) + say() + ACKED + say(),
    "fast_open_too_big": opening(FAST_CLIENT | PATH_MSS) + FAST_CONNECT + too_big() + say() + segment(
        SYN | ACK, seq=77, ack=1, options=MSS) + say() + ACKED + say(),
    "fast_open_crossing": opening(FAST_CLIENT) + FAST_CONNECT + segment(
        SYN, seq=77, options=MSS + COOKIE, data=500) + say() + segment(
            SYN | ACK, seq_base=IRS, ack_base=SENT) + say() + segment(ACK, data=500) + say() + read(),
    "deferred": opening(DEFER) + segment(SYN, seq=-1, options=MSS) + say() + segment(ACK) + ACCEPT + wait(30) + say()
    + segment(ACK, data=100) + ACCEPT + say() + read(),
    "linger": OPEN + act(11, 16) + write(9) + CLOSE + say() + wait(31) + say(),
}


def main():
    folder = os.path.join(HERE, "corpus", "tcp_input")
    os.makedirs(folder, exist_ok=True)
    for name, story in STORIES.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(story)


main()
