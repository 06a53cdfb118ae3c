AAM_auto_backup.py one-step-aws-data-restoration "C:\logs" True "R" "a@example.com" "b@example.com" "2" "hunter2-key-0123" "b" "pc" "AKIAHUNTER2ID" "hunter2/secret+x" "c:\r"
