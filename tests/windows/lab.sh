# What the scripts beside this one share; read with `.`, not run. Everything made here lies below target/windows.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lab=$root/target/windows
target=x86_64-pc-windows-gnu

# Programs for Windows run against this prefix and no other, without a display.
WINEPREFIX=$lab/prefix
WINEARCH=win64
WINEDEBUG=-all
WINEDLLOVERRIDES=mscoree,mshtml=
export WINEPREFIX WINEARCH WINEDEBUG WINEDLLOVERRIDES
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
    env PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" CARGO_TARGET_DIR="$lab/cargo" \
        /usr/bin/cargo "$@" -Z build-std=std,panic_abort --target "$target"
}
