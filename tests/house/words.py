"""Text that does not belong in a finished project, and the shape of files."""

import os
import re
import subprocess

from _house import ROOT, Complaints

WORDS = re.compile(r"\b(TODO|FIXME|XX" r"X|HACK)\b")
# Absolute paths of somebody's machine. Split, so that this file does not name one itself.
PATHS = re.compile(r"(?<![\w.])/(?:ho" r"me|wo" r"rk|ro" r"ot|Us" r"ers)/[A-Za-z0-9_.]|/tmp/" r"[a-z]/")
LINE_MAX = 120
TEXT = (".c", ".h", ".S", ".py", ".sh", ".md", ".cmake", ".yaml", ".txt", ".json", ".in", ".zone", ".1", ".map", ".def")
CODE = (".c", ".h", ".def", ".S", ".py", ".sh", ".cmake")


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True,
                         stdout=subprocess.PIPE).stdout
    names = out.split("\n")
    if len(names) < 2:  # an unpacked archive without git
        names = [os.path.relpath(os.path.join(where, leaf), ROOT)
                 for where, _, leaves in os.walk(ROOT) if "/build" not in where for leaf in leaves]
    return sorted(name for name in names if name and os.path.isfile(os.path.join(ROOT, name)))


def has_chapter(path, lines):
    """The file opens with a comment that tells what it does, after a #! line, guard or directives at most."""
    for line in lines[:6]:
        text = line.strip()
        if path.endswith((".c", ".h", ".def", ".S")):
            if text.startswith(("/*", "//")) and not text.startswith("// ctest:"):
                return True
            if text and not text.startswith(("#ifndef", "#define", "#pragma", "//")):
                return False
        else:
            if text.startswith(('"""', "'''")) or (text.startswith("#") and not text.startswith(("#!", "# ctest:"))):
                return True
            if text and not text.startswith("#"):
                return False
    return False


def check(path, complaints):
    with open(os.path.join(ROOT, path), "rb") as file:
        data = file.read()
    if b"\0" in data[:4096]:
        return False
    lines = data.decode("utf-8", "replace").split("\n")
    is_code = path.endswith(CODE) and not path.startswith("fuzz/corpus/")
    if is_code and data.strip() and not has_chapter(path, lines):
        complaints.add(path, "does not open with a comment that tells what it is for")
    for number, line in enumerate(lines, 1):
        place = f"{path}:{number}"
        if "words.py" not in path and WORDS.search(line):
            complaints.add(place, f"unfinished: {line.strip()[:80]}")
        if PATHS.search(line):
            complaints.add(place, f"a path of one machine: {line.strip()[:80]}")
        if is_code and "\t" in line:
            complaints.add(place, "a tab")
        if is_code and not path.endswith(".def") and len(line) > LINE_MAX:  # a table row is one line
            complaints.add(place, f"{len(line)} columns (at most {LINE_MAX})")
        if is_code and line != line.rstrip():
            complaints.add(place, "white space at the end of the line")
    if is_code and data and not data.endswith(b"\n"):
        complaints.add(path, "no newline at the end")
    return True


def main():
    complaints = Complaints("words")
    looked = 0
    for path in tracked():
        name = os.path.basename(path)
        if path.endswith(TEXT) or name in ("Makefile", "setup", "test", "fuzz", "bench", "check_all", "run"):
            looked += check(path, complaints)
    complaints.finish(looked)


main()
