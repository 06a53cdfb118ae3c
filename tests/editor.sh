#!/bin/sh
# Gets the language server that editors check and complete YAML with, into tests/.editor. Safe to run again; quick when done.
set -eu
cd "$(dirname "$0")"

# The newest that runs with the Node.js of Debian.
wanted=yaml-language-server@1.25.0
mark=.editor/aam-installed
[ "$(cat "$mark" 2>/dev/null || true)" != "$wanted" ] || exit 0
./apt.sh npm=npm
rm -rf .editor
mkdir .editor
# A file of its own keeps npm from looking for a project in the directories above.
echo '{"private": true}' >.editor/package.json
npm install --prefix .editor --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel error "$wanted" >/dev/null
[ -x .editor/node_modules/.bin/yaml-language-server ]
echo "$wanted" >"$mark"
