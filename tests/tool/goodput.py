# ctest: timeout 120
"""scripts/goodput: a run of each pairing really brings bytes across, what was measured is not measured again, and the
table says of given figures what statistics says. No figure of this machine's speed is asserted."""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.environ["STRATA_SOURCE"]
SCRIPT = os.path.join(ROOT, "scripts", "goodput")


def check(holds, what):
    if not holds:
        print(f"FAILED: {what}")
        sys.exit(1)
    print(f"ok: {what}", flush=True)


def goodput(*words):
    done = subprocess.run([sys.executable, SCRIPT, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=110, check=False)
    print(done.stdout)
    return done


def line(pairing, cell, run, speed):
    return json.dumps({"pairing": pairing, "loss": cell[0], "rtt_ms": cell[1], "reorder": cell[2], "run": run,
                       "mbit_s": speed, "seconds_asked": 20, "commit": "abc", "date": "2026-11-20T12:00:00",
                       "machine": "a machine", "together": 3, "load": 0.5, "busy": 0.25,
                       "link": {way: {"late_mean_us": 3, "late_most_us": 900} for way in ("a_to_b", "b_to_a")}}) + "\n"


def tables(folder):
    path = os.path.join(folder, "given")
    speeds = {"linux-linux": (10, 10, 10), "linux-strata": (10, 11, 12.1), "strata-linux": (5, 5.5, 6)}
    with open(path, "w", encoding="utf-8") as file:
        for pairing, values in speeds.items():
            for run, value in enumerate(values, 1):
                file.write(line(pairing, ("1%", 40, "0"), run, value))
                file.write(line(pairing, ("0", 1, "5%"), run, 90))
    done = goodput("--report", path)
    # ln 1, ln 1.1, ln 1.21: mean 1.1, deviation 0.0953, over sqrt 3 times 4.303: a factor of 1.267 either way.
    row = "| 1% | 40 ms | 0 | 3 | 10.00 | 1.10 (0.87 to 1.39) | 0.55 (0.44 to 0.69) | strata-linux too slow |"
    check(row in done.stdout, "a cell has its mean and its interval")
    check("18 connections of 20 s, 3 at a time" in " ".join(done.stdout.split()) and "2026-11-20" in done.stdout,
          "what was measured is told")
    check("| 0 | 1 ms | 5% | 3 | 90.00 | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) |" in done.stdout, "equal is 1")
    check("linux-strata: geometric mean of 2 cells 1.05" in done.stdout, "cells have equal weight")
    check("strata-linux: geometric mean of 2 cells 0.74" in done.stdout and done.returncode == 1, "too slow fails")


def main():
    with tempfile.TemporaryDirectory() as folder:
        tables(folder)
        for words, what in ((["--cell", "1%"], "a cell is"), (["--congestion", "no"], "no congestion control")):
            done = goodput(*words)
            if done.returncode == 77:
                print("SKIPPED: runs need root and /dev/net/tun")
                sys.exit(77)
            check(done.returncode == 1 and what in done.stdout, f"'{what}' is told")
        path = os.path.join(folder, "results")
        words = ["--cell", "0,1ms", "--seconds", "0.5", "--runs", "1", "--output", path, "--no-realtime",
                 "--congestion", "reno"]
        goodput(*words)
        with open(path, encoding="utf-8") as file:
            results = [json.loads(text) for text in file]
        check([r["pairing"] for r in results] == ["linux-linux", "linux-strata", "strata-linux"], "three pairings ran")
        for result in results:
            check(result["bytes"] > 10000 and result["sender"]["congestion"] == "reno" and
                  result["link"]["a_to_b"]["bytes_delivered"] > result["bytes"], f"{result['pairing']}: bytes came")
            stack = "strata" if result["pairing"][0] == "s" else "kernel"
            check(result["sender"]["stack"] == stack, "by that sender")
        goodput(*words)
        with open(path, encoding="utf-8") as file:
            check(len(file.readlines()) == 3, "what was measured is not measured again")


main()
