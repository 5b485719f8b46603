"""docs/settings.md is what src/base/settings.def says now, and every setting is asked by some code."""

import os
import re
import subprocess
import sys

from _house import ROOT, Complaints, files, read, without_comments

DEFINITIONS = "src/base/settings.def"


def main():
    complaints = Complaints("settings")
    written = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "settings.py")], check=False,
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if written.returncode != 0:
        complaints.add(DEFINITIONS, written.stdout.strip())
    code = "".join(without_comments(read(path)) for path in files(("src", "drivers"), (".c", ".h")))
    used = set(re.findall(r"(?:->|\.)(\w+)\b", code))
    names = re.findall(r"^SETTING\((\w+),", read(DEFINITIONS), re.M)
    for name in names:
        if name not in used:
            complaints.add(DEFINITIONS, f"{name} is asked nowhere: it does nothing")
    complaints.finish(len(names))


main()
