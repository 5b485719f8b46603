# Echo requests of 1, 1472, 8000 and 60000 bytes, both ways over a TAP of MTU 1500: the two larger ones in fragments.
# ctest: timeout 60
# ctest: resource_lock wire

import re

from _wire import KERNEL, OURS, STRATA, Wire, check, need

SIZES = (1, 1472, 8000, 60000)
COUNT = 5

need("ping")
with Wire() as wire:
    server = wire.serve(wire.folder)
    for size in SIZES:
        text = wire.run("ping", "-n", "-c", str(COUNT), "-i", "0.02", "-W", "2", "-s", str(size), OURS, ok=(0, 1))
        check(f"{COUNT} received" in text and f"{size + 8} bytes from {OURS}" in text,
              f"the kernel pings Strata with {size} bytes")
    wire.alive(server)
    wire.stop(server)

    def counter(name):
        """Of the kernel, such as Icmp InEchos."""
        group, field = name.split()
        with open("/proc/net/snmp", encoding="ascii") as file:
            rows = [line.split() for line in file if line.startswith(group + ":")]
        return int(rows[1][rows[0].index(field)])

    # The tool makes the TAP, which needs its kernel's end before the first echo can be answered.
    for size in SIZES:
        before = counter("Icmp InEchos"), counter("Ip ReasmOKs")
        process = wire.strata("ping", KERNEL, "--count", str(COUNT), "--size", str(size), "-i", "0.1")
        status = process.wait(20)
        with open(process.log, encoding="utf-8") as file:
            text = file.read()
        asked, reassembled = counter("Icmp InEchos") - before[0], counter("Ip ReasmOKs") - before[1]
        check(status == 0 and re.search(rf"\b{COUNT} (packets )?received", text),
              f"Strata pings the kernel with {size} bytes:\n{text[-600:]}" if status else
              f"Strata pings the kernel with {size} bytes")
        check(asked >= COUNT, f"the kernel saw {asked} echo requests")
        check((reassembled >= COUNT) == (size > 1472), f"and put {reassembled} together from fragments")
