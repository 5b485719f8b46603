"""docs/conformance.md is what code and tests say now, and nobody cites a requirement that does not exist."""

import os
import sys

from _house import ROOT

os.execv(sys.executable, [sys.executable, os.path.join(ROOT, "scripts", "conformance.py")])
