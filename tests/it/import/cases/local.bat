python AAM_auto_backup.py regular-backup user python 600 7200 C:\logs False "" "" "" C:\i.txt q: local "G:\copy of all\\" True "hunter2 unused" "" laptop "" "" no no
