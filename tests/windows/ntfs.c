/* What NTFS keeps of a file and Wine's file systems do not: creation times, all attributes, junctions and symbolic links.
 * This is a part of bcryptprimitives.dll, as attributes.c is, and takes its place: either of the two is asked for.
 *
 *   AAM_LAB_NTFS      a directory: a record of each file for which a program set any of this, named by the file's number.
 *                     A link is an empty file or directory with a record. Opening and listing one leads to its target, if that
 *                     is absolute, unless the program says that it wants the link; what lies below a link is not found by it.
 *   AAM_LAB_REFUSED   what is refused, separated by ; - symbolic-links, junctions, attributes, creation-times
 *
 * Also as on Windows: a read-only file cannot be opened for writing (Wine lets root), nor a read-only directory removed.
 */
#include "replace.h"
#include <stdio.h>
#include <wchar.h>
#include <winioctl.h>

#define LONGEST 1024
#define LEFT_TO_US (FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)
/* Wine has no read-only directories. */
#define OF_DIRECTORIES (LEFT_TO_US | FILE_ATTRIBUTE_READONLY)

struct record {
    ULONGLONG created; /* 0: as Wine says */
    DWORD attributes;  /* 0: as Wine says */
    DWORD tag;
    WCHAR target[LONGEST];
};

/* REPARSE_DATA_BUFFER, which MinGW has for drivers only. A symbolic link has its flags before its names. */
struct reparse {
    DWORD tag;
    WORD length, reserved, substitute_at, substitute_length, print_at, print_length;
    WCHAR names[LONGEST * 2];
};

static WCHAR records[LONGEST], refused[LONGEST];

static BOOL is_refused(const WCHAR *what, DWORD error) {
    if (!wcsstr(refused, what)) return FALSE;
    SetLastError(error);
    return TRUE;
}

/* 0: it is not there. */
static ULONGLONG number_of(HANDLE handle) {
    BY_HANDLE_FILE_INFORMATION found;
    if (!GetFileInformationByHandle(handle, &found)) return 0;
    return (ULONGLONG)found.nFileIndexHigh << 32 | found.nFileIndexLow;
}

static ULONGLONG number_at(const WCHAR *path) {
    DWORD error = GetLastError(), flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    HANDLE handle = CreateFileW(path, 0, 7, NULL, OPEN_EXISTING, flags, NULL);
    ULONGLONG number = 0;
    if (handle != INVALID_HANDLE_VALUE) {
        number = number_of(handle);
        CloseHandle(handle);
    }
    SetLastError(error);
    return number;
}

static HANDLE open_record(ULONGLONG number, DWORD access, DWORD how) {
    WCHAR path[LONGEST + 32];
    swprintf(path, ARRAYSIZE(path), L"%ls\\%llx", records, number);
    return CreateFileW(path, access, 7, NULL, how, 0, NULL);
}

static BOOL load(ULONGLONG number, struct record *record) {
    DWORD error = GetLastError(), got = 0;
    HANDLE file = number ? open_record(number, GENERIC_READ, OPEN_EXISTING) : INVALID_HANDLE_VALUE;
    memset(record, 0, sizeof *record);
    if (file != INVALID_HANDLE_VALUE) {
        ReadFile(file, record, sizeof *record, &got, NULL);
        CloseHandle(file);
    }
    SetLastError(error);
    return got == sizeof *record;
}

static void save(ULONGLONG number, const struct record *record) {
    DWORD error = GetLastError(), put;
    HANDLE file = open_record(number, GENERIC_WRITE, CREATE_ALWAYS);
    if (file != INVALID_HANDLE_VALUE) {
        WriteFile(file, record, sizeof *record, &put, NULL);
        CloseHandle(file);
    }
    SetLastError(error);
}

static void forget(ULONGLONG number) {
    WCHAR path[LONGEST + 32];
    DWORD error = GetLastError();
    swprintf(path, ARRAYSIZE(path), L"%ls\\%llx", records, number);
    DeleteFileW(path);
    SetLastError(error);
}

