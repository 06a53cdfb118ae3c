#!/bin/sh
# Plays many random histories (tests/it/histories.rs) with aam-backup.exe under Wine, and prints what differs.
# Histories are counted from 0: --from 12 goes on behind the first twelve.
#
#     tests/windows/histories.sh [--count N] [--seed N] [--history N] [--from N]
set -eu
. "$(dirname "$0")/lab.sh"

export AAM_TEST_HISTORIES=50 AAM_TEST_SEED="$(date +%s)"
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "error: $1 needs a value" >&2; exit 2; }
    case $1 in
    --count) AAM_TEST_HISTORIES=$2 ;;
    --seed) AAM_TEST_SEED=$2 ;;
    --history) export AAM_TEST_HISTORY="$2" ;;
    --from) export AAM_TEST_FROM="$2" ;;
    *)
        echo "error: unknown option $1" >&2
        exit 2
        ;;
    esac
    shift 2
done
trap stop_wine EXIT
trap 'exit 130' HUP INT TERM

"$here/setup.sh"
"$here/build.sh"
rm -f "$WINEPREFIX/dosdevices/q:"
# The build of the tests is the native one.
unset LC_ALL LOCPATH
cd "$root"
tests/tools.sh
tests/setup.sh
AAM_TEST_WINDOWS=$lab RUST_BACKTRACE=0 cargo test --quiet --test it -- --nocapture what_was_backed_up_comes_back
