#!/bin/sh
# Tries the Debian package in a Debian that has nothing else: installs it, makes a profile, backs up, restores, breaks
# something, upgrades and removes it. Needs root and debootstrap, and the package of packaging/debian.sh. The Debian itself is
# kept in target/packages/debian for the next time.
set -eu
cd "$(dirname "$0")/.."

release=${1:-bookworm}
packages=$(pwd -P)/target/packages
base=${AAM_DEBIAN:-$packages/debian-$release}
[ -x "$base/bin/sh" ] || debootstrap --variant=minbase --include=7zip,rsync,ca-certificates "$release" "$base" >/dev/null
root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
cp -a "$base/." "$root/"
cp "$packages"/aam-backup_*_amd64.deb "$root/tmp/package.deb"
# The same package as a later version.
mkdir "$root/tmp/later"
dpkg-deb -R "$packages"/aam-backup_*_amd64.deb "$root/tmp/later"
sed -i 's/^Version: .*/&+later/' "$root/tmp/later/DEBIAN/control"
dpkg-deb --root-owner-group --build "$root/tmp/later" "$root/tmp/later.deb" >/dev/null
cat >"$root/tmp/steps" <<'STEPS'
set -eux
export HOME=/root DEBIAN_FRONTEND=noninteractive
! command -v cc
dpkg -i /tmp/package.deb
aam-backup --version
test -s /usr/share/man/man1/aam-backup-run.1.gz
test -s /usr/share/aam-backup/profile.schema.json
test -s /usr/share/bash-completion/completions/aam-backup
test -d /etc/aam-backup/profiles

mkdir -p /home/allen/Documents /mnt/backup/mirror /mnt/backup/archives
echo letter >/home/allen/Documents/letter.txt
(umask 077; head -c 24 /dev/urandom | base64 >/etc/aam-backup/key)
cat >/etc/aam-backup/profiles/documents.yaml <<'PROFILE'
version: 1
name: documents
location: allens-laptop
sources: [/home/allen/Documents]
destinations:
  mirror: {path: /mnt/backup/mirror}
  directory: {path: /mnt/backup/archives}
archive:
  encryption-key: {file: /etc/aam-backup/key}
PROFILE
aam-backup check documents
aam-backup plan documents
aam-backup run documents
aam-backup sets documents
aam-backup restore documents --to /root/restored
cmp /home/allen/Documents/letter.txt "$(find /root/restored -name letter.txt)"
aam-backup status documents

mv /home/allen/Documents /home/allen/elsewhere
if aam-backup run documents; then exit 1; fi
mv /home/allen/elsewhere /home/allen/Documents

dpkg -i /tmp/later.deb
dpkg -s aam-backup | grep -q '+later$'
aam-backup run documents
dpkg -r aam-backup
! command -v aam-backup
test ! -e /usr/share/man/man1/aam-backup-run.1.gz
dpkg -P aam-backup
test -s /etc/aam-backup/key
test -s /etc/aam-backup/profiles/documents.yaml
test -n "$(ls /mnt/backup/archives)"
echo "the package works"
STEPS
began=$(date +%s)
mount --bind /proc "$root/proc"
trap 'umount "$root/proc"; rm -rf --one-file-system "$root"' EXIT
chroot "$root" /bin/sh /tmp/steps
echo "It took $(($(date +%s) - began)) s."
