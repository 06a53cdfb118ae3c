#!/bin/sh
# Writes target/packages/SHA256SUMS.
set -eu
cd "$(dirname "$0")/../target/packages"
rm -f SHA256SUMS
find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | sort | xargs -r sha256sum >SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
