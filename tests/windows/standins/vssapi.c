/* A stand-in for vssapi.dll, compiled from a header that is not ours: it keeps a journal of what is called with which
 * arguments, in the order of the calls, and fails where a test says so. Wine has no shadow copies and makes no drive
 * letters. So the "shadow copy" is the volume itself, and the letter is a link that the system outside Wine makes: the
 * two functions for letters are replaced in the program that loads this library.
 *
 *   AAM_MOCK_VSS_JOURNAL   file to append to
 *   AAM_MOCK_VSS           faults: CALL=HRESULT or CALL.end=HRESULT (what was begun ends so), CALL.exit=CODE (the process
 *                          ends there), separated by ; – `second` is the call that adds another volume to a set,
 *                          `unsupported` and `unsupported.C` are volumes that have no shadow copies
 *   AAM_MOCK_VSS_WRITERS   NAME:STATE:HRESULT, separated by ;
 *   AAM_MOCK_VSS_LETTER    what the letter leads to beforehand, as Windows keeps it; OLD|NEW: once that was asked for, another
 *                          program has the letter lead to NEW
 *   AAM_STANDIN_LIVE       LINK|DRIVE: the letter's link, and the directory of the volume, outside Wine. LINK|DRIVE|COPY: the
 *                          letter leads to a copy that is made here, which like a shadow copy can be read whatever
 *                          another program has open
 */
#define COBJMACROS
#define CINTERFACE
#include <initguid.h>
#include <windows.h>
#include <vss.h>
#include <vswriter.h>
#include <vsbackup.h>
#include <stdio.h>
#include <stdlib.h>
#include "../replace.h"

/* Of the first volume of a set; the others have the numbers behind it. */
#define DEVICE L"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy7"

static const GUID SET = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}};
static const GUID SNAPSHOT = {0x22222222, 2, 2, {2, 2, 2, 2, 2, 2, 2, 2}};
static const GUID NOTHING;

static void note(const char *format, ...) {
    const char *path = getenv("AAM_MOCK_VSS_JOURNAL");
    FILE *file = path ? fopen(path, "ab") : NULL;
    if (!file) return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
    fclose(file);
}

/* The value after NAME= in a list of them. */
static int setting(const char *name, unsigned *value) {
    const char *at = getenv("AAM_MOCK_VSS");
    size_t length = strlen(name);
    for (; at && *at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL) {
        if (!strncmp(at, name, length) && at[length] == '=') {
            *value = strtoul(at + length + 1, NULL, 0);
            return 1;
        }
    }
    return 0;
}

static HRESULT fault(const char *call) {
    char name[64];
    unsigned value = 0;
    snprintf(name, sizeof name, "%s.exit", call);
    if (setting(name, &value)) TerminateProcess(GetCurrentProcess(), value);
    value = 0;
    setting(call, &value);
    return (HRESULT)value;
}

/* What is waited for. */
typedef struct {
    IVssAsyncVtbl *lpVtbl;
    const char *call;
    int looks;
} Async;

static ULONG STDMETHODCALLTYPE async_release(IVssAsync *this) {
    note("%s: released", ((Async *)this)->call);
    free(this);
    return 0;
}
static HRESULT STDMETHODCALLTYPE async_cancel(IVssAsync *this) {
    note("%s: cancelled", ((Async *)this)->call);
    return S_OK;
}
static HRESULT STDMETHODCALLTYPE async_wait(IVssAsync *this, DWORD milliseconds) {
    (void)this;
    (void)milliseconds;
    return S_OK;
}
/* Once pending, then over. */
static HRESULT STDMETHODCALLTYPE async_status(IVssAsync *this, HRESULT *result, INT *reserved) {
    Async *async = (Async *)this;
    char name[64];
    unsigned value = 0;
    (void)reserved;
    snprintf(name, sizeof name, "%s.end", async->call);
    *result = async->looks++ == 0 ? VSS_S_ASYNC_PENDING : setting(name, &value) ? (HRESULT)value : VSS_S_ASYNC_FINISHED;
    return S_OK;
}
static IVssAsyncVtbl async_table = {NULL, NULL, async_release, async_cancel, async_wait, async_status};

