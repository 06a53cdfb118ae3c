#!/bin/sh
# Builds aam-backup.exe and the stand-ins for Windows, and puts the stand-ins where Windows has (or a user would put)
# the real ones. With --release: only the program, optimised, as it is given to people.
set -eu
. "$(dirname "$0")/lab.sh"

if [ "${1:-}" = --release ]; then
    # No paths of the computer that builds it.
    RUSTFLAGS="--remap-path-prefix=$root=aam-backup --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=/usr/lib/rustlib=rust"
    export RUSTFLAGS
    cargo_for_windows build --manifest-path "$root/Cargo.toml" --release --bin aam-backup
    mkdir -p "$lab/release"
    cp "$lab/cargo/$target/release/aam-backup.exe" "$lab/release/"
    size=$(stat -c %s "$lab/release/aam-backup.exe")
    say "target/windows/release/aam-backup.exe has $size bytes"
    exit 0
fi

cargo_for_windows build --quiet --manifest-path "$root/Cargo.toml" --bin aam-backup
cargo_for_windows build --quiet --manifest-path "$here/standins/Cargo.toml"
built=$lab/cargo/$target/debug
mkdir -p "$lab/bin"
cp -u "$built/aam-backup.exe" "$built/shadowspawn.exe" "$built/hold.exe" "$built/look.exe" "$lab/bin/"
vssapi=$lab/bin/vssapi.dll
if [ ! -f "$vssapi" ] || [ -n "$(find "$here/standins/vssapi.c" "$here/replace.h" -newer "$vssapi")" ]; then
    x86_64-w64-mingw32-gcc -O1 -Wall -Wextra -Werror -shared -o "$vssapi" "$here/standins/vssapi.c" -lole32 -loleaut32
fi
cp "$vssapi" "$WINEPREFIX/drive_c/windows/system32/vssapi.dll"
# Without -u: Wine's own is newer in a new prefix.
cp "$built/robocopy.exe" "$WINEPREFIX/drive_c/windows/system32/robocopy.exe"
