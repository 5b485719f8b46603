#!/usr/bin/env python3
"""The lab beside ns-3, in one run: a dumbbell of two senders, and one of two hundred; the lab also with a thousand.

Ours is build/bench/end_dumbbell, which is the whole stack with checksums and every byte of every flow compared at its
end; the peer is bench/ns3/dumbbell.cc, compiled here when Debian's libns3-dev is installed. Each turn prints simulated
seconds per second of processor time, packets over the bottleneck per second, and the largest resident memory.
LAB_NS3_TURNS=1 makes it quick.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys

BUILD = os.environ.get("STRATA_BUILD", "build")
SOURCE = os.environ.get("STRATA_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TURNS = int(os.environ.get("LAB_NS3_TURNS", "3"))
MODULES = ["ns3-applications", "ns3-point-to-point", "ns3-internet", "ns3-traffic-control", "ns3-nix-vector-routing"]
# Name, pairs, bottleneck Mbit/s, access Mbit/s, delay in us, queue, virtual seconds; turns of the peer at most.
WORLDS = [("lab_dumbbell", 2, 100, 1000, 10000, 100, 60, TURNS),
          ("lab_200_flows", 200, 1000, 1000, 10000, 1000, 3, 1),
          ("lab_1000_flows", 1000, 1000, 1000, 10000, 5000, 5, 0)]


def build_peer():
    """The peer's program, or None."""
    if not shutil.which("pkg-config") or not shutil.which("g++"):
        return None
    if subprocess.run(["pkg-config", "--exists", *MODULES], check=False).returncode != 0:
        return None
    source, program = os.path.join(SOURCE, "bench", "ns3", "dumbbell.cc"), os.path.join(BUILD, "bench", "ns3_dumbbell")
    if os.path.exists(program) and os.path.getmtime(program) >= os.path.getmtime(source):
        return program
    wanted = ["--cflags", "--libs-only-L", "--libs-only-l", *MODULES]
    flags = subprocess.run(["pkg-config", *wanted], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    subprocess.run(["g++", "-O2", "-std=c++17", "-o", program, source, *flags], check=True)
    return program


def run(program, world, *more):
    command = [program, *[str(value) for value in world[1:7]], *more]
    result = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout)


def middle(results, value):
    return statistics.median(value(result) for result in results)


def report(name, unit, ours, theirs, value, higher, note):
    result = {"name": name, "value": middle(ours, value), "unit": unit, "higher_is_better": higher, "note": note}
    if theirs:
        result["peer"] = "ns-3"
        result["peer_value"] = middle(theirs, value)
        result["peer_options"] = "CUBIC, SACK, nix-vector routing; no checksums, payload without content"
    print(json.dumps(result), flush=True)


def measure(world, peer):
    name, pairs, seconds, peer_turns = world[0], world[1], world[6], world[7]
    ours, theirs = [], []
    for turn in range(TURNS):
        ours.append(run(os.path.join(BUILD, "bench", "end_dumbbell"), world))
        if peer and turn < peer_turns:
            theirs.append(run(peer, world, "nix"))
    if any(result["hash"] != ours[0]["hash"] for result in ours):
        sys.exit(f"FAILED: {name}: the same seed gave another hash")
    heard = min(result["received_flows"] for result in ours)
    note = f"{pairs} pairs, {world[2]} Mbit/s, {world[4] / 1000:g} ms each way, {seconds} s; {heard} flows verified"
    report(name, "simulated s/s", ours, theirs, lambda result: seconds / result["cpu_seconds"], True, note)
    report(name + "_packets", "packets/s", ours, theirs, lambda result: result["packets"] / result["cpu_seconds"], True,
           note)
    report(name + "_memory", "MiB", ours, theirs, lambda result: result["rss_kib"] / 1024, False, note)


def main():
    peer = build_peer()
    if not peer:
        print("ns-3 is not here (Debian's package libns3-dev): the lab runs alone")
    for world in WORLDS:
        measure(world, peer)


main()
