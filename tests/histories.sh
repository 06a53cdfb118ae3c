#!/bin/sh
# Plays many random histories (tests/it/histories.rs), or walks through all faults of system calls, and prints what differs.
#
#     tests/histories.sh [--count N] [--seed N] [--jobs N] [--history N] [--from N]
#     tests/histories.sh --faults N|all [--in run|restore] [--jobs N]
set -eu
cd "$(dirname "$0")/.."

test=what_was_backed_up_comes_back
export AAM_TEST_HISTORIES=10000 AAM_TEST_JOBS=2 AAM_TEST_SEED="$(date +%s)"
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "error: $1 needs a value" >&2; exit 2; }
    case $1 in
    --count) AAM_TEST_HISTORIES=$2 ;;
    --seed) export AAM_TEST_SEED="$2" ;;
    --jobs) AAM_TEST_JOBS=$2 ;;
    --history) export AAM_TEST_HISTORY="$2" ;;
    --from) export AAM_TEST_FROM="$2" ;;
    --faults) export AAM_TEST_FAULTS="$2" test=any_system_call_may_fail ;;
    --in) export AAM_TEST_FAULTS_IN="$2" ;;
    *)
        echo "error: unknown option $1" >&2
        exit 2
        ;;
    esac
    shift 2
done
tests/tools.sh
tests/setup.sh
RUST_BACKTRACE=0 exec cargo test --test it -- --nocapture "$test"
