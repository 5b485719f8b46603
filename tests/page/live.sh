# The page of --live in a browser: see live.js.
# ctest: timeout 300
# ctest: label os
. "$(dirname "$0")/_browser.sh" live.js short