static void apply(const struct record *record, DWORD *attributes, FILETIME *created, DWORD *tag) {
    DWORD ours = *attributes & FILE_ATTRIBUTE_DIRECTORY ? OF_DIRECTORIES : LEFT_TO_US;
    if (record->attributes) *attributes = (*attributes & ~ours) | (record->attributes & ours);
    if (record->tag) *attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    if (record->tag && tag) *tag = record->tag;
    if (record->created && created) {
        created->dwLowDateTime = (DWORD)record->created;
        created->dwHighDateTime = record->created >> 32;
    }
}

/* Where opening a path leads that is a link; the path itself if it is none. */
static const WCHAR *followed(const WCHAR *path, struct record *record) {
    return load(number_at(path), record) && record->tag && record->target[1] == L':' ? record->target : path;
}

/* Searches, with the directories that they are in. */
static struct search {
    HANDLE handle;
    WCHAR directory[LONGEST];
} searches[256];
static SRWLOCK searching = SRWLOCK_INIT;

static void mark(HANDLE handle, WIN32_FIND_DATAW *found) {
    WCHAR path[LONGEST * 2] = L"";
    struct record record;
    size_t i;
    AcquireSRWLockShared(&searching);
    for (i = 0; i < ARRAYSIZE(searches); i++)
        if (searches[i].handle == handle) swprintf(path, ARRAYSIZE(path), L"%ls%ls", searches[i].directory, found->cFileName);
    ReleaseSRWLockShared(&searching);
    if (path[0] && load(number_at(path), &record))
        apply(&record, &found->dwFileAttributes, &found->ftCreationTime, &found->dwReserved0);
}

static HANDLE WINAPI find_first(LPCWSTR path, FINDEX_INFO_LEVELS level, LPVOID found, FINDEX_SEARCH_OPS what, LPVOID filter,
                                DWORD flags) {
    WCHAR directory[LONGEST], pattern[LONGEST * 2];
    const WCHAR *end = path + wcslen(path);
    struct record record;
    HANDLE handle;
    size_t i, length;
    while (end > path && end[-1] != L'\\' && end[-1] != L'/') end--;
    length = end - path;
    if (!length || length >= LONGEST) return FindFirstFileExW(path, level, found, what, filter, flags);
    wcsncpy(directory, path, length - 1);
    directory[length - 1] = 0;
    wcscpy(directory, followed(directory, &record));
    wcscat(directory, L"\\");
    swprintf(pattern, ARRAYSIZE(pattern), L"%ls%ls", directory, end);
    handle = FindFirstFileExW(pattern, level, found, what, filter, flags);
    if (handle == INVALID_HANDLE_VALUE) return handle;
    AcquireSRWLockExclusive(&searching);
    for (i = 0; i < ARRAYSIZE(searches) && searches[i].handle; i++) {}
    if (i < ARRAYSIZE(searches)) {
        searches[i].handle = handle;
        wcscpy(searches[i].directory, directory);
    }
    ReleaseSRWLockExclusive(&searching);
    mark(handle, found);
    return handle;
}

static BOOL WINAPI find_next(HANDLE handle, WIN32_FIND_DATAW *found) {
    BOOL is_found = FindNextFileW(handle, found);
    if (is_found) mark(handle, found);
    return is_found;
}

static BOOL WINAPI find_close(HANDLE handle) {
    size_t i;
    AcquireSRWLockExclusive(&searching);
    for (i = 0; i < ARRAYSIZE(searches); i++)
        if (searches[i].handle == handle) searches[i].handle = NULL;
    ReleaseSRWLockExclusive(&searching);
    return FindClose(handle);
}

static BOOL WINAPI information(HANDLE handle, BY_HANDLE_FILE_INFORMATION *out) {
    struct record record;
    if (!GetFileInformationByHandle(handle, out)) return FALSE;
    if (load(number_of(handle), &record)) apply(&record, &out->dwFileAttributes, &out->ftCreationTime, NULL);
    return TRUE;
}

