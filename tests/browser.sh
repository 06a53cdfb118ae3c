#!/bin/sh
# Gets the browser that pages of this program are opened with.
set -eu

! command -v chromium >/dev/null 2>&1 || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: not found on this computer: chromium" >&2
    echo "  hint: install it with your package manager, then run this again" >&2
    exit 1
fi
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
echo "Installing chromium with apt-get."
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
