#!/bin/sh
# Gets what the tests of schedules need: systemd-analyze and systemctl, xmllint, crontab. No service is started: cron is
# unpacked below target, not installed.
set -eu
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

missing=
has systemd-analyze || missing="$missing systemd"
has xmllint || missing="$missing libxml2-utils"
cron=
has crontab || [ -x target/schedulers/usr/bin/crontab ] || cron=yes
[ -n "$missing$cron" ] || exit 0

if ! has apt-get; then
    echo "error: not found on this computer:$missing${cron:+ cron}" >&2
    echo "  hint: install systemd, xmllint and crontab with your package manager, then run this again" >&2
    exit 1
fi
as_root apt-get update -qq
if [ -n "$missing" ]; then
    echo "Installing$missing with apt-get."
    # The names are separate words.
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
if [ -n "$cron" ]; then
    mkdir -p target/schedulers
    (
        cd target/schedulers
        apt-get download -qq cron 2>/dev/null
        dpkg -x cron_*.deb .
        rm cron_*.deb
    )
fi
