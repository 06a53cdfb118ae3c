@echo off
chcp 65001 >nul
rem Regular backup: /tmp/aam-shortcuts-100%%.yaml
"C:\Program Files\AAM Auto Backup\aam-backup.exe" run "/tmp/aam-shortcuts-100%%.yaml"
pause
