# What a capture of ours says about a bit of everything: tshark finds no malformed frame and no bad checksum.
# ctest: timeout 60
# ctest: resource_lock wire

import os

from _wire import OURS, Wire, check, need, sha256, write_noise

need("tshark", "curl", "ping", "dig")
with Wire() as wire:
    zone = os.path.join(wire.folder, "example.zone")
    with open(zone, "w", encoding="ascii") as file:
        file.write("$ORIGIN example.test.\n$TTL 60\n@ IN SOA ns admin 1 60 60 60 60\n@ IN NS ns\n"
                   "ns IN A 10.9.0.2\nwww IN A 10.9.0.80\n")
    write_noise(os.path.join(wire.folder, "file.bin"), 3_000_000)
    capture = os.path.join(wire.folder, "capture.pcapng")
    server = wire.serve(wire.folder, "--allow-put", "--dns", zone, "--pcap", capture)
    url = f"http://{OURS}"
    curl = ("curl", "--silent", "--show-error", "--max-time", "20")
    wire.run(*curl, "--fail", "--output", os.path.join(wire.folder, "got.bin"), f"{url}/file.bin")
    check(sha256(os.path.join(wire.folder, "got.bin")) == sha256(os.path.join(wire.folder, "file.bin")), "a download")
    wire.run(*curl, "--upload-file", os.path.join(wire.folder, "file.bin"), f"{url}/put.bin")
    wire.run(*curl, "--output", "/dev/null", f"{url}/missing")
    # A port where nobody listens is answered by a reset.
    wire.run(*curl, f"http://{OURS}:81/", ok=(7,))
    wire.run("ping", "-n", "-c", "3", "-i", "0.02", "-s", "8000", OURS)
    wire.run("dig", f"@{OURS}", "+norecurse", "+short", "www.example.test", "A")
    wire.run("dig", f"@{OURS}", "+norecurse", "+short", "+tcp", "www.example.test", "A")
    # A closed UDP port: an ICMP error with the beginning of the datagram.
    wire.run("dig", f"@{OURS}", "-p", "9999", "+tries=1", "+time=1", "www.example.test", "A", ok=(9,))
    wire.stop(server)

    def frames(condition):
        text = wire.run("tshark", "-n", "-r", capture, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
                        "-o", "udp.check_checksum:TRUE", "-Y", condition, "-T", "fields", "-e", "frame.number", "-e",
                        "_ws.col.Info", timeout=50)
        return text.splitlines()

    seen = {what: len(frames(what)) for what in ("tcp", "udp", "icmp", "arp", "dns", "http", "tcp.flags.reset == 1",
                                                 "ip.flags.mf == 1", "icmp.type == 3")}
    check(all(seen.values()), f"frames of every kind: {seen}")
    # The kernel may write 0xffff for a sum of zero, which tshark calls bad: one frame of its in 65,536.
    bad = frames('_ws.malformed || ip.checksum.status == "Bad" || '
                 '(tcp.checksum.status == "Bad" && !(tcp.checksum == 0xffff && ip.dst == ' + OURS + ')) || '
                 'udp.checksum.status == "Bad" || icmp.checksum.status == "Bad"')
    check(not bad, "no malformed frame, no bad checksum" + "".join("\n  " + line for line in bad[:20]))
