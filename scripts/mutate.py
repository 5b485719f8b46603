#!/usr/bin/env python3
"""Shows that tests which cite a requirement really fail when its behaviour is taken out.

tests/mutations.txt holds the behaviours: one exact piece of source text, what to put in its place, and the test that
cites the requirement. A seeded sample is applied, one at a time, to a copy of the tree in build-mutate/; only what the
citing test needs is built again, and that test must fail. A mutant that survives, or whose text is no longer found,
is an error: either the test proves nothing, or the entry is stale. Where no standard asks for a behaviour its entry has
`id: none`, and its test need cite nothing.

    mutate.py                     a sample of 30
    mutate.py --count 5 --seed 7  another sample
    mutate.py --all               every entry
    mutate.py --only NAME         entries whose name contains NAME
    mutate.py --file PART         entries of files whose path contains PART; both may be repeated
    mutate.py --check             only looks whether every entry still applies and its test cites the requirement
"""

import argparse
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import conformance  # noqa: E402

ROOT = conformance.ROOT
LIST = "tests/mutations.txt"
WORK = os.path.join(ROOT, "build-mutate")
TREE = os.path.join(WORK, "tree")
BUILD = os.path.join(WORK, "build")
TEST_SECONDS = 60  # a mutant that hangs has failed its test
ENTRIES_MIN = 30   # fewer are not a sample


class Mutation:
    def __init__(self, line):
        self.line = line
        self.name = self.file = self.id = self.test = ""
        self.original, self.replacement = "", ""


def parse():
    """Entries of key: value lines, then `--- original`, text, `+++ replacement`, text, `===`."""
    entries, current, part = [], None, None
    if not os.path.exists(os.path.join(ROOT, LIST)):
        sys.exit(f"{LIST} is missing")
    for number, line in enumerate(conformance.read(LIST).splitlines(), 1):
        if part:
            if line == "===":
                entries.append(current)
                current, part = None, None
            elif part == "original" and line == "+++ replacement":
                part = "replacement"
            else:
                setattr(current, part, getattr(current, part) + line + "\n")
        elif line == "--- original":
            part = "original"
        elif line.strip() and not line.startswith("#"):
            key, colon, value = line.partition(":")
            if not colon or key not in ("mutation", "file", "id", "test"):
                sys.exit(f"{LIST}:{number}: expected mutation:, file:, id:, test: or --- original, not: {line}")
            if key == "mutation":
                current = Mutation(number)
                current.name = value.strip()
            elif not current:
                sys.exit(f"{LIST}:{number}: an entry begins with mutation:")
            else:
                setattr(current, key, value.strip())
    if part or current:
        sys.exit(f"{LIST}: the last entry has no end (===)")
    names = [entry.name for entry in entries]
    for name in set(names):
        if names.count(name) > 1:
            sys.exit(f"{LIST}: {name} stands twice")
    return entries


def test_source(test):
    """tests/transport/tcp/test_close.c for transport.tcp.close; scripts are looked for by folder."""
    *room, name = test.split(".")
    folder = "/".join(room)
    for path in (f"tests/{folder}/test_{name}.c", f"tests/{folder}s/{name}.py", f"tests/{folder}/{name}.py",
                 f"tests/{folder}s/{name}.sh", f"tests/{folder}/{name}.sh"):
        if os.path.exists(os.path.join(ROOT, path)):
            return path
    return None


def complaint(entry, rows):
    """Why the entry cannot be used, or None."""
    if not (entry.file and entry.id and entry.test and entry.original):
        return "needs file:, id:, test: and a text"
    if not os.path.exists(os.path.join(ROOT, entry.file)):
        return f"{entry.file} is not there"
    times = conformance.read(entry.file).count(entry.original)
    if times != 1:
        return f"its text stands {times} times in {entry.file}, not once"
    if entry.original == entry.replacement:
        return "changes nothing"
    source = test_source(entry.test)
    if not source:
        return f"no test is called {entry.test}"
    if entry.id == "none":
        return None
    ident = re.sub(r"^RFC\s+(9293\s+(?=[A-Z]))?", "", entry.id)
    if ident not in rows:
        return f"no requirement is called {entry.id}"
    if not any(place.split(":")[0] == source for place in rows[ident].tests):
        return f"{source} does not cite {entry.id}"
    return None


