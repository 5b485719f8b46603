# dig asks `strata serve --dns ZONEFILE` over UDP and over TCP.
# ctest: timeout 60
# ctest: resource_lock wire

import os

from _wire import OURS, Wire, check, need, until

ZONE = """$ORIGIN example.test.
$TTL 300
@       IN SOA ns.example.test. admin.example.test. 7 3600 600 86400 60
@       IN NS  ns
@       IN MX  10 mail
ns      IN A   10.9.0.2
www     IN A   10.9.0.80
www     IN AAAA 2001:db8::80
mail    IN A   10.9.0.25
alias   IN CNAME www
text    IN TXT "as it was written"
"""

need("dig")
with Wire() as wire:
    zone = os.path.join(wire.folder, "example.zone")
    with open(zone, "w", encoding="ascii") as file:
        file.write(ZONE)
        for number in range(60):
            file.write(f"many IN A 10.9.1.{number}\n")
    server = wire.strata("serve", wire.folder, "--dns", zone)

    def ask(*question, ok=(0,)):
        return wire.run("dig", f"@{OURS}", "+norecurse", "+tries=1", "+time=2", *question, ok=ok)

    until(lambda: wire.alive(server) and "status: NOERROR" in ask("example.test", "SOA", "+time=1", ok=(0, 9)),
          "the first answer")
    for transport in ("+notcp", "+tcp"):
        name = "TCP" if transport == "+tcp" else "UDP"
        check(ask("+short", transport, "www.example.test", "A") == "10.9.0.80\n", f"{name}: A")
        check(ask("+short", transport, "www.example.test", "AAAA") == "2001:db8::80\n", f"{name}: AAAA")
        check(ask("+short", transport, "alias.example.test", "A") == "www.example.test.\n10.9.0.80\n",
              f"{name}: CNAME and what it leads to")
        check(ask("+short", transport, "example.test", "MX") == "10 mail.example.test.\n", f"{name}: MX")
        check(ask("+short", transport, "text.example.test", "TXT") == '"as it was written"\n', f"{name}: TXT")
        answer = ask(transport, "nothing.example.test", "A")
        check("status: NXDOMAIN" in answer and "SOA" in answer and " aa" in answer, f"{name}: no such name, with SOA")
        check("status: REFUSED" in ask(transport, "www.elsewhere.test", "A"), f"{name}: another zone is refused")
    truncated = ask("+notcp", "+ignore", "+noedns", "many.example.test", "A")
    check(" tc" in truncated, "UDP: a long answer is truncated")
    whole = ask("+short", "+noedns", "many.example.test", "A").split()
    check(len(whole) == 60, "and comes whole when dig turns to TCP")
    wire.alive(server)
