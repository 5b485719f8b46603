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


FAULTY = """nodes:
  a: {address: 10.0.0.1/24, programs: ["fetch http://10.0.1.2/file.bin -o /file.bin"], gateway: 10.0.0.254}
  lan: {kind: switch}
  r: {kind: router, addresses: {eth1: 10.0.0.254/24, eth2: 10.0.1.254/24}}
  b: {address: 10.0.1.2/24, gateway: 10.0.1.254, files: {/www/file.bin: {size: 256KiB}}, programs: [http-server /www]}
links:
  - {endpoints: [a, lan], loss: 2%, duplicate: 3%}
  - {endpoints: [lan, "r:eth1"], corrupt: 2%}
  - endpoints: ["r:eth2", b]
    name: narrow
    rate: 5mbit
    delay: 5ms
    reorder: 2%
    duplicate: 2%
    queue: {kind: codel, target: 2ms, interval: 20ms}
events:
  - {at: 1073ms, cut: narrow}
  - {at: 1075ms, mend: narrow}
"""
FAULTS = ("lost", "lost_burst", "lost_queue", "lost_down", "duplicated", "reordered", "corrupted", "marked")


def comments_of(path):
    """Every comment of every frame, as tshark sees them."""
    packets = json.loads("\n".join(tshark(path, "-Y", "frame.comment", "-T", "json", "--no-duplicate-keys", "-e",
                                          "frame.comment")))
    return [comment for packet in packets for comment in packet["_source"]["layers"]["frame.comment"]]


def check_faults(folder):
    """One comment for each fault that the cables counted, late ones too: a frame that CoDel drops, or a cut cable."""
    faulty, path = os.path.join(folder, "faulty.yaml"), os.path.join(folder, "faulty.pcapng")
    with open(faulty, "w", encoding="utf-8") as file:
        file.write(FAULTY)
    result = lab(faulty, "--json", "--stats", "--pcap", path)
    cables = json.loads(result.stdout)["cables"]
    comments = comments_of(path)
    counted = {fault: sum(cable[fault] for cable in cables) for fault in FAULTS}
    expect(all(counted[fault] > 0 for fault in FAULTS if fault not in ("lost_burst", "marked")), f"faults: {counted}")
    expect(len(comments) == sum(counted.values()), f"{len(comments)} comments for {counted}")
    for word, fault in (("duplicate", "duplicated"), ("corrupt", "corrupted"), ("lost: CoDel", "lost_queue")):
        expect(comments.count(word) == counted[fault], f"{word}: {comments.count(word)}, {fault}: {counted[fault]}")
    frames = tshark(path, "-T", "fields", "-e", "frame.time_epoch")
    expect(frames == sorted(frames), "in the order of their times")


def check_hosts(folder):
    """A file per host, of what it sent and what came to it: together they tell what each end counted."""
    hosts = os.path.join(folder, "hosts")
    result = lab(os.path.join(folder, "faulty.yaml"), "--json", "--stats", "--pcap-hosts", hosts)
    nodes = json.loads(result.stdout)["nodes"]
    expect(sorted(os.listdir(hosts)) == ["a.pcapng", "b.pcapng", "r.pcapng"], f"hosts and routers: {os.listdir(hosts)}")
    for name in ("a", "b"):
        path = os.path.join(hosts, f"{name}.pcapng")
        # What was damaged on the way did not get to TCP, or did so as another segment.
        sent = tshark(path, "-Y", "tcp && frame.packet_flags_direction == 2")
        expect(len(sent) == nodes[name]["tcp_segments_sent"], f"{name} sent {nodes[name]['tcp_segments_sent']}")
        times = [float(stamp) for stamp in tshark(path, "-T", "fields", "-e", "frame.time_epoch")]
        expect(times == sorted(times) and len(times) > 100, f"{name}: in the order of their times")
    came = tshark(os.path.join(hosts, "a.pcapng"), "-Y", "tcp && frame.packet_flags_direction == 1")
    expect(abs(len(came) - nodes["a"]["tcp_segments_received"]) <= 10, f"{len(came)} came to a: {nodes['a']}")
    names = set(tshark(os.path.join(hosts, "r.pcapng"), "-T", "fields", "-e", "frame.interface_name"))
    expect(names == {"eth1", "eth2"}, f"the ports of the router: {names}")


def check_pipe(folder):
    """The capture goes to another program while the world runs; one that is missing or goes away is one sentence."""
    result = lab(LOSSY, "--quiet", "--wireshark=tshark -r - -T fields -e 'frame.number'")
    frames = [line for line in result.stdout.splitlines() if line.isdigit()]
    said = [line for line in result.stdout.splitlines() if " frames in " in line]
    expect(result.returncode == 0 and said and said[0].split()[1] == frames[-1] == str(len(frames)), "all of them")
    last = result.stdout.index(f"\n{frames[-1]}\n")
    expect(len(said) == 1 and result.stdout.index(said[0]) > last, "then the result")
    for command, sentence in (("no-such-program -x", "no-such-program is not installed"),
                              ("false", "false ended with status 1"), ("grep -qa .", "grep went away before"),
                              ("  ", "that is no command")):
        result = lab(LOSSY, "--quiet", f"--wireshark={command}")
        expect(result.returncode in (1, 2) and sentence in result.stderr and len(result.stderr.splitlines()) == 1,
               f"{command}: {result.returncode} {result.stderr}")
    result = subprocess.run([STRATA, "lab", LOSSY, "--quiet", "--wireshark"], env=dict(os.environ, PATH=folder),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    expect(result.returncode == 1 and "(package wireshark)" in result.stderr, f"not installed: {result.stderr}")


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
        check_faults(folder)
        check_hosts(folder)
        check_pipe(folder)
    print("captures:", "FAILED" if failures else "ok")
    sys.exit(failures > 0)


main()
