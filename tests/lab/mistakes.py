"""Scenarios with mistakes: what is said about each is, to the letter, what its golden file says.

tests/lab/mistakes/NAME.yaml is a scenario, NAME.txt what `strata lab check` says of it. Comments at its beginning that
look like options (# --set loss=3) are options. GOLDEN_WRITE=1, or `make golden`, writes the golden files anew.
"""

import glob
import json
import os
import re
import shlex
import subprocess
import sys

STRATA = os.path.abspath(os.environ["STRATA"])
FOLDER = os.path.join(os.environ["STRATA_SOURCE"], "tests/lab/mistakes")
WRITE = bool(os.environ.get("GOLDEN_WRITE"))
LINE = re.compile(r"^([\w/.-]+:[1-9]\d*:[1-9]\d*: |--set )[^\n]+$")
failures = 0


def fail(name, what):
    global failures
    failures += 1
    print(f"FAILED: {name}: {what}")


def check(words):
    return subprocess.run([STRATA, "lab", "check", *words], cwd=FOLDER, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def options_of(name):
    words = []
    with open(os.path.join(FOLDER, name), "rb") as file:
        for line in file.read().decode("utf-8", "replace").split("\n"):
            if not line.startswith("# --"):
                break
            words += shlex.split(line[2:])
    return words


def check_one(name):
    """@return what was said, for the comparison with JSON."""
    result = check([*options_of(name), name])
    said = result.stderr.decode("utf-8", "replace")
    golden = os.path.join(FOLDER, name[:-5] + ".txt")
    if result.returncode != 2 or result.stdout:
        fail(name, f"exit {result.returncode}, {result.stdout[:200]!r}: a mistake ends with 2\n{said}")
    for line in said.splitlines():
        if not LINE.match(line) and "more like these" not in line:
            fail(name, f"not FILE:LINE:COLUMN: and a sentence: {line}")
    if WRITE:
        with open(golden, "w", encoding="utf-8") as file:
            file.write(said)
    elif not os.path.exists(golden):
        fail(name, f"has no golden file; GOLDEN_WRITE=1 would write:\n{said}")
    else:
        with open(golden, encoding="utf-8") as file:
            expected = file.read()
        if said != expected:
            fail(name, f"says\n{said}and not\n{expected}")
    return said.splitlines()


def check_json(said):
    """The same in one run, as JSON."""
    names = [name for name in said if not options_of(name)]
    result = check(["--json", *names])
    answer = json.loads(result.stdout)
    if result.returncode != 2 or answer["ok"] or len(answer["scenarios"]) != len(names):
        fail("--json", f"exit {result.returncode}, {len(answer['scenarios'])} scenarios")
    for name, scenario in zip(names, answer["scenarios"]):
        lines = [f"{m['file']}:{m['line']}:{m['column']}: {m['message']}" for m in scenario["mistakes"]]
        if scenario["file"] != name or scenario["ok"] or lines != said[name]:
            fail(name, f"is told otherwise in JSON: {lines}")
        for mistake in scenario["mistakes"]:
            match = re.search(r"\(did you mean (.*?)\?\)", mistake["message"])
            if mistake["suggestion"] != (match.group(1) if match else None):
                fail(name, f"suggests {mistake['suggestion']}: {mistake['message']}")


def main():
    names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(FOLDER, "*.yaml")))
    said = {name: check_one(name) for name in names}
    check_json(said)
    for path in glob.glob(os.path.join(FOLDER, "*.txt")):
        if os.path.basename(path)[:-4] + ".yaml" not in said:
            fail(path, "is about no scenario")
    if len(names) < 100:
        fail("the corpus", f"has only {len(names)} scenarios")
    print(f"mistakes: {len(names)} scenarios:", "FAILED" if failures else "written" if WRITE else "ok")
    sys.exit(failures > 0)


main()
