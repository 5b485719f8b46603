# curl puts 256 MiB into the folder of `strata serve --allow-put` over a TAP; without the flag it may not.
# ctest: timeout 90
# ctest: resource_lock wire

import os
import time

from _wire import MIB, OURS, Wire, check, need, rate, sha256, shared_file

need("curl")
path, wanted = shared_file(256)
with Wire() as wire:
    target = os.path.join(wire.folder, "put.bin")
    server = wire.serve(wire.folder, "--allow-put")
    began = time.monotonic()
    status = wire.run("curl", "--silent", "--show-error", "--max-time", "60", "--upload-file", path,
                      "--write-out", "%{http_code}", f"http://{OURS}/put.bin")
    rate("curl to Strata", os.path.getsize(path), began)
    check(status[-3:] in ("200", "201", "204"), f"PUT was taken ({status[-3:]})")
    check(os.path.getsize(target) == 256 * MIB, "256 MiB lie in the folder")
    check(sha256(target) == wanted, "SHA-256 is equal")
    wire.alive(server)
    wire.stop(server)

    os.remove(target)
    server = wire.serve(wire.folder)
    small = os.path.join(wire.folder, "small")
    with open(small, "w", encoding="ascii") as file:
        file.write("not wanted")
    status = wire.run("curl", "--silent", "--show-error", "--max-time", "10", "--upload-file", small, "--write-out",
                      "\n%{http_code}", f"http://{OURS}/put.bin")
    check(status[-3:] in ("403", "405"), f"PUT is refused without --allow-put ({status[-3:]})")
    check(not os.path.exists(target), "and nothing was written")
