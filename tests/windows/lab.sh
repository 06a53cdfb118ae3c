# shellcheck shell=sh
# What the scripts beside this one share; read with `.`, not run. Everything made here lies below target/windows.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lab=$root/target/windows
target=x86_64-pc-windows-gnu

# Programs for Windows run against this prefix and no other, without a display. Wine has an empty shell of its own for
# robocopy.exe, and takes it even when the stand-in has replaced the file, unless told. It must not put anything into
# menus of the home directory either. vssapi.dll is a stand-in, too.
WINEPREFIX=$lab/prefix
WINEARCH=win64
WINEDEBUG=-all
WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d;robocopy.exe=n;vssapi=n'
export WINEPREFIX WINEARCH WINEDEBUG WINEDLLOVERRIDES

# Wine's cmd does not read batch files in the code page that `chcp` sets, but in that of the locale. Windows has no
# code page of DOS for Hindi, and Wine takes UTF-8 instead: then a batch file in UTF-8 is read as on Windows.
LOCPATH=$lab/locale
LC_ALL=hi_IN.UTF-8
export LOCPATH LC_ALL
unset DISPLAY WAYLAND_DISPLAY 2>/dev/null || true

say() {
    echo "windows lab: $*" >&2
}

fail() {
    say "error: $1"
    say "  hint: $2"
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "this needs root: $*" "run it once as root, or install sudo"
    fi
}

# Ends what runs in this prefix; other prefixes have servers of their own.
stop_wine() {
    if command -v wineserver >/dev/null 2>&1; then
        wineserver -k 2>/dev/null || true
        timeout 30 wineserver -w 2>/dev/null || true
    fi
}

# Debian's Rust, whose packages bring the standard library's source: that is built for Windows along with the program.
# Unstable options are open to this one call only.
cargo_for_windows() {
    timeout --kill-after=10 2700 env PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" CARGO_TARGET_DIR="$lab/cargo" CARGO_INCREMENTAL=0 \
        /usr/bin/cargo "$@" --locked -Z build-std=std,panic_abort --target "$target"
}