static BOOL WINAPI information_ex(HANDLE handle, FILE_INFO_BY_HANDLE_CLASS class, LPVOID out, DWORD size) {
    struct record record;
    if (!GetFileInformationByHandleEx(handle, class, out, size)) return FALSE;
    if (class == FileIdBothDirectoryInfo || class == FileIdBothDirectoryRestartInfo) {
        FILE_ID_BOTH_DIR_INFO *entry = out;
        for (;;) {
            if (load(entry->FileId.QuadPart, &record)) {
                apply(&record, &entry->FileAttributes, (FILETIME *)&entry->CreationTime, NULL);
                if (record.tag) entry->EaSize = record.tag;
            }
            if (!entry->NextEntryOffset) break;
            entry = (FILE_ID_BOTH_DIR_INFO *)((BYTE *)entry + entry->NextEntryOffset);
        }
    } else if (class == FileAttributeTagInfo && load(number_of(handle), &record)) {
        FILE_ATTRIBUTE_TAG_INFO *info = out;
        apply(&record, &info->FileAttributes, NULL, &info->ReparseTag);
    } else if (class == FileBasicInfo && load(number_of(handle), &record)) {
        FILE_BASIC_INFO *info = out;
        apply(&record, &info->FileAttributes, (FILETIME *)&info->CreationTime, NULL);
    }
    return TRUE;
}

static BOOL WINAPI set_time(HANDLE handle, const FILETIME *created, const FILETIME *read, const FILETIME *modified) {
    struct record record;
    ULONGLONG number = number_of(handle);
    if (created && is_refused(L"creation-times", ERROR_INVALID_FUNCTION)) return FALSE;
    if (!SetFileTime(handle, NULL, read, modified)) return FALSE;
    if (created) {
        load(number, &record);
        record.created = (ULONGLONG)created->dwHighDateTime << 32 | created->dwLowDateTime;
        save(number, &record);
    }
    return TRUE;
}

static void set_attributes(ULONGLONG number, DWORD attributes) {
    struct record record;
    load(number, &record);
    record.attributes = attributes | FILE_ATTRIBUTE_NORMAL;
    save(number, &record);
}

static BOOL WINAPI set_information(HANDLE handle, FILE_INFO_BY_HANDLE_CLASS class, LPVOID in, DWORD size) {
    FILE_BASIC_INFO *info = in;
    if (class != FileBasicInfo || !info->FileAttributes) return SetFileInformationByHandle(handle, class, in, size);
    if (is_refused(L"attributes", ERROR_NOT_SUPPORTED) || !SetFileInformationByHandle(handle, class, in, size)) return FALSE;
    set_attributes(number_of(handle), info->FileAttributes);
    return TRUE;
}

static BOOL WINAPI set_attributes_at(LPCWSTR path, DWORD attributes) {
    if (!SetFileAttributesW(path, attributes)) return FALSE;
    set_attributes(number_at(path), attributes);
    return TRUE;
}

static HANDLE WINAPI create(LPCWSTR path, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security, DWORD how, DWORD flags,
                            HANDLE like) {
    struct record record;
    DWORD found;
    if (access & (GENERIC_WRITE | FILE_WRITE_DATA) && how != CREATE_NEW) {
        found = GetFileAttributesW(path);
        if (found != INVALID_FILE_ATTRIBUTES && found & FILE_ATTRIBUTE_READONLY && !(found & FILE_ATTRIBUTE_DIRECTORY)) {
            SetLastError(ERROR_ACCESS_DENIED);
            return INVALID_HANDLE_VALUE;
        }
    }
    if (!(flags & FILE_FLAG_OPEN_REPARSE_POINT)) path = followed(path, &record);
    return CreateFileW(path, access, share, security, how, flags, like);
}

static BOOL WINAPI remove_file(LPCWSTR path) {
    ULONGLONG number = number_at(path);
    if (!DeleteFileW(path)) return FALSE;
    forget(number);
    return TRUE;
}

