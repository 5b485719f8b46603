# The page of --report in a browser: see report.js.
# ctest: timeout 400
# ctest: label os
. "$(dirname "$0")/_browser.sh" report.js short
