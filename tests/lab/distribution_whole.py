"""All of the book's times, up to N = 1000: see distribution.py."""
# ctest: label long
# ctest: timeout 900

import os
import runpy

os.environ["DISTRIBUTION"] = "all"
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "distribution.py"))
