/* Attributes and reparse points that Wine's file systems do not have: of files in the cloud, aliases of programs,
 * deduplicated and encrypted files. This is a part of bcryptprimitives.dll, because that is loaded by every program that is
 * written in Rust and by no other. A file is told by its name, wherever it is.
 *
 *   AAM_LAB_ATTRIBUTES   NAME=ATTRIBUTES[:TAG[:ERROR]], separated by ; – the attributes are added to those it has, the tag
 *                        is that of a reparse point, the error is what reading its content ends with
 *   AAM_LAB_NO_POSIX     nothing is deleted or renamed as POSIX has it
 *   AAM_LAB_LETTER       what the letter Q: leads to beforehand, as Windows keeps it: Wine's letters lead to what exists
 */
#include "replace.h"
#include <wchar.h>

struct file {
    const WCHAR *name;
    DWORD attributes, tag, error;
};

static WCHAR text[4096];
static struct file files[64];
static size_t count;

static void read_list(void) {
    WCHAR *at = text;
    DWORD length = GetEnvironmentVariableW(L"AAM_LAB_ATTRIBUTES", text, ARRAYSIZE(text));
    if (!length || length >= ARRAYSIZE(text)) return;
    while (at && *at && count < ARRAYSIZE(files)) {
        WCHAR *next = wcschr(at, L';'), *value = wcschr(at, L'=');
        struct file *file = &files[count];
        if (next) *next++ = 0;
        if (value) {
            *value++ = 0;
            file->name = at;
            file->attributes = wcstoul(value, &value, 0);
            if (*value == L':') file->tag = wcstoul(value + 1, &value, 0);
            if (*value == L':') file->error = wcstoul(value + 1, &value, 0);
            if (file->tag) file->attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
            count++;
        }
        at = next;
    }
}

static const struct file *named(const WCHAR *name, size_t length) {
    size_t i;
    for (i = 0; i < count; i++)
        if (wcslen(files[i].name) == length && !_wcsnicmp(files[i].name, name, length)) return &files[i];
    return NULL;
}

static const struct file *at_path(const WCHAR *path) {
    const WCHAR *end = path + wcslen(path), *name = end;
    while (name > path && name[-1] != L'\\' && name[-1] != L'/') name--;
    return named(name, end - name);
}

static const struct file *of_handle(HANDLE handle) {
    WCHAR path[2048];
    DWORD length = GetFinalPathNameByHandleW(handle, path, ARRAYSIZE(path), VOLUME_NAME_DOS);
    return length && length < ARRAYSIZE(path) ? at_path(path) : NULL;
}

static void mark(WIN32_FIND_DATAW *found) {
    const struct file *file = named(found->cFileName, wcslen(found->cFileName));
    if (!file) return;
    found->dwFileAttributes |= file->attributes;
    if (file->tag) found->dwReserved0 = file->tag;
}

static HANDLE WINAPI find_first(LPCWSTR path, FINDEX_INFO_LEVELS level, LPVOID found, FINDEX_SEARCH_OPS what, LPVOID filter,
                                DWORD flags) {
    HANDLE handle = FindFirstFileExW(path, level, found, what, filter, flags);
    if (handle != INVALID_HANDLE_VALUE) mark(found);
    return handle;
}

static BOOL WINAPI find_next(HANDLE handle, WIN32_FIND_DATAW *found) {
    BOOL is_found = FindNextFileW(handle, found);
    if (is_found) mark(found);
    return is_found;
}

static BOOL WINAPI information(HANDLE handle, BY_HANDLE_FILE_INFORMATION *out) {
    const struct file *file;
    if (!GetFileInformationByHandle(handle, out)) return FALSE;
    if ((file = of_handle(handle))) out->dwFileAttributes |= file->attributes;
    return TRUE;
}

