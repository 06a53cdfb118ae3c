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
    AAM_TEST_* | PROPTEST_*) ;;
    *) unset "$name" ;;
    esac
done

# The same cases each time. What other cases find is a fault to be mended, not one of the change that is tested.
: "${PROPTEST_RNG_SEED:=20261128}"
export PROPTEST_RNG_SEED

HOME=$(mktemp -d "${TMPDIR:-/tmp}/aam-tests-home.XXXXXX")
trap 'rm -rf "$HOME"' EXIT
trap 'exit 130' HUP INT TERM
# For root the home does not decide where state is.
AAM_BACKUP_STATE_DIR=$HOME/state
# Debian 13 calls 7zz 7z. Tests run programs as other accounts too, which must find it.
if ! command -v 7zz >/dev/null 2>&1; then
    chmod 0711 "$HOME"
    mkdir "$HOME/bin"
    printf '#!/bin/sh\nexec 7z "$@"\n' >"$HOME/bin/7zz"
    chmod 0755 "$HOME/bin" "$HOME/bin/7zz"
    PATH=$HOME/bin:$PATH
fi
export HOME AAM_BACKUP_STATE_DIR PATH
# The program leaves a signal ignored that its caller ignores, as `nohup` and background jobs of sh do. Tests send signals.
if env --default-signal=HUP,INT,TERM true 2>/dev/null; then
    env --default-signal=HUP,INT,TERM "$@"
else
    "$@"
fi
