# ctest: timeout 120
"""The measuring room: twins in C say what the formula says; a scenario fails as soon as one of its numbers is wrong."""

import os
import re
import subprocess
import tempfile

STRATA = os.environ["STRATA"]
BUILD = os.environ["STRATA_BUILD"]
SOURCE = os.environ["STRATA_SOURCE"]
FOLDERS = ["delays", "reliable-transfer", "stop-and-wait", "dns-messages", "http-round-trips"]
VALUE = re.compile(r"(value|equals): (?:([0-9]+(?:\.[0-9]+)?)|\"\$\{(.*)\}\")")
failures = 0


def expect(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)


def twins():
    result = run(os.path.join(BUILD, "examples", "delays_store_and_forward"))
    expect(result.returncode == 0 and re.search(r"\b2 +3 +32 +32\n", result.stdout), f"4 L/R in C:\n{result.stdout}")
    for seed in range(1, 31):
        result = run(os.path.join(BUILD, "examples", "reliable-transfer_alternating_bit"), str(seed))
        expect(result.returncode == 0 and result.stdout.startswith("Whatever can go wrong on the way does.\n"),
               f"the alternating bit with seed {seed}:\n{result.stdout}")


def half_more(match):
    if match.group(3):
        return f'"${{({match.group(3)}) * 3 / 2}}"'
    number = float(match.group(2))
    return f"{int(number * 1.5 + 1) if number >= 1 or number == 0 else number * 1.5:.9g}"


def wrong_numbers(folder):
    """Every number that is expected, a half more of it: exactly its check must fail."""
    looked = 0
    for where, _, names in sorted(os.walk(os.path.join(SOURCE, "examples"))):
        if os.path.basename(where) not in FOLDERS:
            continue
        for name in sorted(names):
            if not name.endswith(".yaml"):
                continue
            with open(os.path.join(where, name), encoding="utf-8") as file:
                text = file.read()
            begin = text.index("\nchecks:")
            for match in VALUE.finditer(text, begin):
                other = f"{match.group(1)}: {half_more(match)}"
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text[:match.start()] + other + text[match.end():])
                result = run(STRATA, "lab", path, "--quiet")
                failed = [line for line in result.stdout.splitlines()
                          if line.startswith("FAILED") and "virtual time" not in line]
                expect(result.returncode == 1 and len(failed) == 1,
                       f"{name}: {match.group(0)} as {other} should fail:\n{result.stdout}")
                looked += 1
    expect(looked > 25, f"only {looked} numbers were found")
    print(f"{looked} wrong numbers were noticed")


def main():
    twins()
    with tempfile.TemporaryDirectory() as folder:
        wrong_numbers(folder)
    raise SystemExit(failures > 0)


main()
