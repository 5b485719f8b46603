# ctest: timeout 120
"""The demonstration tells the whole day, tshark finds nothing wrong in it, and the same seed gives the same frames."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

STRATA = os.environ["STRATA"]
SCENARIO = os.path.join(os.environ["STRATA_SOURCE"], "examples", "day-in-the-life", "day.yaml")

# What a beginner must find in the timeline, in this order.
STORY = ["DHCP discover", "DHCP offer", "DHCP request", "DHCP ack", "ARP who has 192.168.1.1?", "ARP 192.168.1.1 is at",
         "DNS question: A of www.example.test?", "ask ns.test", "ask ns.example.test", "10.20.30.80", "TCP SYN port",
         "TCP SYN,ACK", "GET / HTTP/1.1", "HTTP/1.1 200 OK", "TCP FIN,ACK", "ok"]

# Dissectors verify every checksum; a frame that breaks one, or that cannot be read, passes this filter.
WRONG = "_ws.malformed || eth.fcs.status == 0 || " + " || ".join(
    f"{protocol}.checksum.status == 0" for protocol in ("ip", "tcp", "udp", "icmp"))
VERIFY = [word for protocol in ("ip", "tcp", "udp") for word in ("-o", f"{protocol}.check_checksum:TRUE")]


def lab(*words):
    result = subprocess.run([STRATA, "lab", SCENARIO, *words], text=True, stdout=subprocess.PIPE, check=False,
                            env=dict(os.environ, NO_COLOR="1"))
    assert result.returncode == 0, result.stdout
    return result.stdout


def tshark(*words):
    return subprocess.run(["tshark", *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout.splitlines()


def main():
    text = lab()
    position = 0
    for words in STORY:
        found = text.find(words, position)
        assert found >= 0, f"the timeline lacks '{words}' after byte {position}:\n{text}"
        position = found
    one, same, other = (json.loads(lab("--json", *words)) for words in ([], [], ["--seed", "99"]))
    assert one["ok"] and one["checks"] and all(check["ok"] for check in one["checks"]), one
    assert one == same, "the same seed gave something else"
    assert one["hash"] != other["hash"] and other["seed"] == 99, other

    if not shutil.which("tshark"):
        print("SKIPPED: no tshark on this machine")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        capture = os.path.join(folder, "day.pcapng")
        lab("--quiet", "--pcap", capture)
        assert len(tshark("-r", capture)) == one["frames"], "frames are missing in the capture"
        wrong = tshark("-r", capture, *VERIFY, "-Y", WRONG)
        assert not wrong, "\n".join(wrong)
        assert tshark("-r", capture, "-Y", "frame.comment"), "no fault has a comment"
        lines = subprocess.run([STRATA, "capture", "--read", capture], text=True, stdout=subprocess.PIPE, check=True)
        assert len(lines.stdout.splitlines()) == one["frames"], lines.stdout


main()
