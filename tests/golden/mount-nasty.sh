#!/bin/sh
# Backup 20201221_134337.851361 of pc, mount 2: /-rf it\'s `id` $(id) \"x\" \\ %PATH% * ! 😀/#x;y&z|a\u{202e}b
# Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
LC_ALL=C.UTF-8
export LC_ALL
cd -- '/-rf it'\''s `id` $(id) "x" \ %PATH% * ! 😀/#x;y&z|a‮b' || exit 10

# Mirror: exactly the listed files and directories.
'/usr/bin/rsync' --from0 --files-from='/var/tmp/it'\''s work/pc_20201221_134337.851361/2/mirror.list' --no-recursive --ignore-missing-args \
  --times --perms --owner --group --links --hard-links --acls --xattrs --filter='+x security.capability' --filter='-x! user.*' --sparse --stats --info=progress2 -- ./ '/mnt/the mirror/-rf it'\''s `id` $(id) "x" \ %PATH% * ! 😀/#x;y&z|a‮b/' </dev/null
echo "mirror $?" >>'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/status'

# What was touched since the last copy and has the same size and time: compared by content.
if [ -s '/var/tmp/it'\''s work/pc_20201221_134337.851361/2/content.list' ]; then
  '/usr/bin/rsync' --from0 --files-from='/var/tmp/it'\''s work/pc_20201221_134337.851361/2/content.list' --no-recursive --ignore-missing-args \
    --times --perms --owner --group --links --hard-links --acls --xattrs --filter='+x security.capability' --filter='-x! user.*' --sparse --checksum --info=progress2 -- ./ '/mnt/the mirror/-rf it'\''s `id` $(id) "x" \ %PATH% * ! 😀/#x;y&z|a‮b/' </dev/null
  echo "mirror $?" >>'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/status'
fi

# Archive: exactly the listed files, encrypted, in volumes.
'/opt/7-Zip 26/7zz' a -t7z -mhe=on -mtc=on -mta=on -mx=5 -snl -spd -scsUTF-8 -sccUTF-8 -bsp1 -p \
  -v4000000000b -i@'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/archive.list' -- '/var/tmp/it'\''s work/pc_20201221_134337.851361/2/pc_20201221_134337.851361_0_0.0_no_-it'\''s-.7z'
echo "archive $?" >>'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/status'
