#!/bin/sh
# Everything there is to test about Windows, on a Debian machine with nothing installed: gets what is missing, builds
# the program and the stand-ins, holds the stand-ins to the transcripts, then backs up with the real program: what
# concerns Windows alone, then the scenarios and random trees that Linux has too (tests/it), and golden files.
# Arguments name the scenarios of Windows to run, and nothing else is; without any, all are run. AAM_TEST_PACKAGES names a
# directory with packages that packaging/windows.sh made: what they install is tried, not what is built here.
set -eu
. "$(dirname "$0")/lab.sh"

trap stop_wine EXIT
trap 'exit 130' HUP INT TERM

# Says where the time goes.
began=$(date +%s)
part() {
    say "$1 (after $(($(date +%s) - began)) s)"
}

# Once, among some thousand starts, Wine's cmd did not find a program that was there (9009). A part in which it says so is
# tried once more, and that is told; any other failure is final, and a program that is really missing is missed twice.
unless_wine_loses_a_program() {
    said=$lab/said
    code=0
    "$@" >"$said" 2>&1 || code=$?
    cat "$said"
    [ "$code" -ne 0 ] || return 0
    grep -q "exit code 9009" "$said" || return "$code"
    say "once more: Wine did not find a program"
    "$@"
}

"$here/setup.sh"
part "the program and the stand-ins are built"
"$here/build.sh"

stand_ins() {
    part "stand-ins"
    ln -sfn "$lab/q.empty" "$WINEPREFIX/dosdevices/q:"
    AAM_CASES_MAY_WIPE=1 CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER='timeout --kill-after=10 900 wine' \
        cargo_for_windows test --quiet --manifest-path "$here/standins/Cargo.toml" --test cases
    stop_wine
    rm -f "$WINEPREFIX/dosdevices/q:"
}
[ $# -gt 0 ] || stand_ins

part "the program"
LAB=$lab unless_wine_loses_a_program timeout --kill-after=10 1200 python3 "$here/end_to_end.py" "$@"
[ $# -eq 0 ] || exit 0

part "the same as on Linux"
# Wine has one letter for snapshots: one at a time. The build is the native one.
(
    unset LC_ALL LOCPATH
    cd "$root"
    tests/tools.sh
    tests/setup.sh
    timeout --kill-after=10 1800 cargo test --quiet --test it --no-run
    AAM_TEST_WINDOWS=$lab unless_wine_loses_a_program timeout --kill-after=10 2700 cargo test --quiet --test it -- \
        scenarios::list windows:: property::on_windows secrets::on_windows --test-threads 1 --nocapture
    # One of the histories; tests/windows/histories.sh plays any number.
    AAM_TEST_WINDOWS=$lab AAM_TEST_HISTORIES=1 timeout --kill-after=10 1800 cargo test --quiet --test it -- \
        --nocapture what_was_backed_up_comes_back
)
part "done"
