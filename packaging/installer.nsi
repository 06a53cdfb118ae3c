; The installer for Windows, made by packaging/windows.sh. `/S` installs without a window, `/D=DIR` elsewhere.
; It touches the program's own directory, the search path of the computer and the list of programs: no profiles, no state.
Target amd64-unicode
!ifdef QUICK
SetCompress off
!else
SetCompressor /SOLID lzma
!endif
RequestExecutionLevel admin
Name "AAM Auto Backup ${VERSION}"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\AAM Auto Backup"
InstallDirRegKey HKLM "${PROGRAMS}" "InstallLocation"
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "AAM Auto Backup"
VIAddVersionKey "FileDescription" "Installer of AAM Auto Backup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT OR Apache-2.0"
ManifestSupportedOS Win10
Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

!define PROGRAMS "Software\Microsoft\Windows\CurrentVersion\Uninstall\AAM Auto Backup"
!define ENVIRONMENT "SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
!define HKEY_LOCAL_MACHINE 0x80000002
; Read, write, 64 bits.
!define RIGHTS 0x20107

; The search path may be longer than a variable of this language, and must not be cut off: Windows itself reads and writes it.
; $0 key, $1 size in bytes, $2 type, $3 the path between two semicolons, $4 where it holds ours, $5 scratch.
!macro SearchPath un
Function ${un}OpenPath
    System::Call 'advapi32::RegOpenKeyExW(p ${HKEY_LOCAL_MACHINE}, w "${ENVIRONMENT}", i 0, i ${RIGHTS}, *p .r0) i .r5'
    StrCpy $1 0
    System::Call 'advapi32::RegQueryValueExW(p r0, w "Path", p 0, *i .r2, p 0, *i r1r1) i .r5'
    ${If} $5 <> 0
        StrCpy $1 0
        StrCpy $2 2
    ${EndIf}
    ; Ours, three semicolons, and the end.
    IntOp $5 $1 + 4096
    System::Alloc $5
    Pop $3
    System::Call 'kernel32::lstrcpyW(p r3, w ";")'
    IntPtrOp $5 $3 + 2
    System::Call 'advapi32::RegQueryValueExW(p r0, w "Path", p 0, p 0, p r5, *i r1)'
    System::Call 'kernel32::lstrcatW(p r3, w ";")'
    System::Call 'shlwapi::StrStrIW(p r3, w ";$INSTDIR;") p .r4'
FunctionEnd

; Writes what $3 holds without its first and last semicolon.
Function ${un}WritePath
    System::Call 'kernel32::lstrlenW(p r3) i .r5'
    IntOp $5 $5 - 1
    IntOp $5 $5 * 2
    IntPtrOp $4 $3 + $5
    System::Call '*$4(&i2 0)'
    IntPtrOp $4 $3 + 2
    System::Call 'advapi32::RegSetValueExW(p r0, w "Path", i 0, i r2, p r4, i r5) i .r5'
    ${If} $5 <> 0
        DetailPrint "The search path cannot be written: error $5"
        SetErrorLevel 3
    ${EndIf}
    SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=2000
FunctionEnd

Function ${un}ClosePath
    System::Free $3
    System::Call 'advapi32::RegCloseKey(p r0)'
FunctionEnd
!macroend

!include LogicLib.nsh
!include WinMessages.nsh
!insertmacro SearchPath ""
!insertmacro SearchPath "un."

Section
    SetRegView 64
    SetOutPath "$INSTDIR"
    ; A program that runs can be renamed, not replaced.
    Delete "$INSTDIR\aam-backup.old.exe"
    ClearErrors
    Delete "$INSTDIR\aam-backup.exe"
    ${If} ${Errors}
        Rename "$INSTDIR\aam-backup.exe" "$INSTDIR\aam-backup.old.exe"
        Delete /REBOOTOK "$INSTDIR\aam-backup.old.exe"
    ${EndIf}
    ClearErrors
    File /r "${FROM}/*"
    ${If} ${Errors}
        SetErrorLevel 2
        Abort "The files cannot be written to $INSTDIR."
    ${EndIf}
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKLM "${PROGRAMS}" "DisplayName" "AAM Auto Backup"
    WriteRegStr HKLM "${PROGRAMS}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKLM "${PROGRAMS}" "Publisher" "AAM Auto Backup"
    WriteRegStr HKLM "${PROGRAMS}" "DisplayIcon" "$INSTDIR\aam-backup.exe"
    WriteRegStr HKLM "${PROGRAMS}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKLM "${PROGRAMS}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKLM "${PROGRAMS}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKLM "${PROGRAMS}" "NoModify" 1
    WriteRegDWORD HKLM "${PROGRAMS}" "NoRepair" 1
    Call OpenPath
    ${If} $4 P= 0
        System::Call 'kernel32::lstrcatW(p r3, w "$INSTDIR;")'
        Call WritePath
    ${EndIf}
    Call ClosePath
SectionEnd

Section un.Install
    SetRegView 64
    Call un.OpenPath
    ${If} $4 P<> 0
        ; What stands behind ours moves to its place, the semicolon included.
        StrLen $5 "$INSTDIR;"
        IntOp $5 $5 * 2
        IntPtrOp $5 $4 + $5
        System::Call 'kernel32::lstrlenW(p r5) i .r6'
        IntOp $6 $6 + 1
        IntOp $6 $6 * 2
        System::Call 'ntdll::RtlMoveMemory(p r4, p r5, p r6)'
        Call un.WritePath
    ${EndIf}
    Call un.ClosePath
    DeleteRegKey HKLM "${PROGRAMS}"
    !include "${LIST}"
    Delete "$INSTDIR\aam-backup.old.exe"
    Delete "$INSTDIR\uninstall.exe"
    ; Only if nothing of somebody else's is in it.
    RMDir "$INSTDIR"
SectionEnd
