#!/bin/sh
# Gets the shells whose completion is tested: zsh and fish.
set -eu

missing=
for shell in zsh fish; do
    command -v "$shell" >/dev/null 2>&1 || missing="$missing $shell"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: not found on this computer:$missing" >&2
    echo "  hint: install them with your package manager, then run this again" >&2
    exit 1
fi
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
echo "Installing$missing with apt-get."
as_root apt-get update -qq
# The names are separate words.
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
