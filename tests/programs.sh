#!/bin/sh
# Gets what only tests use: what checks schedules, the shells whose completion is tested, the browser that opens pages,
# Node.js for the language server of tests/editor.sh, and the file systems of other disks. No service is started: cron is unpacked below target, not
# installed.
set -eu
cd "$(dirname "$0")/.."

tests/apt.sh systemd-analyze=systemd xmllint=libxml2-utils zsh=zsh fish=fish chromium=chromium npm=npm \
    lowntfs-3g=ntfs-3g fusefat=fusefat,dosfstools
! command -v crontab >/dev/null 2>&1 || exit 0
[ ! -x target/schedulers/usr/bin/crontab ] || exit 0
rm -rf target/schedulers
mkdir -p target/schedulers
cd target/schedulers
if [ "$(id -u)" -eq 0 ]; then
    apt-get -o DPkg::Lock::Timeout=600 update -qq
fi
# Anybody may download a package.
apt-get download -qq cron || {
    echo "error: cron could not be downloaded" >&2
    echo "  hint: run 'apt-get update' as root, or install cron, then run this again" >&2
    exit 1
}
dpkg -x cron_*.deb .
rm cron_*.deb
