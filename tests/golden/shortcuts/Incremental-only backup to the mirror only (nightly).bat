@echo off
chcp 65001 >nul
rem Incremental-only backup to the mirror only: /tmp/aam-shortcuts-100%%.yaml
"C:\Program Files\AAM Auto Backup\aam-backup.exe" run "/tmp/aam-shortcuts-100%%.yaml" --mode incremental-only --destination mirror
pause
