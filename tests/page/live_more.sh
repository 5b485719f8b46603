# The page of --live in a browser, what make check-all tries besides: see live.js.
# ctest: timeout 300
# ctest: label os
# ctest: label long
. "$(dirname "$0")/_browser.sh" live.js long
