#!/bin/sh
# Backup 20201221_134337.851361 of pc, mount 2: /home
# Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
LC_ALL=C.UTF-8
export LC_ALL
cd -- '/home' || exit 10

# Archive: exactly the listed files, encrypted, in volumes.
'/opt/7-Zip 26/7zz' a -tzip -mem=AES256 -mcu=on -mtc=on -mta=on -mx=5 -snl -spd -scsUTF-8 -sccUTF-8 -bsp1 -p \
  -v4000000000b -i@'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/archive.list' -- '/var/tmp/it'\''s work/pc_20201221_134337.851361/2/pc_20201221_134337.851361_0_0.0_no_-it'\''s-.zip'
echo "archive $?" >>'/var/tmp/it'\''s work/pc_20201221_134337.851361/2/status'