static HRESULT begin(const char *call, IVssAsync **out) {
    Async *async;
    HRESULT failed = fault(call);
    note("%s", call);
    if (failed) return failed;
    async = calloc(1, sizeof *async);
    async->lpVtbl = &async_table;
    async->call = call;
    *out = (IVssAsync *)async;
    return S_OK;
}

#undef THIS
#define THIS IVssBackupComponents *this
#define BEGIN(function, call) \
    static HRESULT STDMETHODCALLTYPE function(THIS, IVssAsync **out) { (void)this; return begin(call, out); }
#define PLAIN(function, call) \
    static HRESULT STDMETHODCALLTYPE function(THIS) { (void)this; note(call); return fault(call); }

static ULONG STDMETHODCALLTYPE release(THIS) { (void)this; note("Release"); return 0; }
static HRESULT STDMETHODCALLTYPE initialize(THIS, BSTR xml) {
    (void)this;
    note("InitializeForBackup(%s)", xml ? "xml" : "null");
    return fault("InitializeForBackup");
}
static HRESULT STDMETHODCALLTYPE set_state(THIS, boolean select, boolean bootable, VSS_BACKUP_TYPE type, boolean partial) {
    (void)this;
    note("SetBackupState(%d, %d, %s, %d)", select, bootable, type == VSS_BT_COPY ? "COPY" : "?", partial);
    return fault("SetBackupState");
}
static HRESULT STDMETHODCALLTYPE set_context(THIS, LONG context) {
    (void)this;
    note("SetContext(%s)", context == VSS_CTX_BACKUP ? "BACKUP" : "?");
    return fault("SetContext");
}
BEGIN(gather_metadata, "GatherWriterMetadata")
BEGIN(prepare, "PrepareForBackup")
BEGIN(do_set, "DoSnapshotSet")
BEGIN(complete, "BackupComplete")
BEGIN(gather_status, "GatherWriterStatus")
PLAIN(free_metadata, "FreeWriterMetadata")
PLAIN(free_status, "FreeWriterStatus")
PLAIN(abort_backup, "AbortBackup")

static HRESULT STDMETHODCALLTYPE is_supported(THIS, VSS_ID provider, VSS_PWSZ volume, WINBOOL *supported) {
    unsigned no = 0;
    char named[] = "unsupported.?";
    (void)this;
    note("IsVolumeSupported(%s, %ls)", IsEqualGUID(&provider, &NOTHING) ? "any" : "?", volume);
    named[sizeof named - 2] = (char)volume[0];
    *supported = !setting("unsupported", &no) && !setting(named, &no);
    return fault("IsVolumeSupported");
}
/* The letters of the volumes of the set. */
static WCHAR volumes[3];
static unsigned added;

static HRESULT STDMETHODCALLTYPE start_set(THIS, VSS_ID *set) {
    (void)this;
    note("StartSnapshotSet");
    *set = SET;
    added = 0;
    return fault("StartSnapshotSet");
}
static HRESULT STDMETHODCALLTYPE add_to_set(THIS, VSS_PWSZ volume, VSS_ID provider, VSS_ID *snapshot) {
    HRESULT failed = added ? fault("second") : S_OK;
    (void)this;
    note("AddToSnapshotSet(%ls, %s)", volume, IsEqualGUID(&provider, &NOTHING) ? "any" : "?");
    if (failed || added == ARRAYSIZE(volumes)) return failed ? failed : E_UNEXPECTED;
    volumes[added] = volume[0];
    *snapshot = SNAPSHOT;
    snapshot->Data1 += added++;
    return fault("AddToSnapshotSet");
}
static HRESULT STDMETHODCALLTYPE delete_snapshots(THIS, VSS_ID id, VSS_OBJECT_TYPE type, WINBOOL force, LONG *deleted,
                                                  VSS_ID *kept) {
    (void)this;
    note("DeleteSnapshots(%s, %s, %d)", IsEqualGUID(&id, &SET) ? "the set" : "?",
         type == VSS_OBJECT_SNAPSHOT_SET ? "SNAPSHOT_SET" : "?", force);
    *deleted = 1;
    *kept = NOTHING;
    return fault("DeleteSnapshots");
}
static HRESULT STDMETHODCALLTYPE properties(THIS, VSS_ID id, VSS_SNAPSHOT_PROP *out) {
    VSS_ID first = id;
    unsigned number = id.Data1 - SNAPSHOT.Data1;
    (void)this;
    first.Data1 = SNAPSHOT.Data1;
    if (!IsEqualGUID(&first, &SNAPSHOT) || number >= added) number = 9;
    note("GetSnapshotProperties(%s)", number == 9 ? "?" : number ? "the second snapshot" : "the snapshot");
    out->m_SnapshotId = id;
    out->m_lSnapshotsCount = (LONG)added;
    out->m_pwszSnapshotDeviceObject = _wcsdup(DEVICE);
    out->m_pwszSnapshotDeviceObject[wcslen(DEVICE) - 1] += (WCHAR)number;
    out->m_eStatus = VSS_SS_CREATED;
    return fault("GetSnapshotProperties");
}

