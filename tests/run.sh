#!/bin/sh
# Runs every test. Arguments go to `cargo test`: `tests/run.sh architecture`, `tests/run.sh -- --nocapture`.
set -eu
cd "$(dirname "$0")/.."

tests/tools.sh   # 7-Zip, rsync, a C compiler
tests/setup.sh   # moto, the S3 server that the tests talk to
tests/programs.sh   # what checks schedules, shells, a browser
tests/editor.sh   # the language server that editors check profiles with
exec cargo test "$@"
