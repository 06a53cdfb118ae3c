#!/bin/sh
# A backup and a restore with a bucket on a cluster of three nodes (Garage, a copy of each object on every node), on this
# computer, while its nodes are killed. Prints what happened and how long it took. Builds Garage the first time: 20 minutes
# on two processors. Not part of `tests/run.sh`.
set -eu
cd "$(dirname "$0")/.."

tests/tools.sh
garage=target/cluster/garage
if [ ! -x "$garage/bin/garage" ]; then
    echo "building Garage in $garage" >&2
    CARGO_TARGET_DIR=$garage/target cargo install garage --version 2.5.0 --locked --debug --no-default-features \
        --features bundled-libs,lmdb --root "$garage"
    rm -rf "$garage/target"
fi
cargo build --quiet --locked --bin aam-backup
exec "${PYTHON:-python3}" tests/cluster.py "$garage/bin/garage" "${CARGO_TARGET_DIR:-target}/debug/aam-backup"
