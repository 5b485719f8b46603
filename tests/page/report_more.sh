# The page of --report in a browser, what make check-all tries besides: see report.js.
# ctest: timeout 400
# ctest: label os
# ctest: label long
. "$(dirname "$0")/_browser.sh" report.js long
