#!/bin/sh
# Writes every golden file as the program makes it now: the schema, the pages made from it, messages, rendered files, plans,
# schedules. Look at the difference before you commit it.
set -eu
cd "$(dirname "$0")/.."

tests/tools.sh
tests/setup.sh
AAM_TEST_ACCEPT=1 cargo test --quiet --test it -- docs:: profile import render schedule doctor windows::
git status --short
