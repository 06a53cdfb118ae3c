#!/bin/sh
# Backup 20201221_134337.851361 of pc, mount 2: /home
# Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
LC_ALL=C.UTF-8
export LC_ALL
cd -- '/home' || exit 10

# Mirror: exactly the listed files and directories.
'/usr/bin/rsync' --from0 --files-from='/var/tmp/it'\''s work/pc_20201221_134337.851361/2/mirror.list' --no-recursive --ignore-missing-args \
  --times --perms --owner --group --links --hard-links --acls --xattrs --filter='+x security.capability' --filter='-x! user.*' --sparse --stats --info=progress2 -- ./ '/mnt/the mirror/home/' </dev/null
echo "mirror $?" >>'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/status'

# What was touched since the last copy and has the same size and time: compared by content.
if [ -s '/var/tmp/it'\''s work/pc_20201221_134337.851361/2/content.list' ]; then
  '/usr/bin/rsync' --from0 --files-from='/var/tmp/it'\''s work/pc_20201221_134337.851361/2/content.list' --no-recursive --ignore-missing-args \
    --times --perms --owner --group --links --hard-links --acls --xattrs --filter='+x security.capability' --filter='-x! user.*' --sparse --checksum --info=progress2 -- ./ '/mnt/the mirror/home/' </dev/null
  echo "mirror $?" >>'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/status'
fi
