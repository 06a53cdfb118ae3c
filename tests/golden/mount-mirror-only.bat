@echo off
chcp 65001 >nul
rem Backup 20261124_112502.225333 of pc, mount 1: D:\
rem Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
cd /d "Q:\"
if /i not "%CD%"=="Q:\" exit /b 10

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\Windows\System32\robocopy.exe" "Q:\." "F:\backup\main\d" /E /COPY:DATS /SECFIX /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP <nul
>>"C:\temp\pc_20261124_112502.225333\1\status" echo mirror %ERRORLEVEL%
exit /b 0
