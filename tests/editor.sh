#!/bin/sh
# Gets the language server that editors check and complete YAML with, into tests/.editor. Safe to run again; quick when done.
set -eu
cd "$(dirname "$0")"

# The newest that runs with the Node.js of Debian.
wanted=yaml-language-server@1.25.0
mark=.editor/aam-installed
[ "$(cat "$mark" 2>/dev/null || true)" != "$wanted" ] || exit 0
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
if ! command -v npm >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "error: not found on this computer: npm" >&2
        echo "  hint: install Node.js with npm, then run this again" >&2
        exit 1
    fi
    echo "Installing npm with apt-get."
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
fi
rm -rf .editor
mkdir .editor
# A file of its own keeps npm from looking for a project in the directories above.
echo '{"private": true}' >.editor/package.json
npm install --prefix .editor --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel error "$wanted" >/dev/null
[ -x .editor/node_modules/.bin/yaml-language-server ]
echo "$wanted" >"$mark"
