#!/bin/sh
# Makes what users of Windows download, in target/packages: a zip, an installer, SHA256SUMS, and manifests for scoop and
# winget. It builds the program first (a quarter of an hour), unless it is given one: packaging/windows.sh [EXE [DIR]].
# BASE is the address below which the files will be offered: without it no manifests are made. MAKENSIS=-DQUICK compresses less.
set -eu
cd "$(dirname "$0")/.."

exe=${1:-}
packages=${2:-target/packages}
if [ -z "$exe" ]; then
    tests/windows/setup.sh
    tests/windows/build.sh --release
    exe=target/windows/release/aam-backup.exe
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=aam-backup-$version-x86_64-windows
place=$packages/$name
rm -rf "$place" "$packages/$name.zip" "$packages/$name-setup.exe"
mkdir -p "$place"
packages=$(cd "$packages" && pwd)
place=$packages/$name

cp "$exe" "$place/aam-backup.exe"
x86_64-w64-mingw32-strip "$place/aam-backup.exe"
for file in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
    sed 's/$/\r/' "$file" >"$place/$file.txt"
done
cp schemas/profile.schema.json examples/windows-*.yaml "$place/"
# The program for Windows says itself how its commands are completed.
# shellcheck disable=SC2016
sh -c '. "$(dirname "$0")/lab.sh" && timeout 120 wine "$1" completions powershell' \
    tests/windows/lab.sh "$exe" >"$place/completions.ps1"
if [ -x packaging/notices.py ]; then
    packaging/notices.py --target x86_64-pc-windows-gnu >"$place/THIRD-PARTY.txt"
fi

# The uninstaller deletes what was installed and nothing else.
list=$packages/uninstall.nsh
(cd "$place" && find . -type f -printf '    Delete "$INSTDIR\\%P"\n' | LC_ALL=C sort) >"$list"
# shellcheck disable=SC2086 # words
makensis -V2 -NOCD ${MAKENSIS:-} -DVERSION="$version" -DFROM="$place" -DLIST="$list" -DOUT="$packages/$name-setup.exe" packaging/installer.nsi
(cd "$packages" && zip -qr ${MAKENSIS:+-1} -X "$name.zip" "$name")
rm -r "$place" "$list"

sums() {
    (
        cd "$packages"
        find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | LC_ALL=C sort | xargs -r sha256sum >SHA256SUMS.new
        mv SHA256SUMS.new SHA256SUMS
    )
}
rm -f "$packages"/winget-*.yaml "$packages"/scoop-*.json
sums
if [ -n "${BASE:-}" ]; then
    packaging/manifests.py "$packages" "$version" "$BASE"
    sums
else
    echo "no manifests for winget and scoop: BASE is not set" >&2
fi
echo "$packages/$name.zip"
echo "$packages/$name-setup.exe"
