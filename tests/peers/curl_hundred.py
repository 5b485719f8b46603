# A hundred curls at once, each of which takes a file of its own from `strata serve`.
# ctest: timeout 60
# ctest: resource_lock wire

import os

from _wire import MIB, OURS, Wire, check, need, sha256, write_noise

CURLS = 100

need("curl")
with Wire() as wire:
    for number in range(CURLS):
        write_noise(os.path.join(wire.folder, f"{number}.bin"), MIB + number * 1009)
    os.mkdir(os.path.join(wire.folder, "got"))
    server = wire.serve(wire.folder)
    curls = [wire.start("curl", "--silent", "--show-error", "--fail", "--max-time", "40", "--output",
                        os.path.join(wire.folder, "got", f"{number}.bin"), f"http://{OURS}/{number}.bin")
             for number in range(CURLS)]
    statuses = [curl.wait(50) for curl in curls]
    check(statuses == [0] * CURLS, f"{statuses.count(0)} of {CURLS} curls ended well")
    equal = sum(sha256(os.path.join(wire.folder, f"{number}.bin")) ==
                sha256(os.path.join(wire.folder, "got", f"{number}.bin")) for number in range(CURLS))
    check(equal == CURLS, f"{equal} of {CURLS} files are equal")
    wire.alive(server)
