py AAM_auto_backup.py "regular-backup" "user" "python.exe" "600" "7200" "C:\logs" "True" "AAM" "a@example.com" "b@example.com" "C:\i.txt" "q" "local|AWS" "F:\m" "delete" "hunter2-key-0123" "aam-data-backup" "pc" "AKIAHUNTER2ID" "hunter2/secret+x" "no" "yes"
pause
py AAM_auto_backup.py "incremental-only-backup" "user" "python.exe" "600" "7200" "C:\logs" "True" "AAM" "a@example.com" "b@example.com" "C:\i.txt" "q" "local|AWS" "F:\m" "delete" "hunter2-key-0123" "aam-data-backup" "pc" "AKIAHUNTER2ID" "hunter2/secret+x" "no" "yes"