static const char *writer(UINT number) {
    const char *at = getenv("AAM_MOCK_VSS_WRITERS");
    for (; at && *at && number; number--) at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL;
    return at && *at ? at : NULL;
}
static HRESULT STDMETHODCALLTYPE count_writers(THIS, UINT *count) {
    (void)this;
    for (*count = 0; writer(*count);) ++*count;
    return fault("GetWriterStatusCount");
}
static HRESULT STDMETHODCALLTYPE writer_status(THIS, UINT number, VSS_ID *instance, VSS_ID *id, BSTR *name,
                                               VSS_WRITER_STATE *state, HRESULT *failure) {
    WCHAR wide[64] = {0};
    const char *at = writer(number), *end = at ? strchr(at, ':') : NULL;
    char *rest;
    (void)this;
    if (!end) return E_UNEXPECTED;
    MultiByteToWideChar(CP_UTF8, 0, at, (int)(end - at), wide, 63);
    *instance = *id = NOTHING;
    *name = SysAllocString(wide);
    *state = (VSS_WRITER_STATE)strtoul(end + 1, &rest, 0);
    *failure = (HRESULT)strtoul(rest + 1, NULL, 0);
    return fault("GetWriterStatus");
}

static IVssBackupComponentsVtbl table = {
    .Release = release,
    .InitializeForBackup = initialize,
    .SetBackupState = set_state,
    .GatherWriterMetadata = gather_metadata,
    .FreeWriterMetadata = free_metadata,
    .PrepareForBackup = prepare,
    .AbortBackup = abort_backup,
    .GatherWriterStatus = gather_status,
    .GetWriterStatusCount = count_writers,
    .FreeWriterStatus = free_status,
    .GetWriterStatus = writer_status,
    .BackupComplete = complete,
    .SetContext = set_context,
    .StartSnapshotSet = start_set,
    .AddToSnapshotSet = add_to_set,
    .DoSnapshotSet = do_set,
    .DeleteSnapshots = delete_snapshots,
    .GetSnapshotProperties = properties,
    .IsVolumeSupported = is_supported,
};
static IVssBackupComponents components = {&table};

__declspec(dllexport) HRESULT APIENTRY CreateVssBackupComponentsInternal(IVssBackupComponents **out) {
    note("CreateVssBackupComponents");
    *out = &components;
    return fault("CreateVssBackupComponents");
}
__declspec(dllexport) void APIENTRY VssFreeSnapshotPropertiesInternal(VSS_SNAPSHOT_PROP *of) {
    note("VssFreeSnapshotProperties");
    free(of->m_pwszSnapshotDeviceObject);
}

/* Letters. */

/* What the letter leads to, and what it leads to from the next look on. */
static WCHAR letter_target[1024], letter_newer[1024];

static void outside(const char *arguments) {
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    char line[4096];
    snprintf(line, sizeof line, "%s", arguments);
    if (CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &process)) {
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
}

static void wait_until(int there) {
    int looks;
    for (looks = 0; looks < 3000; looks++) {
        if ((GetFileAttributesW(L"Q:\\") != INVALID_FILE_ATTRIBUTES) == there) return;
        Sleep(10);
    }
}

