#!/bin/sh
# Builds target/packages/aam-backup_VERSION_amd64.deb from what packaging/linux.sh makes.
set -eu
cd "$(dirname "$0")/.."

packaging/linux.sh >/dev/null
version=$(cargo pkgid --locked | sed 's/.*[#@]//')
packages=target/packages
from=$packages/aam-backup-$version-x86_64-linux
root=$packages/deb
rm -rf "$root"
share=$root/usr/share
doc=$share/doc/aam-backup
mkdir -p "$root/DEBIAN" "$root/usr/bin" "$share/man/man1" "$doc" "$share/bash-completion/completions" \
    "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d" "$share/aam-backup" "$root/lib/systemd/system"
install -d -m 700 "$root/etc/aam-backup"
install -d -m 755 "$root/etc/aam-backup/profiles"
install -m 755 "$from/aam-backup" "$root/usr/bin/aam-backup"
for page in "$from"/man/*.1; do gzip -9n <"$page" >"$share/man/man1/$(basename "$page").gz"; done
install -m 644 "$from/completions/aam-backup.bash" "$share/bash-completion/completions/aam-backup"
install -m 644 "$from/completions/aam-backup.zsh" "$share/zsh/vendor-completions/_aam-backup"
install -m 644 "$from/completions/aam-backup.fish" "$share/fish/vendor_completions.d/aam-backup.fish"
install -m 644 "$from/profile.schema.json" "$share/aam-backup/profile.schema.json"
install -m 644 "$from"/units/* "$root/lib/systemd/system/"
install -m 644 "$from/README.md" "$from/THIRD-PARTY.txt" "$from/sbom.cdx.json" "$doc/"
cp -R "$from/docs" "$doc/docs"
gzip -9n <"$from/CHANGELOG.md" >"$doc/changelog.gz"
cat "$from/LICENSE-MIT" "$from/LICENSE-APACHE" >"$doc/copyright"
for script in postinst prerm postrm; do install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"; done
size=$(du -ks --exclude=DEBIAN "$root" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@SIZE@/$size/" packaging/debian/control >"$root/DEBIAN/control"
find "$root" -type d -name 'docs*' -exec chmod 755 {} + -o -type f -path '*/docs/*' -exec chmod 644 {} +
(cd "$root" && find usr lib -type f -exec md5sum {} +) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$root" "$packages/aam-backup_${version}_amd64.deb"
rm -rf "$root"
packaging/sums.sh
