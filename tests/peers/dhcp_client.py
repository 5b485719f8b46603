# dnsmasq gives Strata an address over a TAP, and Strata serves at it.
# ctest: timeout 60
# ctest: resource_lock wire

import os

from _wire import KERNEL, TAP, Wire, check, need, until

need("dnsmasq", "curl")
with Wire() as wire:
    with open(os.path.join(wire.folder, "index.txt"), "w", encoding="ascii") as file:
        file.write("leased\n")
    # The interface is there with the tool, which asks again until a server answers.
    server = wire.strata("serve", wire.folder, "--dhcp", address=None)
    leases = os.path.join(wire.folder, "leases")
    dnsmasq = wire.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", f"--interface={TAP}",
                         "--bind-interfaces", "--user=root", "--log-facility=-", "--log-dhcp", "--dhcp-authoritative",
                         f"--dhcp-leasefile={leases}", "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h",
                         f"--dhcp-option=option:router,{KERNEL}", f"--pid-file={wire.folder}/dnsmasq.pid")

    def lease():
        wire.alive(dnsmasq)
        wire.alive(server)
        if not os.path.exists(leases):
            return None
        with open(leases, encoding="ascii") as file:
            fields = file.read().split()
        return fields[2] if len(fields) >= 3 else None

    address = until(lease, "getting a lease", 30)
    check(address.startswith("10.9.0.") and 50 <= int(address.split(".")[3]) <= 60,
          f"dnsmasq leases {address} to Strata")
    wire.wait_tcp(server, address, 80)
    check(wire.run("curl", "--silent", "--show-error", "--fail", "--max-time", "10", f"http://{address}/index.txt") ==
          "leased\n", "curl fetches from that address")
    wire.alive(server)
