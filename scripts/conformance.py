#!/usr/bin/env python3
"""Turns the RFC ids that code and tests cite into docs/conformance.md.

The requirements are the tables in docs/conformance/requirements/*.md. A citation stands in a comment and is
either `RFC 9293 MUST-13` (ids of RFC 9293's Appendix B: MUST, SHLD, MAY, REC) or `RFC 1122-24` (any other row).
More ids may follow, with commas or `and` between. A requirement is

    met                      a test under tests/ cites it: the test that fails when the behaviour is taken out
    implemented, not proven  only code cites it
    excused                  docs/conformance/excused.md says why Strata does not do it
    later                    the same file names the theme under which it comes
    open                     none of these

    conformance.py           says what is out of date or wrong; exit 1 if anything is
    conformance.py --write   writes docs/conformance.md
    conformance.py --list S  the ids with status S (for example --list open)
"""

import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = "docs/conformance/requirements"
EXCUSED = "docs/conformance/excused.md"
REPORT = "docs/conformance.md"
CODE_FOLDERS = ("include", "src", "drivers", "lab", "tool", "preload")
STATUSES = ("met", "implemented, not proven", "excused", "later", "open")

APPENDIX_B = r"(?:MUST|SHLD|MAY|REC)-\d+"
LOCAL = r"(?:RSTP|\d{3,5}D?)-R?\d+[a-z]?"
# Between two ids of one citation; a comment may go on in the next line.
SEPARATOR = r"\s*(?:,|;|\band\b|,\s*and\b)\s*(?:(?:\*|//|#)\s*)?"
CITATION = re.compile(rf"\bRFC\s+(?:9293\s+(?P<appendix>{APPENDIX_B}(?:{SEPARATOR}{APPENDIX_B}\b)*)"
                      rf"|(?P<local>{LOCAL}\b(?![.\d])(?:{SEPARATOR}{LOCAL}\b(?![.\d]))*))")
TOKEN = re.compile(r'//(?:[^\n\\]|\\.)*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


class Row:
    def __init__(self, ident, text, level, section, chapter):
        self.ident, self.text, self.level, self.section, self.chapter = ident, text, level, section, chapter
        self.tests, self.code = [], []
        self.status, self.reason = "open", ""

    @property
    def cited_as(self):
        return f"RFC 9293 {self.ident}" if re.fullmatch(APPENDIX_B, self.ident) else f"RFC {self.ident}"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def files(folders, suffixes):
    found = []
    for folder in folders:
        for where, names, leaves in os.walk(os.path.join(ROOT, folder)):
            names[:] = [n for n in names if n != "__pycache__"]
            found += [os.path.relpath(os.path.join(where, leaf), ROOT) for leaf in leaves if leaf.endswith(suffixes)]
    return sorted(found)


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def requirements():
    """All rows in order, by id."""
    rows = {}
    # The transport first: it is what most readers come for.
    order = {"tcp.md": 0, "ip.md": 1, "apps.md": 2}
    names = sorted(os.listdir(os.path.join(ROOT, REQUIREMENTS)), key=lambda name: (order.get(name, 9), name))
    for name in names:
        chapter = name
        for line in read(f"{REQUIREMENTS}/{name}").splitlines():
            if line.startswith("## "):
                chapter = line[3:].strip()
            if not line.startswith("|") or line.startswith(("|---", "| id ")):
                continue
            fields = cells(line)
            if len(fields) != 4:
                sys.exit(f"{name}: not a row of four cells: {line}")
            if fields[0] in rows:
                sys.exit(f"{name}: {fields[0]} stands twice")
            rows[fields[0]] = Row(*fields, chapter)
    return rows


def excuses(rows):
    """Sets excused and later; a pattern such as 4861-* stands for a group."""
    unknown = []
    section = ""
    for line in read(EXCUSED).splitlines():
        if line.startswith("## "):
            section = line[3:].strip().lower()
        if not line.startswith("|") or line.startswith(("|---", "| id")):
            continue
        ids, reason = cells(line)
        for ident in re.split(r",\s*", ids):
            pattern = re.compile(re.escape(ident).replace(r"\*", ".*"))
            matching = [row for row in rows.values() if pattern.fullmatch(row.ident)]
            if not matching:
                unknown.append(f"{EXCUSED}: no requirement is called {ident}")
            for row in matching:
                # An exact id is stronger than a group, whichever comes first.
                if "*" in ident and row.reason:
                    continue
                row.status = "excused" if section == "excused" else "later"
                row.reason = reason
    return unknown


def c_owners(text):
    """Blanked text without comments and strings, and (start, end, name) of everything with a body at depth 0."""
    blank = TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
    blank = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), blank, flags=re.M)
    owners, depth, start, head_from = [], 0, 0, 0
    for position, char in enumerate(blank):
        if char == "{":
            if depth == 0:
                start = position
            depth += 1
        elif char == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                head = blank[head_from:start]
                owners.append((head_from, position, owner_name(head)))
                head_from = position + 1
        elif char == ";" and depth == 0:
            head_from = position + 1
    return owners


def owner_name(head):
    macro = re.search(r"\b[A-Z][A-Z0-9_]+\s*\(\s*([a-z]\w*)\s*[,)]", head)
    if macro and not re.search(r"\b(void|int|bool|static)\b", head):
        return macro.group(1)
    function = re.search(r"\b(\w+)\s*\([^=]*$", head)
    if function and "=" not in head:
        # The first name before a parenthesis, so that an argument that is a function pointer does not win.
        return re.search(r"\b(\w+)\s*\(", head).group(1)
    table = re.search(r"\b(\w+)\s*(?:\[[^]]*\]\s*)*=\s*$", head)
    return table.group(1) if table else ""


