#!/bin/sh
# Builds aam-backup.exe and the stand-ins for Windows, and puts the stand-ins where Windows has (or a user would put)
# the real ones.
set -eu
. "$(dirname "$0")/lab.sh"

cargo_for_windows build --quiet --manifest-path "$root/Cargo.toml" --bin aam-backup
cargo_for_windows build --quiet --manifest-path "$here/standins/Cargo.toml"
built=$lab/cargo/$target/debug
mkdir -p "$lab/bin"
cp -u "$built/aam-backup.exe" "$built/shadowspawn.exe" "$lab/bin/"
cp -u "$built/robocopy.exe" "$WINEPREFIX/drive_c/windows/system32/robocopy.exe"
