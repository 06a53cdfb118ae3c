# shellcheck shell=sh
# What the scripts beside this one share; read with `.`, not run. Everything made here lies below target/windows.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lab=$root/target/windows
target=x86_64-pc-windows-gnu

# Programs for Windows run against this prefix and no other, without a display. Wine has an empty shell of its own for
# robocopy.exe, and takes it even when the stand-in has replaced the file, unless told.
WINEPREFIX=$lab/prefix
WINEARCH=win64
WINEDEBUG=-all
WINEDLLOVERRIDES='mscoree,mshtml=;robocopy.exe=n'
export WINEPREFIX WINEARCH WINEDEBUG WINEDLLOVERRIDES

# Wine's cmd does not read batch files in the code page that `chcp` sets, but in that of the locale. Windows has no
# code page of DOS for Hindi, and Wine takes UTF-8 instead: then a batch file in UTF-8 is read as on Windows.
LOCPATH=$lab/locale
LC_ALL=hi_IN.UTF-8
export LOCPATH LC_ALL
unset DISPLAY WAYLAND_DISPLAY 2>/dev/null || true

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

say() {
    echo "windows lab: $*" >&2
}

# Ends what runs in this prefix; other prefixes have servers of their own.
stop_wine() {
    wineserver -k 2>/dev/null || true
}

# Debian's Rust, whose packages bring the standard library's source: that is built for Windows along with the program.
# Unstable options are open to this one call only.
cargo_for_windows() {
    timeout --kill-after=10 3600 env PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" CARGO_TARGET_DIR="$lab/cargo" \
        /usr/bin/cargo "$@" -Z build-std=std,panic_abort --target "$target"
}
