#!/bin/sh
# Builds the program for Linux without libraries of the system, and packs it with manual pages, completions, the schema and
# the licenses of what it is made from: target/packages/aam-backup-VERSION-x86_64-linux.tar.gz. On Debian it installs
# musl-tools if they are missing. `AAM_PROFILE=dev` builds in a few minutes what is larger and slower.
# `AAM_TARGET=x86_64-unknown-linux-gnu` builds with the C library of this computer, whose look-up of host names wants the
# same library where the program runs: for tries where the standard library for musl cannot be fetched.
set -eu
cd "$(dirname "$0")/.."

target=${AAM_TARGET:-x86_64-unknown-linux-musl}
profile=${AAM_PROFILE:-release}
case $profile in dev) directory=debug ;; *) directory=$profile ;; esac

case $target in
*-musl) tests/apt.sh musl-gcc=musl-tools ;;
*) export RUSTFLAGS="-C target-feature=+crt-static" ;;
esac
rustup target list --installed | grep -qx "$target" || rustup target add "$target"

version=$(cargo pkgid --locked | sed 's/.*[#@]//')
commit=$(git rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD 2>/dev/null || commit=$commit-changed
export AAM_BACKUP_BUILD="$version ($commit)"
cargo build --quiet --locked --profile "$profile" --target "$target" --bin aam-backup
program=${CARGO_TARGET_DIR:-target}/$target/$directory/aam-backup

# The program itself says whether it needs anything: a static one runs with an empty root.
"$program" --version
if readelf -d "$program" | grep -q NEEDED; then
    echo "the program needs libraries of the system" >&2
    exit 1
fi

packages=target/packages
name=aam-backup-$version-x86_64-linux
place=$packages/$name
rm -rf "$place"
mkdir -p "$place/man" "$place/completions" "$place/units"
install -m 755 "$program" "$place/aam-backup"
strip "$place/aam-backup"
"$place/aam-backup" man "$place/man"
for shell in bash zsh fish powershell; do
    "$place/aam-backup" completions "$shell" >"$place/completions/aam-backup.$shell"
done
"$place/aam-backup" schema >"$place/profile.schema.json"
cp packaging/units/* "$place/units/"
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$place/"
cp -R docs "$place/docs"
packaging/notices.py --target "$target" >"$place/THIRD-PARTY.txt"
packaging/sbom.py --target "$target" >"$place/sbom.cdx.json"
tar -C "$packages" --owner=0 --group=0 --sort=name -czf "$packages/$name.tar.gz" "$name"
packaging/sums.sh
echo "$packages/$name.tar.gz"
