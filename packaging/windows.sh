#!/bin/sh
# Makes what users of Windows download, in target/packages: a zip, an installer, SHA256SUMS, and manifests for scoop and
# winget. It builds the program first (a quarter of an hour), unless it is given one: packaging/windows.sh [EXE [DIR]].
# BASE is the address below which the files will be offered; MAKENSIS=-DQUICK compresses less.
set -eu
cd "$(dirname "$0")/.."
BASE=${BASE:-https://example.com/aam-backup}

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
if [ -x packaging/notices.py ]; then
    packaging/notices.py --target x86_64-pc-windows-gnu >"$place/THIRD-PARTY.txt"
fi

# The uninstaller deletes what was installed and nothing else.
list=$packages/uninstall.nsh
(cd "$place" && find . -type f -printf '    Delete "$INSTDIR\\%P"\n' | LC_ALL=C sort) >"$list"
# shellcheck disable=SC2086 # words
makensis -V2 -NOCD ${MAKENSIS:-} -DVERSION="$version" -DFROM="$place" -DLIST="$list" -DOUT="$packages/$name-setup.exe" packaging/installer.nsi
(cd "$packages" && zip -qr -X "$name.zip" "$name")
rm -r "$place" "$list"

sum() {
    sha256sum "$packages/$1" | cut -d ' ' -f 1
}
zip_sum=$(sum "$name.zip")
setup_sum=$(sum "$name-setup.exe")
cat >"$packages/scoop-aam-backup.json" <<JSON
{
    "version": "$version",
    "description": "Declarative backup runner: mirrors, encrypted archives, restores by one command",
    "homepage": "$BASE",
    "license": "MIT|Apache-2.0",
    "suggest": {"7-Zip": "7zip"},
    "architecture": {
        "64bit": {
            "url": "$BASE/$name.zip",
            "hash": "$zip_sum",
            "extract_dir": "$name"
        }
    },
    "bin": "aam-backup.exe"
}
JSON
id=AAM.AutoBackup
about() {
    printf 'PackageIdentifier: %s\nPackageVersion: %s\n' "$id" "$version"
}
about >"$packages/winget-$id.yaml"
cat >>"$packages/winget-$id.yaml" <<YAML
DefaultLocale: en-US
ManifestType: version
ManifestVersion: 1.6.0
YAML
about >"$packages/winget-$id.locale.en-US.yaml"
cat >>"$packages/winget-$id.locale.en-US.yaml" <<YAML
PackageLocale: en-US
Publisher: AAM Auto Backup
PackageName: AAM Auto Backup
License: MIT OR Apache-2.0
ShortDescription: "Declarative backup runner: mirrors, encrypted archives, restores by one command"
ManifestType: defaultLocale
ManifestVersion: 1.6.0
YAML
about >"$packages/winget-$id.installer.yaml"
cat >>"$packages/winget-$id.installer.yaml" <<YAML
InstallerType: nullsoft
Scope: machine
UpgradeBehavior: install
ElevationRequirement: elevatesSelf
Installers:
  - Architecture: x64
    InstallerUrl: $BASE/$name-setup.exe
    InstallerSha256: $(echo "$setup_sum" | tr a-f A-F)
ManifestType: installer
ManifestVersion: 1.6.0
YAML
(
    cd "$packages"
    find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | LC_ALL=C sort | xargs -r sha256sum >SHA256SUMS.new
    mv SHA256SUMS.new SHA256SUMS
)
echo "$packages/$name.zip"
echo "$packages/$name-setup.exe"
