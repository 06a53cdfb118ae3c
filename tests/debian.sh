#!/bin/sh
# Runs the quick start and all tests in a new Debian that has nothing but this checkout and the Rust toolchain of the
# caller: as an ordinary user with sudo, as root, or as one after the other. It takes an hour, so CI does not run it. Needs
# root, debootstrap and Debian's archive; a bare Debian is kept in target/packages for the next time.
#
#     tests/debian.sh [RELEASE [user|root]]
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" -eq 0 ] || { echo "debian.sh: run it as root: it changes its root directory" >&2; exit 1; }
release=${1:-bookworm}
who=${2:-both}
case $who in user | root | both) ;; *) echo "debian.sh: 'user' or 'root', not '$who'" >&2; exit 2 ;; esac
base=$(pwd -P)/target/packages/debian-$release
packaging/bare-debian.sh "$release" "$base"

root=$(mktemp -d)
# shellcheck disable=SC2317
clean() {
    code=$?
    # What the tests left running there.
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root" || true)" != "$root" ] || kill -KILL "${process#/proc/}" 2>/dev/null || true
    done
    for mount in dev/pts dev/shm dev sys proc; do
        if mountpoint -q "$root/$mount"; then umount "$root/$mount"; fi
    done
    umount "$root" 2>/dev/null || true
    rm -rf --one-file-system "$root"
    exit "$code"
}
trap clean EXIT
trap 'exit 130' HUP INT TERM
chmod 755 "$root"
# A root directory is the root of a mount.
mount --bind "$root" "$root"
cp -a "$base/." "$root/"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --bind /dev "$root/dev"
mount -t devpts devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# As an installed Debian has it.
echo "127.0.0.1 localhost" >"$root/etc/hosts"
# A computer whose way to the registries has a certificate authority of its own.
certificates=/etc/ssl/certs/ca-certificates.crt
cp "$certificates" "$root$certificates"

inside() {
    as=$1 home=$2
    shift 2
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" setpriv --reuid="$as" --regid="$as" --init-groups \
        env HOME="$home" USER="$as" LOGNAME="$as" LANG=C.UTF-8 CARGO_HOME=/opt/cargo PIP_CERT="$certificates" \
        DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" \
        PATH="/opt/rust/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" sh -eu -c "cd; $*"
}
inside root /root "apt-get update -qq; apt-get install -y -qq --no-install-recommends sudo >/dev/null
    useradd --create-home --shell /bin/sh allen
    echo 'allen ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/allen"
mkdir -p "$root/opt/rust" "$root/opt/cargo" "$root/home/allen/project"
toolchain=$(rustc --print sysroot)
registry=${CARGO_HOME:-$HOME/.cargo}
for part in bin lib libexec; do
    [ ! -e "$toolchain/$part" ] || cp -a --reflink=auto "$toolchain/$part" "$root/opt/rust/"
done
for part in config.toml registry; do
    [ ! -e "$registry/$part" ] || cp -a --reflink=auto "$registry/$part" "$root/opt/cargo/"
done
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -c | tar -x -C "$root/home/allen/project"
inside root /root "chown -R allen: /home/allen /opt/cargo"

quick_start_and_tests() {
    name=$1 home=$2
    for command in examples/quickstart.sh tests/run.sh; do
        began=$(date +%s)
        code=0
        inside "$name" "$home" "cd project; exec $command" || code=$?
        echo "$name: $command: exit code $code after $(($(date +%s) - began)) s"
        [ "$code" -eq 0 ]
    done
}
[ "$who" = root ] || quick_start_and_tests allen /home/allen
[ "$who" != user ] || exit 0
# What the user built is as good for root. Tests start programs of the checkout as other accounts, too.
cp -a "$root/home/allen/project" "$root/srv/project"
inside root /root "chown -R root: /srv/project /opt/cargo; rm -rf /srv/project/tests/.venv; ln -s /srv/project project"
quick_start_and_tests root /root
