# Ten thousand requests, one after the other, on one connection.
# ctest: timeout 60
# ctest: resource_lock wire

import os
import time

from _wire import OURS, Wire, check, need

REQUESTS = 10_000

need("curl")
with Wire() as wire:
    with open(os.path.join(wire.folder, "small.txt"), "w", encoding="ascii") as file:
        file.write("a few bytes\n")
    server = wire.serve(wire.folder)
    config = os.path.join(wire.folder, "config")
    with open(config, "w", encoding="ascii") as file:
        for _ in range(REQUESTS):
            file.write(f'url = "http://{OURS}/small.txt"\noutput = "/dev/null"\n')
    began = time.monotonic()
    lines = wire.run("curl", "--silent", "--show-error", "--fail", "--config", config, "--write-out",
                     "%{http_code} %{size_download} %{num_connects}\n", timeout=50).split("\n")[:-1]
    print(f"{REQUESTS / (time.monotonic() - began):.0f} requests per second")
    check(len(lines) == REQUESTS, f"{len(lines)} answers")
    check(all(line.startswith("200 12 ") for line in lines), "each with status 200 and the whole file")
    check(sum(int(line.split()[2]) for line in lines) == 1, "over one connection")
    wire.alive(server)