/* The definition that is meant. Windows takes the newest if no exact one is asked for. */
static WCHAR *meant(DWORD flags, LPCWSTR target) {
    static WCHAR raw[1024];
    WCHAR *newest = letter_newer[0] ? letter_newer : letter_target;
    if (!(flags & DDD_EXACT_MATCH_ON_REMOVE)) return newest;
    swprintf(raw, ARRAYSIZE(raw), L"%ls%ls", flags & DDD_RAW_TARGET_PATH ? L"" : L"\\??\\",
             flags & DDD_RAW_TARGET_PATH ? target : target + wcslen(L"\\\\?\\"));
    return !wcscmp(raw, newest) ? newest : !wcscmp(raw, letter_target) ? letter_target : NULL;
}

static BOOL WINAPI define_letter(DWORD flags, LPCWSTR name, LPCWSTR target) {
    WCHAR *removed;
    char link[512], *drive, *copy, line[4096], below[1024] = "", *at;
    unsigned number;
    note("DefineDosDevice(%lu, %ls, %ls)", flags, name, target ? target : L"null");
    if (fault("DefineDosDevice")) {
        SetLastError(ERROR_ACCESS_DENIED);
        return FALSE;
    }
    snprintf(link, sizeof link, "%s", getenv("AAM_STANDIN_LIVE") ? getenv("AAM_STANDIN_LIVE") : "|");
    drive = strchr(link, '|');
    *drive++ = 0;
    if ((copy = strchr(drive, '|'))) *copy++ = 0;
    if (flags & DDD_REMOVE_DEFINITION) {
        if (!(removed = meant(flags, target))) {
            SetLastError(ERROR_FILE_NOT_FOUND);
            return FALSE;
        }
        removed[0] = 0;
        snprintf(line, sizeof line, "Z:\\bin\\rm -f %s", link);
        outside(line);
        wait_until(0);
        return TRUE;
    }
    number = target[wcslen(DEVICE) - 1] - L'7';
    if (wcsncmp(target, DEVICE, wcslen(DEVICE) - 1) || number >= added) return FALSE;
    /* The root of the system around Wine. */
    if (volumes[number] == L'Z') drive = "";
    WideCharToMultiByte(CP_UTF8, 0, target + wcslen(DEVICE), -1, below, sizeof below, NULL, NULL);
    for (at = below; *at; at++) if (*at == '\\') *at = '/';
    swprintf(letter_target, ARRAYSIZE(letter_target), L"\\??\\%ls", target + wcslen(L"\\\\?\\"));
    /* Of a whole drive, the drive itself. */
    if (copy && below[0] && below[1])
        snprintf(line, sizeof line, "Z:\\bin\\sh -c \"rm -rf '%s' && cp -a '%s%s/.' '%s' && ln -sfn '%s' '%s'\"", copy, drive,
                 below, copy, copy, link);
    else
        snprintf(line, sizeof line, "Z:\\bin\\ln -sfn \"%s%s\" %s", drive, below, link);
    outside(line);
    wait_until(1);
    return TRUE;
}

static DWORD WINAPI query_letter(LPCWSTR name, LPWSTR out, DWORD size) {
    static BOOL is_taken_over;
    (void)name;
    if (is_taken_over && letter_newer[0]) {
        wcsncpy(out, letter_newer, size);
        return (DWORD)wcslen(out) + 2;
    }
    is_taken_over = TRUE;
    if (!letter_target[0]) {
        SetLastError(ERROR_FILE_NOT_FOUND);
        return 0;
    }
    wcsncpy(out, letter_target, size);
    return (DWORD)wcslen(out) + 2;
}

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, void *reserved) {
    const char *before = getenv("AAM_MOCK_VSS_LETTER");
    (void)library;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        if (before) {
            WCHAR *newer;
            MultiByteToWideChar(CP_UTF8, 0, before, -1, letter_target, 1024);
            if ((newer = wcschr(letter_target, L'|'))) {
                *newer = 0;
                wcscpy(letter_newer, newer + 1);
            }
        }
        replace("DefineDosDeviceW", define_letter);
        replace("QueryDosDeviceW", query_letter);
    }
    return TRUE;
}
