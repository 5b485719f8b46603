# `strata serve --dhcp-range` gives addresses to Debian's clients: udhcpc and dhclient.
# ctest: timeout 90
# ctest: resource_lock wire

import os

from _wire import OURS, TAP, Wire, check, need, until

SCRIPT = """#!/bin/sh
# Called by udhcpc with the event as its argument, by dhclient with the event as $reason.
case "${{1:-$reason}}" in
bound | renew | BOUND | RENEW | REBIND | REBOOT) env >{result}.new && mv {result}.new {result} ;;
esac
exit 0
"""

need("udhcpc", "dhclient")
with Wire() as wire:
    server = wire.strata("serve", wire.folder, "--dhcp-range", "10.9.0.100-10.9.0.120")
    wire.wait_tcp(server, OURS, 80)
    # A client has no address before it asks.
    wire.run("ip", "address", "flush", "dev", TAP)

    def lease(name, *command):
        """Runs a client until it has a lease; what it was given, as its script sees it."""
        result = os.path.join(wire.folder, name + ".env")
        script = os.path.join(wire.folder, name + ".sh")
        with open(script, "w", encoding="ascii") as file:
            file.write(SCRIPT.format(result=result))
        os.chmod(script, 0o755)
        client = wire.start(*command, script)
        until(lambda: wire.alive(server) and os.path.exists(result), f"giving {name} a lease", 30)
        wire.stop(client)
        with open(result, encoding="utf-8") as file:
            return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)

    def in_range(address):
        return address.startswith("10.9.0.") and 100 <= int(address.split(".")[3]) <= 120

    got = lease("udhcpc", "udhcpc", "-i", TAP, "-f", "-t", "5", "-T", "2", "-s")
    check(in_range(got["ip"]), f"udhcpc: {got['ip']}")
    check(got["serverid"] == OURS and got["subnet"] == "255.255.255.0", "from our server, with our netmask")

    folder = wire.folder
    got = lease("dhclient", "dhclient", "-4", "-d", "-cf", "/dev/null", "-lf", f"{folder}/dhclient.leases", "-pf",
                f"{folder}/dhclient.pid", "-e", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", TAP, "-sf")
    check(in_range(got["new_ip_address"]), f"dhclient: {got['new_ip_address']}")
    check(got["new_dhcp_server_identifier"] == OURS, "from our server")
    wire.alive(server)
