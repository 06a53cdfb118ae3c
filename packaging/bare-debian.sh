#!/bin/sh
# Makes a Debian with nothing on it in a directory, unless it is there already. Needs root and Debian's archive.
#
#     packaging/bare-debian.sh RELEASE DIRECTORY
set -eu

[ $# -eq 2 ] || { echo "usage: $0 RELEASE DIRECTORY" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "bare-debian: run it as root: it makes a system's files" >&2; exit 1; }
release=$1
base=$2
[ ! -e "$base/etc/debian_version" ] || exit 0
"$(dirname "$0")/../tests/apt.sh" debootstrap=debootstrap
# The archive that this computer uses.
mirror=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' | head -n 1)
echo "== a bare Debian"
rm -rf "$base.new"
mkdir -p "$(dirname "$base")"
debootstrap --variant=minbase --include=cron,ca-certificates "$release" "$base.new" "$mirror" >"$base.log" 2>&1 || {
    tail -n 20 "$base.log" >&2
    echo "bare-debian: debootstrap failed" >&2
    exit 1
}
mv "$base.new" "$base"
