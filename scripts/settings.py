#!/usr/bin/env python3
"""Writes docs/settings.md from src/base/settings.def: `scripts/settings.py --write`. Without --write it only looks
whether the document says what the table says."""

import os
import re
import sys

ROOT = os.environ.get("STRATA_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "src/base/settings.def")
DOCUMENT = os.path.join(ROOT, "docs/settings.md")
ROW = re.compile(r'^SETTING\((\w+), "([^"]+)", (-?\d+), (-?\d+), (-?\d+),\s*"((?:[^"\\]|\\.)*)"\)', re.M)

HEAD = """# Settings of a host

Every bound and every option of a host that is not a socket's. `strata_set` and `strata_get` take them by name,
a scenario in its `settings`, and `strata settings` lists them; they may change while the host runs. Names are those of
Linux's sysctls where Linux has one that means the same; those of both families are named after IPv4, as there.

Written by `scripts/settings.py` from `src/base/settings.def`.

| name | least | most | default | |
|---|---:|---:|---:|---|
"""


def document():
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    rows = ROW.findall(text)
    if len(rows) != len(re.findall(r"^SETTING\(", text, re.M)):
        sys.exit("src/base/settings.def: there are entries that this script cannot read")
    rows.sort(key=lambda row: (not row[1].startswith("net."), row[1]))
    lines = [f"| `{name}` | {least} | {most} | {default} | {meaning} |\n"
             for _, name, least, most, default, meaning in rows]
    return HEAD + "".join(lines)


def main():
    wanted = document()
    if "--write" in sys.argv[1:]:
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write(wanted)
        return
    try:
        with open(DOCUMENT, encoding="utf-8") as file:
            found = file.read()
    except FileNotFoundError:
        found = ""
    if found != wanted:
        sys.exit("docs/settings.md is not what src/base/settings.def says: run scripts/settings.py --write")
    print(f"settings: {wanted.count(chr(10)) - HEAD.count(chr(10))} checked")


main()
