"""strata run detect and address, beside Python's own arithmetic: CRC-32 of zlib, the Internet checksum, prefixes of
ipaddress; and one sentence for what they cannot take."""

import ipaddress
import os
import random
import subprocess
import sys
import zlib

STRATA = os.environ["STRATA"]
failures = 0


def run(*words):
    return subprocess.run([STRATA, "run", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)


def expect(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def check_sums(rng):
    for length in list(range(1, 12)) + [100, 1000]:
        text = "".join(chr(rng.randrange(33, 127)) for _ in range(length)).replace("-", "x")
        data = text.encode()
        parity = bin(int.from_bytes(data, "big")).count("1") % 2
        expected = f"parity bit: {parity}\nchecksum: {checksum(data):04x}\nCRC-32: {zlib.crc32(data):08x}\n"
        result = run("detect", "sums", text)
        expect(result.returncode == 0 and result.stdout == expected, f"{text}: {result.stdout} instead of {expected}")


def check_addresses(rng):
    for _ in range(8):
        number, length = rng.getrandbits(32), rng.randrange(9, 32)
        address = ipaddress.ip_address(number)
        network = ipaddress.ip_network((number, length), strict=False)
        said = run("address", f"{address}/{length}").stdout
        expect(f"hexadecimal: {number:08X}\n" in said, f"{address}: {said}")
        expect(f"prefix: {network}, mask {network.netmask}, {network[0]} to {network[-1]}, "
               f"{network.num_addresses} addresses\n" in said, f"{network}: {said}")
        into = min(length + 3, 32)
        pieces = run("address", str(network), "--split", str(into)).stdout.splitlines()
        expect(pieces[1:] == [str(piece) for piece in network.subnets(new_prefix=into)], f"{network} into {pieces}")
    prefixes = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0"]
    for address, number in (("10.1.2.3", 2), ("10.1.3.3", 1), ("10.2.2.2", 0), ("11.0.0.1", 3)):
        expect(f"chosen: number {number}, " in run("address", address, "among", *prefixes).stdout, address)
    expect("chosen: none" in run("address", "11.0.0.1", "among", *prefixes[:3]).stdout, "no prefix fits")
    for address, kind in (("126.1.1.1", "A, leading bits 0, network 126.0.0.0"),
                          ("191.255.0.1", "B, leading bits 10, network 191.255.0.0"),
                          ("192.0.2.1", "C, leading bits 110, network 192.0.2.0"),
                          ("224.0.0.1", "D, leading bits 1110\n"),
                          ("240.0.0.1", "E, leading bits 1111\n")):
        expect(f"class: {kind}" in run("address", address).stdout, f"class of {address}")


def check_mistakes():
    for words, said in ((["detect"], "what?"), (["detect", "add", "6660", "x"], "x is no word"),
                        (["detect", "add", "12345", "1"], "12345 is no word"),
                        (["detect", "grid", "102"], "102 is no row"),
                        (["detect", "grid", "10", "101"], "101 is no row"),
                        (["detect", "grid", "10", "flip", "3,1"], "3,1 is no place"),
                        (["detect", "misses", "abc"], "abc is not 2 to 16"), (["address"], "which address?"),
                        (["address", "1.2.3"], "1.2.3 is no IPv4 address"),
                        (["address", "1.2.3.4/33"], "1.2.3.4/33 is no IPv4 address"),
                        (["address", "1.0.0.0/8", "--split", "8"], "cannot be split"),
                        (["address", "1.0.0.0/8", "among", "2.0.0.0/8", "3"], "3 is no prefix")):
        result = run(*words)
        expect(result.returncode == 2 and said in result.stderr, f"{words}: {result.returncode} {result.stderr}")


rng = random.Random(1)
check_sums(rng)
check_addresses(rng)
check_mistakes()
sys.exit(failures > 0)
