# The page of --live in a browser: see live.js.
# ctest: timeout 120
# ctest: label os
. "$(dirname "$0")/_browser.sh" live.js
