//! Who may read or change a directory, by its access list (SPEC#security).

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, GetNamedSecurityInfoW, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, DACL_SECURITY_INFORMATION, GetAce, GetTokenInformation,
    LookupAccountSidW, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// An account or group besides SYSTEM, Administrators and the account of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// `BUILTIN\Users`, or the number of an account that this computer does not know.
    pub name: String,
    /// Whether it may add, change or delete something, or give itself that right.
    pub may_change: bool,
}

/// Accounts that may be there: SYSTEM, Administrators, the installer of Windows, and what stands
/// for the owner, who is looked at by himself.
const TRUSTED: [&str; 5] = [
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
    "S-1-3-0",
    "S-1-3-4",
];

/// Everybody, as a number.
const EVERYONE: &str = "S-1-1-0";

/// Rights by which something is changed: to write, append, delete what is in it, set attributes,
/// delete it, change its access list or owner, and the two that hold these.
const CHANGES: u32 = 0x2 | 0x4 | 0x10 | 0x40 | 0x100 | 0x1_0000 | 0x4_0000 | 0x8_0000;
const GENERIC: u32 = 0x1000_0000 | 0x4000_0000;

/// `ACCESS_ALLOWED_ACE_TYPE`, and the same with a condition.
const ALLOWED: [u8; 2] = [0, 9];

/// Who else has access to a directory, or to what is made in it. Nobody if its access list is the
/// one that this program gives to directories of its own.
///
/// # Errors
/// When Windows does not tell.
#[allow(unsafe_code)]
pub fn strangers(directory: &Path) -> io::Result<Vec<Stranger>> {
    let path = super::wide(directory.as_os_str());
    let (mut owner, mut list): (PSID, *mut ACL) = (ptr::null_mut(), ptr::null_mut());
    let mut descriptor = ptr::null_mut();
    let mut found = AccessList {
        own: own_account()?,
        strangers: Vec::new(),
    };
    // SAFETY: the path ends with 0. `owner` and `list` point into the descriptor, which is freed
    // once, after their last use. An entry of an access list begins with the structure of allowed
    // access, if its type says so, and its account follows at the end of that.
    unsafe {
        let code = GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
            &mut owner,
            ptr::null_mut(),
            &mut list,
            ptr::null_mut(),
            &mut descriptor,
        );
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code.cast_signed()));
        }
        // Whoever owns it may change its access list.
        found.add(owner, CHANGES);
        match list.as_ref() {
            // No list at all keeps nobody out.
            None => found.strangers.push(Stranger {
                name: EVERYONE.to_owned(),
                may_change: true,
            }),
            Some(head) => {
                for index in 0..u32::from(head.AceCount) {
                    let mut entry = ptr::null_mut();
                    if GetAce(list, index, &mut entry) == 0 {
                        continue;
                    }
                    let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
                    if ALLOWED.contains(&(*entry).Header.AceType) {
                        let account = (&raw mut (*entry).SidStart).cast();
                        found.add(account, (*entry).Mask);
                    }
                }
            }
        }
        LocalFree(descriptor);
    }
    Ok(found.strangers)
}

/// What is read of an access list.
struct AccessList {
    /// The account of this process.
    own: String,
    strangers: Vec<Stranger>,
}

impl AccessList {
    /// Notes an account unless it may be there.
    ///
    /// # Safety
    /// `account` points to a security identifier.
    #[allow(unsafe_code)]
    unsafe fn add(&mut self, account: PSID, rights: u32) {
        // SAFETY: as the caller says.
        let (number, name) = unsafe { (number_of(account), name_of(account)) };
        if number == self.own || TRUSTED.contains(&number.as_str()) {
            return;
        }
        let name = name.unwrap_or(number);
        let may_change = rights & (CHANGES | GENERIC) != 0;
        match self.strangers.iter_mut().find(|known| known.name == name) {
            Some(known) => known.may_change |= may_change,
            None => self.strangers.push(Stranger { name, may_change }),
        }
    }
}

/// The number of the account that this process runs as.
#[allow(unsafe_code)]
fn own_account() -> io::Result<String> {
    let mut buffer = [0_u64; 64];
    let (mut token, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the token is closed once. What Windows writes into the buffer, which is aligned and as
    // long as said, begins with the structure of this class, whose account points into it.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) == 0 {
            return Err(io::Error::last_os_error());
        }
        let told = GetTokenInformation(
            token,
            TokenUser,
            buffer.as_mut_ptr().cast(),
            size_of_val(&buffer) as u32,
            &mut length,
        );
        let error = io::Error::last_os_error();
        CloseHandle(token);
        match told {
            0 => Err(error),
            _ => Ok(number_of((*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid)),
        }
    }
}

/// `S-1-5-18`.
///
/// # Safety
/// `account` points to a security identifier.
#[allow(unsafe_code)]
unsafe fn number_of(account: PSID) -> String {
    let mut text = ptr::null_mut();
    // SAFETY: as the caller says; the text that Windows allocates is read and freed once.
    unsafe {
        if ConvertSidToStringSidW(account, &mut text) == 0 {
            return String::new();
        }
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        let number = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        number
    }
}

/// `BUILTIN\Users`.
///
/// # Safety
/// `account` points to a security identifier.
#[allow(unsafe_code)]
unsafe fn name_of(account: PSID) -> Option<String> {
    let (mut name, mut domain) = ([0_u16; 256], [0_u16; 256]);
    let (mut name_length, mut domain_length, mut kind) = (256, 256, 0);
    // SAFETY: as the caller says; both buffers are as long as said.
    let told = unsafe {
        LookupAccountSidW(
            ptr::null(),
            account,
            name.as_mut_ptr(),
            &mut name_length,
            domain.as_mut_ptr(),
            &mut domain_length,
            &mut kind,
        )
    };
    let text = |buffer: &[u16], length: u32| {
        String::from_utf16_lossy(&buffer[..buffer.len().min(length as usize)])
    };
    let (name, domain) = (text(&name, name_length), text(&domain, domain_length));
    match (told, domain.as_str()) {
        (0, _) => None,
        (_, "") => Some(name),
        _ => Some(format!("{domain}\\{name}")),
    }
}