def write_if_changed(path, data):
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def copy_tree():
    """Makes the copy equal to the tree, touching only what differs, so that the build stays incremental."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split("\n")
    wanted = set()
    for name in filter(None, names):
        source = os.path.join(ROOT, name)
        if not os.path.isfile(source):
            continue
        wanted.add(name)
        with open(source, "rb") as file:
            write_if_changed(os.path.join(TREE, name), file.read())
        os.chmod(os.path.join(TREE, name), os.stat(source).st_mode)
    for where, _, leaves in os.walk(TREE):
        for leaf in leaves:
            path = os.path.join(where, leaf)
            if os.path.relpath(path, TREE) not in wanted:
                os.remove(path)


def build_target(test):
    """The smallest target that the test needs; scripts need the tool."""
    source = test_source(test)
    return "test_" + test.replace(".", "_") if source.endswith(".c") else "all"


def build(targets):
    done = subprocess.run(["cmake", "--build", BUILD, "-j2", "--target", *sorted(targets)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout


def run_tests(tests):
    pattern = "^(" + "|".join(re.escape(test) for test in sorted(tests)) + ")$"
    done = subprocess.run(["ctest", "--test-dir", BUILD, "-R", pattern, "--no-tests=error", "-j2",
                           "--output-on-failure"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout


def prepare(sample):
    """Builds the tree as it is and shows that every citing test passes there."""
    copy_tree()
    options = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O0", "-DSTRATA_CHECK=ON", "-DSTRATA_WERROR=OFF",
               f"-DSTRATA_TEST_TIMEOUT={TEST_SECONDS}"]
    done = subprocess.run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", *options], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(done.stdout)
    tests = {entry.test for entry in sample}
    ok, output = build({build_target(test) for test in tests})
    if not ok:
        sys.exit(output + "\nthe unchanged tree does not build")
    ok, output = run_tests(tests)
    if not ok:
        sys.exit(output + "\nthe citing tests do not all pass on the unchanged tree")


def try_mutation(entry):
    """killed, SURVIVED or DOES NOT BUILD."""
    path = os.path.join(TREE, entry.file)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(entry.original, entry.replacement))
        ok, output = build({build_target(entry.test)})
        if not ok:
            return "DOES NOT BUILD", output
        passed, output = run_tests({entry.test})
        return ("SURVIVED" if passed else "killed"), output
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(description="removes cited behaviours; the citing test must fail")
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", metavar="NAME", action="append", default=[])
    parser.add_argument("--file", metavar="PART", action="append", default=[])
    parser.add_argument("--check", action="store_true", help="apply nothing, look only whether every entry would")
    arguments = parser.parse_args()

    rows = conformance.requirements()
    conformance.collect(rows)
    entries = parse()
    bad = 0
    for entry in entries:
        why = complaint(entry, rows)
        if why:
            print(f"{LIST}:{entry.line}: {entry.name}: {why}")
            bad += 1
    print(f"{len(entries)} mutations, {bad} of them unusable")
    if len(entries) < ENTRIES_MIN:
        print(f"{LIST}: at least {ENTRIES_MIN} are wanted")
        bad += 1
    chosen = arguments.only or arguments.file
    if arguments.check or (bad and not chosen):
        return 1 if bad else 0
    sample = entries
    if chosen:
        sample = [entry for entry in entries if any(part in entry.name for part in arguments.only) or
                  any(part in entry.file for part in arguments.file)]
    elif not arguments.all:
        sample = random.Random(arguments.seed).sample(entries, min(arguments.count, len(entries)))
    if not sample:
        print("nothing to try")
        return 1
    prepare(sample)
    survived = 0
    for number, entry in enumerate(sample, 1):
        start = time.monotonic()
        verdict, output = try_mutation(entry)
        print(f"{number:3}/{len(sample)} {verdict:15} {entry.name:40} {entry.id:20} {entry.test:32} "
              f"{time.monotonic() - start:5.1f} s", flush=True)
        if verdict != "killed":
            survived += 1
            if verdict == "DOES NOT BUILD":
                print(output[-2000:])
    print(f"{len(sample) - survived} of {len(sample)} mutants were killed by the test that cites the requirement "
          f"(seed {arguments.seed})")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
