#!/bin/sh
# Installs the programs that backups drive, 7-Zip, rsync and rclone, a C compiler for the build, and what histories are tested with
# (another time, system calls that fail), where they are missing.
set -eu

exec "$(dirname "$0")/apt.sh" '7zz|7z|7za=7zip' rsync=rsync rclone=rclone cc=gcc,libc6-dev faketime=faketime strace=strace
