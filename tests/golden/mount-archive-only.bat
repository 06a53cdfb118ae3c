@echo off
chcp 65001 >nul
rem Backup 20261124_112502.225333 of pc, mount 1: C:\Users\Allen
rem Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
cd /d "C:\Users\Allen"
if /i not "%CD%"=="C:\Users\Allen" exit /b 10

rem Archive: exactly the listed files, encrypted, in volumes.
"C:\Program Files\7-Zip\7z.exe" a -tzip -mem=AES256 -mcu=on -mtc=on -mta=on -mx=5 -spd -scsUTF-8 -sccUTF-8 -bsp1 -p -v4000000000b "-i@C:\temp\pc_20261124_112502.225333\1\archive.list" -- "C:\temp\pc_20261124_112502.225333\1\pc_20261124_112502.225333_0_0.0_no_c--users-allen-.zip"
>>"C:\temp\pc_20261124_112502.225333\1\status" echo archive %ERRORLEVEL%
exit /b 0
