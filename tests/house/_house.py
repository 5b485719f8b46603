"""What the house tests share: the tree, C text without comments, and a list of complaints."""

import os
import re
import subprocess
import sys

ROOT = os.environ.get("STRATA_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("STRATA_BUILD") or os.path.join(ROOT, "build")

C_FOLDERS = ("include", "src", "drivers", "posix", "lab", "tool", "preload", "tests", "fuzz", "bench", "examples")
SCRIPT_FOLDERS = ("scripts", "tests", "bench", "cmake", ".ci")


def files(folders, suffixes):
    """Paths relative to the root, in name order."""
    found = []
    for folder in folders:
        for where, names, leaves in os.walk(os.path.join(ROOT, folder)):
            names[:] = [n for n in names if not n.startswith(("build", "__pycache__"))]
            for leaf in leaves:
                if leaf.endswith(suffixes):
                    found.append(os.path.relpath(os.path.join(where, leaf), ROOT))
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_comments(text):
    """The C text with comments blanked; line numbers stay."""
    def blank(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token.startswith("/") else token
    return TOKEN.sub(blank, text)


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def is_sanitized():
    """Whether the build that is tested has sanitizers: what tests pages and words need not be done in it again."""
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        return re.search(r"^STRATA_SANITIZE:\w+=.+$", file.read(), re.M) is not None


class Complaints:
    def __init__(self, rule):
        self.rule = rule
        self.count = 0

    def add(self, place, message):
        print(f"{place}: {message}")
        self.count += 1

    def finish(self, looked_at):
        """Ends the test. A test that looked at nothing has proven nothing."""
        if not looked_at:
            print(f"{self.rule}: nothing was found to check")
            sys.exit(1)
        print(f"{self.rule}: {looked_at} checked, {self.count} complaints")
        sys.exit(1 if self.count else 0)
