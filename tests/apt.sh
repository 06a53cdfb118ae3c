#!/bin/sh
# Installs the Debian packages of commands that are missing.
#
#     tests/apt.sh COMMAND[|COMMAND...]=PACKAGE[,PACKAGE...] ...
set -eu

missing=
for pair; do
    found=
    # Commands and packages are separate words.
    # shellcheck disable=SC2086
    for command in $(echo "${pair%%=*}" | tr '|' ' '); do
        ! command -v "$command" >/dev/null 2>&1 || found=yes
    done
    [ -n "$found" ] || missing="$missing $(echo "${pair#*=}" | tr ',' ' ')"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: not found on this computer:$missing" >&2
    echo "  hint: install what these packages of Debian hold with your package manager, then run this again" >&2
    exit 1
fi
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "error: only root can install$missing, and there is no sudo: run this script as root first" >&2
        exit 1
    fi
}
echo "Installing$missing with apt-get."
as_root apt-get -o DPkg::Lock::Timeout=600 update -qq
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing >/dev/null
