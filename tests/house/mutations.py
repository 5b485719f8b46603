"""Every entry of tests/mutations.txt still applies, and its test cites the requirement. `make mutate` runs them."""

import os
import sys

from _house import ROOT

os.execv(sys.executable, [sys.executable, os.path.join(ROOT, "scripts", "mutate.py"), "--check"])
