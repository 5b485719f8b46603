"""Client-server against peer to peer: the book's times for N = 10, and one for N = 100, from transfers in the lab.

The check in the scenario knows the formula; here its results are compared with the printed numbers as well.
DISTRIBUTION=all does the same for all of N = 100 and 1000.
"""
# ctest: timeout 600

import os
import re
import subprocess
import sys

STRATA = os.environ["STRATA"]
SCENARIO = os.path.join(os.environ["STRATA_SOURCE"], "examples/distribution/peers.yaml")
# Seconds of the book; 0: the server alone.
BOOK = {10: {0: 7500, 300000: 7500, 700000: 7500, 2000000: 7500},
        100: {0: 50000, 300000: 25000, 700000: 15000, 2000000: 7500},
        1000: {0: 500000, 300000: 45454.5, 700000: 20547.9, 2000000: 7500}}


def measure(peers, up, within):
    result = subprocess.run([STRATA, "lab", SCENARIO, "--quiet", "--set", f"peers={peers}", "--set", f"up={up}",
                             "--set", f"within={within}%"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=500, check=False)
    found = re.search(r"time: ([0-9.]+) s, expected ([0-9.]+) s", result.stdout)
    if result.returncode != 0 or not found:
        print(result.stdout)
        return 1
    took, expected, book = float(found.group(1)), float(found.group(2)), BOOK[peers][up] / 1000
    wrong = abs(expected - book) > book / 1000 or abs(took - book) > book * within / 100
    print(f"{'FAILED' if wrong else 'ok    '}  N = {peers}, u = {up}: {took} s, in the book {book} thousand seconds")
    return wrong


# A thousand peers in a ring: what the server says takes up to 67 of them to go round.
WHOLE = os.environ.get("DISTRIBUTION") == "all"
POINTS = [(peers, up) for peers in BOOK for up in BOOK[peers] if WHOLE or peers == 10 or (peers, up) == (100, 300000)]
sys.exit(sum(measure(peers, up, 25 if (peers, up) == (1000, 2000000) else 8) for peers, up in POINTS) > 0)
