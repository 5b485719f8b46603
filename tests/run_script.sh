#!/usr/bin/env bash
# Runs one test that is a script. Such a test exits 77 when a peer or a permission is missing; that is shown as
# SKIPPED here, and is a failure where CI is set, so that nothing is left out without a word.
set -u
script=$1
case $script in
*.py) python3 "$@" ;;
*) bash "$@" ;;
esac
status=$?
if [ $status -eq 77 ]; then
    echo "SKIPPED: $(basename "$script"): a peer or a permission is missing (see above)"
    if [ -n "${CI:-}" ]; then
        echo "FAILED: under CI a skipped test is a failed test (see scripts/setup test)"
        exit 1
    fi
fi
exit $status
