@echo off
chcp 65001 >nul
rem Backup 20261124_112502.225333 of pc, mount 1: C:\100%% & (more) ^!
rem Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
cd /d "Q:\"
if /i not "%CD%"=="Q:\" exit /b 10

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\Windows\System32\robocopy.exe" "Q:\." "F:\backup\100%%\c\100%% & (more) ^!" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP /XD "Q:\docs\50%% done" "Q:\docs\a & b ^ (c)!" "Q:\Übung" "Q:\docs\😀" "Q:\-dash" "Q:\it's" /XF "Q:\docs\~WRL1.tmp" "Q:\docs\%%TEMP%%" "Q:\docs\[x] {y}, z;=.txt" "Q:\docs\trailing." "Q:\docs\trailing " <nul
>>"C:\temp\pc_20261124_112502.225333\1\status" echo mirror %ERRORLEVEL%

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\Windows\System32\robocopy.exe" "Q:\many" "F:\backup\100%%\c\100%% & (more) ^!\many" "a b.txt" "100%%.txt" /LEV:1 /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP <nul
>>"C:\temp\pc_20261124_112502.225333\1\status" echo mirror %ERRORLEVEL%

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\Windows\System32\robocopy.exe" "Q:\deep\er" "F:\backup\100%%\c\100%% & (more) ^!\deep\er" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP /XD "Q:\deep\er\cache" <nul
>>"C:\temp\pc_20261124_112502.225333\1\status" echo mirror %ERRORLEVEL%

rem Archive: exactly the listed files, encrypted, in volumes.
"C:\Program Files\7-Zip\7z.exe" a -tzip -mem=AES256 -mcu=on -mtc=on -mta=on -mx=5 -spd -scsUTF-8 -sccUTF-8 -bsp1 -p -v4000000000b "-i@C:\temp\pc_20261124_112502.225333\1\archive.list" -- "C:\temp\pc_20261124_112502.225333\1\pc_20261124_112502.225333_0_0.0_no_c--users-allen-.zip"
>>"C:\temp\pc_20261124_112502.225333\1\status" echo archive %ERRORLEVEL%
exit /b 0
