"""tshark reads what the lab writes: no malformed packet, no bad checksum, a comment on each fault, all interfaces."""
# ctest: timeout 300

import json
import os
import shutil
import subprocess
import sys
import tempfile

STRATA = os.environ["STRATA"]
SOURCE = os.environ["STRATA_SOURCE"]
DAY = os.path.join(SOURCE, "examples/day-in-the-life/day.yaml")
LOSSY = os.path.join(SOURCE, "examples/lossy-link/transfer.yaml")
CHECKED = [word for protocol in ("ip", "tcp", "udp") for word in ("-o", f"{protocol}.check_checksum:TRUE")]
BAD = ("_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0 or "
       "icmp.checksum.status == 0 or _ws.expert.severity == error")
failures = 0


def expect(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)


def lab(*words):
    return subprocess.run([STRATA, "lab", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)


def tshark(path, *words):
    result = subprocess.run(["tshark", "-r", path, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            timeout=120, check=False)
    expect(result.returncode == 0, f"tshark reads {path}: {result.stderr}")
    return result.stdout.splitlines()


def main():
    if not shutil.which("tshark"):
        print("tshark is not installed")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        whole = os.path.join(folder, "whole.pcapng")
        lost = 0
        for scenario, seeds in ((DAY, range(1, 9)), (LOSSY, range(1, 4))):
            for seed in seeds:
                result = lab(scenario, "--seed", str(seed), "--json", "--pcap", whole)
                expect(result.returncode == 0, f"{scenario} with seed {seed}: {result.stderr}")
                frames = json.loads(result.stdout)["frames"]
                expect(len(tshark(whole)) == frames, f"all {frames} frames are in the file")
                for line in tshark(whole, *CHECKED, "-Y", BAD):
                    expect(False, f"seed {seed}: {line}")
                comments = tshark(whole, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
                lost += sum("lost: loss" in comment for comment in comments)
        expect(lost > 20, f"losses are commented: {lost}")
        names = set(tshark(whole, "-T", "fields", "-e", "frame.interface_name"))
        expect(names == {"bad"}, f"the interface is called as its cable: {names}")

        each = os.path.join(folder, "each")
        result = lab(DAY, "--quiet", "--pcap-dir", each)
        expect(result.returncode == 0, f"--pcap-dir: {result.stderr}")
        files = sorted(os.listdir(each))
        expect(len(files) == 8 and "line.pcapng" in files, f"a file per cable: {files}")
        for name in files:
            for line in tshark(os.path.join(each, name), *CHECKED, "-Y", BAD):
                expect(False, f"{name}: {line}")
        page = tshark(os.path.join(each, "line.pcapng"), "-Y", "http.response", "-T", "fields", "-e",
                      "http.response.code", "-e", "http.content_length")
        expect(page == ["200\t40000"], f"the page is put together again from the line's file: {page}")
        stamps = tshark(os.path.join(each, "line.pcapng"), "-T", "fields", "-e", "frame.time_epoch")
        expect(stamps[0].startswith("1767225600.000000000"), f"time begins on 2026-01-01: {stamps[0]}")
    print("captures:", "FAILED" if failures else "ok")
    sys.exit(failures > 0)


main()
