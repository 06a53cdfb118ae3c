/* Puts a function of ours in place of one that the program imports. What other programs import is not touched. */
#include <windows.h>

static void replace(const char *name, void *by) {
    BYTE *base = (BYTE *)GetModuleHandleW(NULL);
    IMAGE_NT_HEADERS *headers = (IMAGE_NT_HEADERS *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    IMAGE_DATA_DIRECTORY imports = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    IMAGE_IMPORT_DESCRIPTOR *import = (IMAGE_IMPORT_DESCRIPTOR *)(base + imports.VirtualAddress);
    for (; import->Name; import++) {
        IMAGE_THUNK_DATA *named = (IMAGE_THUNK_DATA *)(base + import->OriginalFirstThunk);
        IMAGE_THUNK_DATA *called = (IMAGE_THUNK_DATA *)(base + import->FirstThunk);
        for (; named->u1.AddressOfData; named++, called++) {
            DWORD before;
            if (IMAGE_SNAP_BY_ORDINAL(named->u1.Ordinal)) continue;
            if (strcmp((char *)((IMAGE_IMPORT_BY_NAME *)(base + named->u1.AddressOfData))->Name, name)) continue;
            VirtualProtect(&called->u1.Function, sizeof called->u1.Function, PAGE_READWRITE, &before);
            called->u1.Function = (ULONG_PTR)by;
            VirtualProtect(&called->u1.Function, sizeof called->u1.Function, before, &before);
        }
    }
}
