#!/bin/sh
# Installs the programs that backups drive, 7-Zip, rsync and rclone, a C compiler for the build, and what histories are tested with
# (another time, system calls that fail), where they are missing.
set -eu

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "error: this needs root: $*" >&2
        exit 1
    fi
}

has() { command -v "$1" >/dev/null 2>&1; }

missing=
has 7zz || has 7z || has 7za || missing="$missing 7zip"
has rsync || missing="$missing rsync"
has rclone || missing="$missing rclone"
has cc || missing="$missing gcc libc6-dev"
has faketime || missing="$missing faketime"
has strace || missing="$missing strace"
[ -n "$missing" ] || exit 0

if ! has apt-get; then
    echo "error: not found on this computer:$missing" >&2
    echo "  hint: install 7-Zip (7zz), rsync, rclone and a C compiler with your package manager, then run this again" >&2
    exit 1
fi
echo "Installing$missing with apt-get."
as_root apt-get update -qq
# The names are separate words.
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