def c_citations(text):
    owners = c_owners(text)
    # Adjacent line comments are one comment, so that a list of ids may go on in the next line.
    comments, last = [], None
    for token in TOKEN.finditer(text):
        if token.group(0).startswith("/"):
            if last and token.group(0).startswith("//") and not text[last[1]:token.start()].strip():
                last[1] = token.end()
            else:
                last = [token.start(), token.end()]
                comments.append(last)
        else:
            last = None
    for start, end in comments:
        for match in CITATION.finditer(text, start, end):
            name = next((n for a, b, n in owners if a <= match.start() <= b), "")
            yield match, name


def script_citations(path, text):
    definitions = [(m.start(), m.group(1)) for m in re.finditer(r"^\s*def\s+(\w+)", text, re.M)]
    for match in CITATION.finditer(text):
        name = ""
        if path.endswith(".py"):
            line_start = text.rfind("\n", 0, match.start()) + 1
            indented = text[line_start:line_start + 1] in (" ", "\t")
            if indented:
                name = next((n for p, n in reversed(definitions) if p < match.start()), "")
            else:
                name = next((n for p, n in definitions if p > match.start()), "")
        yield match, name


def collect(rows):
    """Fills in who cites what; returns complaints about ids that do not exist."""
    complaints = []
    sources = files(CODE_FOLDERS, (".c", ".h", ".S", ".def"))
    tests = files(("tests",), (".c", ".h", ".py", ".sh", ".yaml"))
    for path in sources + tests:
        text = read(path)
        if "RFC" not in text:
            continue
        # The texts of a .def table are its comments.
        found = c_citations(text) if path.endswith((".c", ".h", ".S")) else script_citations(path, text)
        for match, name in found:
            kind = APPENDIX_B if match.group("appendix") else LOCAL
            for ident in re.findall(rf"\b{kind}", match.group("appendix") or match.group("local")):
                if ident not in rows:
                    line = text.count("\n", 0, match.start()) + 1
                    complaints.append(f"{path}:{line}: cites {ident}, which no requirement is called")
                    continue
                where = rows[ident].tests if path in tests else rows[ident].code
                place = f"{path}:{name}" if name else path
                if place not in where:
                    where.append(place)
    for row in rows.values():
        if row.tests:
            row.status = "met"
        elif row.code:
            row.status = "implemented, not proven"
    return complaints


def count(rows):
    return {status: sum(row.status == status for row in rows) for status in STATUSES}


def report(rows):
    out = ["# Conformance", "",
           "Written by `make docs-conformance` from the ids that code and tests cite; do not edit. A requirement is",
           "*met* when a test cites it, *implemented, not proven* when only code does, *excused* or *later* when",
           "[conformance/excused.md](conformance/excused.md) says why or under which theme it comes, and *open*",
           "otherwise. The requirements are in [conformance/requirements](conformance/requirements).", "",
           "## Summary", "",
           "| group | rows | " + " | ".join(STATUSES) + " |",
           "|---|---|" + "---|" * len(STATUSES)]
    chapters = {}
    for row in rows.values():
        chapters.setdefault(row.chapter, []).append(row)
    for chapter, members in chapters.items():
        numbers = count(members)
        out.append(f"| {chapter} | {len(members)} | " + " | ".join(str(numbers[s]) for s in STATUSES) + " |")
    numbers = count(rows.values())
    out.append(f"| **all** | {len(rows)} | " + " | ".join(str(numbers[s]) for s in STATUSES) + " |")
    for chapter, members in chapters.items():
        out += ["", f"## {chapter}", "", "| id | requirement | level | status | by |", "|---|---|---|---|---|"]
        for row in members:
            if row.status == "met":
                by = ", ".join(shorten(place) for place in row.tests[:3])
                if len(row.tests) > 3:
                    by += f" and {len(row.tests) - 3} more"
            elif row.status == "implemented, not proven":
                by = ", ".join(row.code[:2])
            else:
                by = row.reason
            out.append(f"| {row.ident} | {row.text} | {row.level} | {row.status} | {by} |")
    return "\n".join(out) + "\n"


def shorten(place):
    return place[len("tests/"):] if place.startswith("tests/") else place


def main():
    parser = argparse.ArgumentParser(description="RFC ids cited in code and tests -> docs/conformance.md")
    parser.add_argument("--write", action="store_true", help="write docs/conformance.md")
    parser.add_argument("--list", metavar="STATUS", choices=STATUSES, help="print the rows with this status")
    arguments = parser.parse_args()
    rows = requirements()
    complaints = excuses(rows)
    complaints += collect(rows)
    text = report(rows)
    if arguments.list:
        for row in rows.values():
            if row.status == arguments.list:
                print(f"{row.ident:10} {row.level:10} {row.text}")
        return 0
    if arguments.write:
        with open(os.path.join(ROOT, REPORT), "w", encoding="utf-8") as file:
            file.write(text)
    elif not os.path.exists(os.path.join(ROOT, REPORT)) or read(REPORT) != text:
        complaints.append(f"{REPORT} is not what code and tests say now: run make docs-conformance and commit it")
    print("\n".join(complaints + [", ".join(f"{n} {s}" for s, n in count(rows.values()).items())]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