static BOOL WINAPI information_ex(HANDLE handle, FILE_INFO_BY_HANDLE_CLASS class, LPVOID out, DWORD size) {
    const struct file *file;
    if (!GetFileInformationByHandleEx(handle, class, out, size)) return FALSE;
    if (class == FileIdBothDirectoryInfo || class == FileIdBothDirectoryRestartInfo) {
        FILE_ID_BOTH_DIR_INFO *entry = out;
        for (;;) {
            if ((file = named(entry->FileName, entry->FileNameLength / sizeof(WCHAR)))) {
                entry->FileAttributes |= file->attributes;
                if (file->tag) entry->EaSize = file->tag;
            }
            if (!entry->NextEntryOffset) break;
            entry = (FILE_ID_BOTH_DIR_INFO *)((BYTE *)entry + entry->NextEntryOffset);
        }
    } else if (class == FileAttributeTagInfo && (file = of_handle(handle))) {
        ((FILE_ATTRIBUTE_TAG_INFO *)out)->FileAttributes |= file->attributes;
        if (file->tag) ((FILE_ATTRIBUTE_TAG_INFO *)out)->ReparseTag = file->tag;
    } else if (class == FileBasicInfo && (file = of_handle(handle))) {
        ((FILE_BASIC_INFO *)out)->FileAttributes |= file->attributes;
    }
    return TRUE;
}

static BOOL is_refused(const WCHAR *path) {
    const struct file *file = at_path(path);
    if (!file || !file->error) return FALSE;
    SetLastError(file->error);
    return TRUE;
}

static HANDLE WINAPI create(LPCWSTR path, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security, DWORD how, DWORD flags,
                            HANDLE like) {
    if (access & (GENERIC_READ | FILE_READ_DATA) && is_refused(path)) return INVALID_HANDLE_VALUE;
    return CreateFileW(path, access, share, security, how, flags, like);
}

static BOOL WINAPI copy(LPCWSTR from, LPCWSTR to, LPPROGRESS_ROUTINE progress, LPVOID data, LPBOOL cancel, DWORD flags) {
    return !is_refused(from) && CopyFileExW(from, to, progress, data, cancel, flags);
}

/* As exFAT and FAT answer. */
static BOOL WINAPI set_information(HANDLE handle, FILE_INFO_BY_HANDLE_CLASS class, LPVOID in, DWORD size) {
    const int disposition_ex = 21, rename_ex = 22;
    if (class == disposition_ex || class == rename_ex) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return SetFileInformationByHandle(handle, class, in, size);
}

static WCHAR letter[256];

static DWORD WINAPI query_letter(LPCWSTR name, LPWSTR out, DWORD size) {
    if (!letter[0] || _wcsicmp(name, L"Q:") || wcslen(letter) + 2 > size) return QueryDosDeviceW(name, out, size);
    wcscpy(out, letter);
    return (DWORD)wcslen(letter) + 2;
}

static BOOL WINAPI define_letter(DWORD flags, LPCWSTR name, LPCWSTR target) {
    if (!letter[0] || _wcsicmp(name, L"Q:") || !(flags & DDD_REMOVE_DEFINITION)) return DefineDosDeviceW(flags, name, target);
    if ((flags & DDD_EXACT_MATCH_ON_REMOVE) && wcscmp(target, letter)) {
        SetLastError(ERROR_FILE_NOT_FOUND);
        return FALSE;
    }
    letter[0] = 0;
    return TRUE;
}

void ntfs_start(void);

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, void *reserved) {
    (void)library;
    (void)reserved;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    if (GetEnvironmentVariableW(L"AAM_LAB_LETTER", letter, ARRAYSIZE(letter))) {
        replace("QueryDosDeviceW", query_letter);
        replace("DefineDosDeviceW", define_letter);
    }
    ntfs_start();
    if (GetEnvironmentVariableW(L"AAM_LAB_NO_POSIX", NULL, 0)) replace("SetFileInformationByHandle", set_information);
    read_list();
    if (!count) return TRUE;
    replace("FindFirstFileExW", find_first);
    replace("FindNextFileW", find_next);
    replace("GetFileInformationByHandle", information);
    replace("GetFileInformationByHandleEx", information_ex);
    replace("CreateFileW", create);
    replace("CopyFileExW", copy);
    return TRUE;
}
