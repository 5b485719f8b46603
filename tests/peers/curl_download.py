# curl takes 1 GiB from `strata serve` over a TAP, and it is the same to the last byte.
# ctest: timeout 90
# ctest: resource_lock wire

import os
import time

from _wire import MIB, OURS, Wire, check, need, rate, shared_file

need("curl")
path, wanted = shared_file(1024)
with Wire() as wire:
    server = wire.serve(os.path.dirname(path))
    began = time.monotonic()
    digest, size = wire.curl_sha256(f"http://{OURS}/{os.path.basename(path)}")
    rate("curl from Strata", size, began)
    check(size == 1024 * MIB, "curl got 1 GiB")
    check(digest == wanted, "SHA-256 is equal")
    wire.alive(server)
