@echo off
chcp 65001 >nul
rem Backup 20201221_134337.851361 of main-work-computer, mount 1: C:\temp
rem Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
cd /d "Q:\"
if /i not "%CD%"=="Q:\" exit /b 10

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\windows\system32\robocopy.exe" "Q:\test" "C:\mirror\c\temp\test" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP <nul
>>"C:\work\main-work-computer_20201221_134337.851361\1\status" echo mirror %ERRORLEVEL%

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\windows\system32\robocopy.exe" "Q:\test2" "C:\mirror\c\temp\test2" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP /XF "Q:\test2\~WRL9.tmp" <nul
>>"C:\work\main-work-computer_20201221_134337.851361\1\status" echo mirror %ERRORLEVEL%

rem Archive: exactly the listed files, encrypted, in volumes.
"C:\Program Files\7-Zip\7z.exe" a -tzip -mem=AES256 -mcu=on -mtc=on -mta=on -mx=5 -spd -scsUTF-8 -sccUTF-8 -bsp1 -p -v4000000000b "-i@C:\work\main-work-computer_20201221_134337.851361\1\archive.list" -- "C:\work\main-work-computer_20201221_134337.851361\1\main-work-computer_20201221_134337.851361_0_0.0_no_c--temp-.zip"
>>"C:\work\main-work-computer_20201221_134337.851361\1\status" echo archive %ERRORLEVEL%
exit /b 0
