# Frames as the page takes them apart, beside tshark: see dissect.js. Needs no browser.
# ctest: timeout 60
# ctest: label os
for program in node tshark; do
    if ! command -v $program >/dev/null; then
        echo "missing: $program"
        exit 77
    fi
done
exec node "$(dirname "$0")/dissect.js"
