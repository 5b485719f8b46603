"""docs/tcp-states.svg is drawn from the table of legal steps as it is now."""

import os
import sys

from _house import ROOT

os.execv(sys.executable, [sys.executable, os.path.join(ROOT, "scripts", "tcp_states.py")])
