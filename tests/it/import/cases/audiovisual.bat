@echo off
setlocal
rem Rendered audiovisual files, to AWS only. Not: python x.py regular-backup user
set PROGRAM=C:\Program Files\AAM Auto Backup
set "BUCKET=aam-data-backup" & rem one for all
cd /D "%PROGRAM%"
echo Starting regular-backup of the audiovisual files
"C:\Python38\python.exe" "%PROGRAM%\AAM Auto Backup.py" incremental-only-backup user ^
    "C:\Python38\python.exe" 90 0 "%PROGRAM%\logs\\" False "" "" "" ^
    "%PROGRAM%\audiovisual 100%%.txt" "R:" "AWS" "" keep ^
    "hunter2 ^& 100%%" "%bucket%" "audio-visual.2" "AKIAHUNTER2ID" "hunter2/secret+x" "no" "no" > "%PROGRAM%\last.log" 2>&1
if errorlevel 1 pause
