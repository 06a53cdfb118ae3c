//! What a manifest may know of an entry beyond size and times: links, owners, attributes
//! (SPEC#formats). All of it is optional, and version 1 has none of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// All details of one entry. What is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Where a link leads. Only an entry of kind [`super::EntryKind::Link`] has it.
    pub link: Option<Link>,
    /// The owner. Shared by entries, because most have the owner of the one before.
    pub owner: Option<Arc<Owner>>,
    /// Extended attributes, access lists, security descriptors. Shared as owners are.
    pub attributes: Option<Arc<Attributes>>,
    /// Attribute bits of Windows, of [`WINDOWS_ATTRIBUTES`].
    pub windows: Option<u32>,
    /// The hard-link group: entries of the same number are names of one file.
    pub links: Option<u64>,
    /// CRC-32 of the content, as 7-Zip lists it.
    pub crc: Option<u32>,
    /// The file has holes.
    pub sparse: bool,
    /// It was modified within the granularity of times before the walk: the next backup archives
    /// it again.
    pub racy: bool,
}

/// A link, as it is stored in the file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Link {
    /// The target, as the bytes of the operating system (WTF-8 on Windows).
    pub target: ByteBuf,
    pub kind: LinkKind,
}

/// What kind of link. Windows tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    Symbolic,
    /// A symbolic link to a directory, on Windows.
    Directory,
    Junction,
}

/// The owner of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
    /// Names, where the system knew them. Another computer may use other numbers for them.
    pub user: Option<String>,
    pub group: Option<String>,
}

/// Attributes by name, such as `xattr.user.comment` and `windows.security`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub Vec<Attribute>);

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attribute {
    pub name: ByteBuf,
    pub value: ByteBuf,
}

/// Attribute bits of Windows that are backed up and restored: read-only, hidden, system, archive,
/// and not content indexed. The others say how a file system keeps a file (compressed, encrypted,
/// sparse, in the cloud), which is for the one that it is restored to to say.
#[cfg(windows)]
pub const WINDOWS_ATTRIBUTES: u32 = 0x1 | 0x2 | 0x4 | 0x20 | 0x2000;

/// Attributes of Linux that are backed up and restored: those of users, access lists, and
/// capabilities. Others belong to the system that made them.
#[cfg(unix)]
pub fn is_restored(name: &[u8]) -> bool {
    name.starts_with(b"user.") || ROOTS.contains(&name)
}

#[cfg(unix)]
const ROOTS: [&[u8]; 3] = [
    b"security.capability",
    b"system.posix_acl_access",
    b"system.posix_acl_default",
];
