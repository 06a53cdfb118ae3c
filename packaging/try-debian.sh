#!/bin/sh
# Executes every command of docs/first-hour.md in a new Debian that has nothing else, with the package of
# packaging/debian.sh, and prints the time of each step. Needs root, debootstrap and Debian's archive. The bare Debian is
# kept in target/packages for the next time; AAM_DEBIAN names another one.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "try-debian: $*" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "run it as root: it changes its root directory"
release=${1:-bookworm}
packages=$(pwd -P)/target/packages
version=$(cargo pkgid --locked | sed 's/.*[#@]//')
package=aam-backup_${version}_amd64.deb
[ -s "$packages/$package" ] || fail "no $packages/$package: run packaging/debian.sh first"
(cd "$packages" && grep " $package\$" SHA256SUMS | sha256sum --check --quiet)
base=${AAM_DEBIAN:-$packages/debian-$release}
packaging/bare-debian.sh "$release" "$base"

root=$(mktemp -d)
# shellcheck disable=SC2317
clean() {
    if [ -s "$root/run/crond.pid" ]; then kill "$(cat "$root/run/crond.pid")" || true; fi
    for mount in proc dev; do
        if mountpoint -q "$root/$mount"; then umount "$root/$mount"; fi
    done
    rm -rf --one-file-system "$root"
}
trap clean EXIT
trap 'exit 130' INT TERM
cp -a "$base/." "$root/"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/root/later" "$root/home/allen/Documents"
chmod 755 "$root"
echo letter >"$root/home/allen/Documents/letter.txt"
seq 300000 >"$root/home/allen/Documents/numbers.txt"
cp "$packages/$package" "$root/root/"
# The same package as a later version.
dpkg-deb -R "$packages/$package" "$root/root/later"
sed -i 's/^Version: .*/&+later/' "$root/root/later/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$root/root/later" "$root/root/aam-backup_$version+later_amd64.deb" >/dev/null
rm -r "$root/root/later"

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" chroot "$root" sh -eu -c "cd; $1"
}
# Nothing has booted here: cron is started by hand.
inside cron
# What must be true after a step.
proof() {
    case $1 in
    Install)
        inside '! command -v cc gcc cargo
            for file in man/man1/aam-backup-run.1.gz aam-backup/profile.schema.json doc/aam-backup/THIRD-PARTY.txt \
                doc/aam-backup/sbom.cdx.json bash-completion/completions/aam-backup zsh/vendor-completions/_aam-backup \
                fish/vendor_completions.d/aam-backup.fish; do test -s /usr/share/$file; done
            test -d /etc/aam-backup/profiles && test -s "/lib/systemd/system/aam-backup@.timer"'
        ;;
    "Back up") inside 'test -n "$(ls /mnt/backup/archives)"' ;;
    Schedule) inside 'crontab -l | grep -q documents' ;;
    "Restore one file")
        inside 'cmp /home/allen/Documents/letter.txt "$(find /root/restored -name letter.txt)"
            test -z "$(find /root/restored -name numbers.txt)"'
        ;;
    Upgrade) inside "dpkg -s aam-backup | grep -q '^Version: .*+later\$'" ;;
    Remove)
        inside '! command -v aam-backup
            test ! -e /usr/share/man/man1/aam-backup-run.1.gz
            ! crontab -l 2>/dev/null | grep documents
            test -s /etc/aam-backup/documents.key && test -s /etc/aam-backup/profiles/documents.yaml
            test -n "$(ls /mnt/backup/archives)"'
        ;;
    esac
}

steps=$root/steps
mkdir "$steps"
awk -v steps="$steps" '
    /^## / { step = sprintf("%s/%02d %s", steps, ++count, substr($0, 4)); next }
    /^```sh debian$/ { on = 1; next }
    /^```/ { on = 0 }
    on { print > step }' docs/first-hour.md
all=0
for step in "$steps"/*; do
    name=$(basename "$step" | cut -c4-)
    echo "== $name"
    began=$(date +%s)
    inside "set -x; $(cat "$step")" || fail "'$name' failed"
    took=$(($(date +%s) - began))
    all=$((all + took))
    proof "$name" || fail "'$name' did not do what the page says"
    echo "-- $name: $took s"
    times="${times-}$(printf '%6d s  %s' "$took" "$name")
"
done
[ "$(printf '%s' "${times-}" | wc -l)" -eq 8 ] || fail "docs/first-hour.md should have 8 steps with commands"
printf '%s%6d s  in all\n' "$times" "$all"
[ "$all" -lt 600 ] || fail "it should take less than 10 minutes"
