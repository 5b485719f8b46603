# `strata fetch` takes 1 GiB from nginx on the kernel's sockets over a TAP.
# ctest: timeout 90
# ctest: resource_lock wire

import os
import time

from _wire import KERNEL, MIB, Wire, check, fail, need, rate, sha256, shared_file

CONFIG = """
daemon off;
master_process off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 0.0.0.0:8080; root {root}; }}
}}
"""

need("nginx")
path, wanted = shared_file(1024)
with Wire() as wire:
    config = os.path.join(wire.folder, "nginx.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(folder=wire.folder, root=os.path.dirname(path)))
    nginx = wire.start("nginx", "-p", wire.folder, "-c", config)
    wire.wait_tcp(nginx, "127.0.0.1", 8080)
    target = os.path.join(wire.folder, "got.bin")
    began = time.monotonic()
    fetch = wire.strata("fetch", f"http://{KERNEL}:8080/{os.path.basename(path)}", "-o", target)
    status = fetch.wait(60)
    if status != 0:
        wire.show_logs()
        fail(f"strata fetch ended with status {status}")
    rate("strata fetch", os.path.getsize(target), began)
    check(os.path.getsize(target) == 1024 * MIB, "1 GiB arrived")
    check(sha256(target) == wanted, "SHA-256 is equal")
