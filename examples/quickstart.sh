#!/bin/sh
# A backup from the first file to the restored one: builds the program, makes a small tree of files, backs it up twice,
# restores it and compares. It needs Linux and a Rust toolchain, and installs 7-Zip and rsync with apt-get if they are
# missing. It keeps everything in target/quickstart, which it empties first.
set -eu
cd "$(dirname "$0")/.."
project=$(pwd -P)
place=$project/target/quickstart

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
heading() { printf '\n%s== %s ==%s\n' "$bold" "$1" "$plain"; }
say() { printf '%s\n' "$@"; }
show() {
    printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@" 2>&1
}
on_exit() {
    code=$?
    [ "$code" -eq 0 ] || printf '\nThe quick start FAILED (exit code %s). What it made is in %s\n' "$code" "$place" >&2
}
trap on_exit EXIT

heading "Build"
tests/tools.sh
say "A debug build, because it is ready sooner: a few minutes the first time. For real work: cargo build --release"
cargo build --quiet --bin aam-backup
PATH=$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd -P):$PATH
show aam-backup --version

heading "Files to back up"
rm -rf "$place"
mkdir -p "$place/home/documents/empty folder" "$place/home/documents/cache" "$place/mirror" "$place/archives"
cp -R src "$place/home/code"
cp -R docs "$place/home/documents/manual"
cd "$place/home/documents"
echo 'first draft' > 'Letter & plan [2026] 100%.txt'
echo 'not for long' > 'to be deleted.txt'
# shellcheck disable=SC2016 # the name is meant as it stands
for name in "it's here.txt" '-starts with a dash' '@at and #hash!.txt' ' space before.txt' 'so "called".txt' '$HOME `date`.txt' '*.txt' \
    'Überblick 日本語.txt' '.hidden'; do
    echo "$name" > "$name"
done
echo 'left out by exclude.directories' > cache/thumbnail
echo 'left out by exclude.files' > scratch.tmp
ln -s manual 'a link'
cd "$place"
say "$(find home -type f | wc -l) files, some with awkward names, are in $place/home"

# Where this run keeps its state and its lock. By default: /var/lib/aam-backup or ~/.local/state/aam-backup.
export AAM_BACKUP_STATE_DIR="$place/state"
# The key that encrypts the archives. Keep a real key in two other places: nothing can be restored without it.
od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > key
AAM_BACKUP_KEY=$(cat key)
export AAM_BACKUP_KEY

heading "The profile: what to back up, and where to"
quoted=$(printf '%s' "$place" | sed "s/'/''/g; s/[&|\\\\]/\\\\&/g")
sed "s|/tmp/aam-quickstart|$quoted|" "$project/examples/quickstart.yaml" > quickstart.yaml
grep -v '^#' quickstart.yaml

heading "Check: finds every mistake in a profile. This one has no mistakes"
show aam-backup check quickstart.yaml

heading "Plan: shows what a run would do, and why. Changes nothing"
show aam-backup plan quickstart.yaml

heading "Explain: says why a path is in a backup or not"
show aam-backup explain quickstart.yaml "$place/home/documents/scratch.tmp"
show aam-backup explain quickstart.yaml "$place/home/documents/new.txt"

heading "The first backup is a full one"
show aam-backup run quickstart.yaml

heading "Changes: one file edited, one deleted, one new, one moved in with an old date, one directory renamed"
echo 'second draft' >> 'home/documents/Letter & plan [2026] 100%.txt'
rm 'home/documents/to be deleted.txt'
echo 'new today' > home/documents/new.txt
echo 'moved in' > old.txt
touch -d '2001-02-03 04:05:06' old.txt
mv old.txt home/documents/
mv home/code/plan home/code/planning

heading "The second backup is incremental: only what changed is archived"
show aam-backup run quickstart.yaml

heading "What can be restored"
show aam-backup sets quickstart.yaml

heading "Restore the exact state of the last backup into a new directory"
show aam-backup restore quickstart.yaml --to restored --exact

# Names, sizes and times to the second, without links and without what the profile excludes.
listing() {
    (cd "$1" && find . -mindepth 1 \( -name cache -o -name '*.tmp' -o -type l \) -prune -o \
        -type d -printf '%p directory\n' -o -printf '%p %y %s %TY-%Tm-%Td %TH:%TM:%.2TS\n' | LC_ALL=C sort)
}
same() {
    diff -r --no-dereference --exclude=cache --exclude='*.tmp' --exclude='a link' "$1" "$2"
    listing "$1" > expected.txt
    listing "$2" > found.txt
    diff expected.txt found.txt
    say "The same: $(grep -vc ' directory$' found.txt) files, their names, contents and times."
}

heading "Compare with the source"
say "home and restored/1:"
same home restored/1
say "home and mirror$place/home:"
same home "mirror$place/home"

heading "Done"
say "Look around in $place: the archives open with 7zz and what the file 'key' holds." \
    "Your own profile: docs/profile.md. In an emergency: docs/restore.md."
