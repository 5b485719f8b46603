#!/usr/bin/env python3
"""Prints lab/jitter_tables.c: the inverse distribution functions of netem's jitter, scaled by 8192, at 1024 points.

The normal distribution; Pareto's as iproute2 has it, (x^(-1/3) - 3/2) 4/3; and a quarter of the former with three
quarters of the latter. The tables are committed: nothing is computed with floating point when the lab runs.
"""

from statistics import NormalDist

SCALE, POINTS = 8192, 1024
COLUMNS = 14


def clip(value):
    return max(-32768, min(32767, round(value * SCALE)))


def main():
    places = [(i + 0.5) / POINTS for i in range(POINTS)]
    normal = [NormalDist().inv_cdf(x) for x in places]
    pareto = [((1 - x) ** (-1 / 3) - 1.5) * 4 / 3 for x in places]
    mixed = [0.25 * n + 0.75 * p for n, p in zip(normal, pareto)]
    print("/*\n * Made by scripts/jitter_tables.py: see there.\n */")
    print('#include "lab/jitter.h"')
    for name, table in (("normal", normal), ("pareto", pareto), ("pareto_normal", mixed)):
        print(f"\nconst int16_t jitter_{name}[JITTER_POINTS] = {{")
        values = [clip(value) for value in table]
        for i in range(0, POINTS, COLUMNS):
            print("    " + " ".join(f"{value}," for value in values[i:i + COLUMNS]))
        print("};")


main()
