#!/bin/sh
# Starts a test binary with nothing of the caller's environment but what is named below, and with a home and a place for
# state of its own, which are removed afterwards. Cargo and nextest call it (.cargo/config.toml), for `cargo run` too:
# that is handed through.
set -eu

case $1 in
*/deps/*) ;;
*) exec "$@" ;;
esac

for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in
    PATH | TMPDIR | TERM | USER | LOGNAME) ;;
    CARGO | CARGO_* | RUST_* | NEXTEST | NEXTEST_* | LD_LIBRARY_PATH | LLVM_PROFILE_FILE) ;;
    AAM_TEST_* | AAM_BACKUP_BLESS | PROPTEST_*) ;;
    *) unset "$name" ;;
    esac
done

HOME=$(mktemp -d "${TMPDIR:-/tmp}/aam-tests-home.XXXXXX")
trap 'rm -rf "$HOME"' EXIT
trap 'exit 130' HUP INT TERM
# For root the home does not decide where state is.
AAM_BACKUP_STATE_DIR=$HOME/state
export HOME AAM_BACKUP_STATE_DIR
"$@"
