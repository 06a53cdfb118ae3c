@echo off
chcp 65001 >nul
rem Backup 20201221_134337.851361 of main-work-computer, mount 2: C:\Users\Allen
rem Rendered by aam-backup. The archive key arrives on standard input; exit codes go to the status file.
cd /d "Q:\"
if /i not "%CD%"=="Q:\" exit /b 10

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\windows\system32\robocopy.exe" "Q:\AAM posting\stock linked files" "C:\mirror\c\Users\Allen\AAM posting\stock linked files" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP <nul
>>"C:\work\main-work-computer_20201221_134337.851361\2\status" echo mirror %ERRORLEVEL%

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\windows\system32\robocopy.exe" "Q:\documents\folder1\folder1-2" "C:\mirror\c\Users\Allen\documents\folder1\folder1-2" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP /XF "Q:\documents\folder1\folder1-2\~WRL0001.tmp" "Q:\documents\folder1\folder1-2\deeper\~wrl2.TMP" <nul
>>"C:\work\main-work-computer_20201221_134337.851361\2\status" echo mirror %ERRORLEVEL%

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\windows\system32\robocopy.exe" "Q:\documents\folder1\folder1-4" "C:\mirror\c\Users\Allen\documents\folder1\folder1-4" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP <nul
>>"C:\work\main-work-computer_20201221_134337.851361\2\status" echo mirror %ERRORLEVEL%

rem Mirror: this directory without what is listed after /XD and /XF.
"C:\windows\system32\robocopy.exe" "Q:\documents\folder2" "C:\mirror\c\Users\Allen\documents\folder2" /E /COPY:DAT /DCOPY:DAT /R:2 /W:5 /XJ /XA:O /NP <nul
>>"C:\work\main-work-computer_20201221_134337.851361\2\status" echo mirror %ERRORLEVEL%

rem Archive: exactly the listed files, encrypted, in volumes.
"C:\Program Files\7-Zip\7z.exe" a -tzip -mem=AES256 -mcu=on -mtc=on -mta=on -mx=5 -spd -scsUTF-8 -sccUTF-8 -bsp1 -p -v4000000000b "-i@C:\work\main-work-computer_20201221_134337.851361\2\archive.list" -- "C:\work\main-work-computer_20201221_134337.851361\2\main-work-computer_20201221_134337.851361_0_0.0_no_c--users-allen-.zip"
>>"C:\work\main-work-computer_20201221_134337.851361\2\status" echo archive %ERRORLEVEL%
exit /b 0