static BOOL WINAPI remove_directory(LPCWSTR path) {
    ULONGLONG number = number_at(path);
    struct record record;
    if (load(number, &record) && record.attributes & FILE_ATTRIBUTE_READONLY) {
        SetLastError(ERROR_ACCESS_DENIED);
        return FALSE;
    }
    if (!RemoveDirectoryW(path)) return FALSE;
    forget(number);
    return TRUE;
}

static void link_at(ULONGLONG number, DWORD tag, const WCHAR *target, size_t length) {
    struct record record;
    load(number, &record);
    record.tag = tag;
    if (length >= LONGEST) length = LONGEST - 1;
    wcsncpy(record.target, target, length);
    record.target[length] = 0;
    save(number, &record);
}

static BOOLEAN WINAPI symbolic_link(LPCWSTR path, LPCWSTR target, DWORD flags) {
    HANDLE file;
    if (is_refused(L"symbolic-links", ERROR_PRIVILEGE_NOT_HELD)) return FALSE;
    if (flags & SYMBOLIC_LINK_FLAG_DIRECTORY) {
        if (!CreateDirectoryW(path, NULL)) return FALSE;
    } else {
        file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
        if (file == INVALID_HANDLE_VALUE) return FALSE;
        CloseHandle(file);
    }
    link_at(number_at(path), IO_REPARSE_TAG_SYMLINK, target, wcslen(target));
    return TRUE;
}

static BOOL WINAPI control(HANDLE handle, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD returned,
                           LPOVERLAPPED overlapped) {
    ULONGLONG number = number_of(handle);
    struct record record;
    if (code == FSCTL_SET_REPARSE_POINT) {
        struct reparse *given = in;
        if (is_refused(L"junctions", ERROR_NOT_SUPPORTED)) return FALSE;
        /* Without what the object manager has before a path. */
        link_at(number, given->tag, given->names + given->substitute_at / 2 + 4, given->substitute_length / 2 - 4);
        return TRUE;
    }
    if (code == FSCTL_GET_REPARSE_POINT && load(number, &record) && record.tag) {
        struct reparse *found = out;
        BOOL is_symbolic = record.tag == IO_REPARSE_TAG_SYMLINK, is_absolute = record.target[1] == L':';
        WCHAR *name = found->names + (is_symbolic ? 2 : 0);
        if (out_size < 20 + sizeof record.target) return FALSE;
        memset(found, 0, 20);
        if (is_symbolic) name[-2] = !is_absolute, name[-1] = 0;
        swprintf(name, LONGEST + 4, L"%ls%ls", is_absolute ? L"\\??\\" : L"", record.target);
        found->tag = record.tag;
        found->substitute_length = (WORD)(wcslen(name) * 2);
        found->length = 12 + found->substitute_length;
        *returned = 8 + found->length;
        return TRUE;
    }
    return DeviceIoControl(handle, code, in, in_size, out, out_size, returned, overlapped);
}

void ntfs_start(void) {
    DWORD length = GetEnvironmentVariableW(L"AAM_LAB_NTFS", records, ARRAYSIZE(records));
    if (!length || length >= ARRAYSIZE(records)) return;
    GetEnvironmentVariableW(L"AAM_LAB_REFUSED", refused, ARRAYSIZE(refused));
    replace("FindFirstFileExW", find_first);
    replace("FindNextFileW", find_next);
    replace("FindClose", find_close);
    replace("GetFileInformationByHandle", information);
    replace("GetFileInformationByHandleEx", information_ex);
    replace("SetFileTime", set_time);
    replace("SetFileInformationByHandle", set_information);
    replace("SetFileAttributesW", set_attributes_at);
    replace("CreateFileW", create);
    replace("DeleteFileW", remove_file);
    replace("RemoveDirectoryW", remove_directory);
    replace("CreateSymbolicLinkW", symbolic_link);
    replace("DeviceIoControl", control);
}
