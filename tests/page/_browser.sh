# Runs a test that is written for Node, with Debian's Chromium. Exits 77, which is told as SKIPPED, when one of the
# three is missing: node, chromium, and playwright-core in the folder of the tests (scripts/setup test installs them).
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=
command -v node >/dev/null || missing="$missing node"
command -v chromium >/dev/null || missing="$missing chromium"
[ -d "$folder/node_modules/playwright-core" ] || missing="$missing playwright-core (npm ci in tests/page)"
if [ -n "$missing" ]; then
    echo "missing:$missing"
    exit 77
fi
exec node "$folder/$1" "$2"
