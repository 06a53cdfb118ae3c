//! What an archive says about its entries.

/// One entry of an archive, as `7z l -slt` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// With `/` between names on every system.
    pub path: String,
    pub is_directory: bool,
    /// A symbolic or hard link.
    pub is_link: bool,
    /// Bytes.
    pub size: u64,
    pub is_encrypted: bool,
    /// Bytes that it takes in the archive, without its header.
    pub packed: u64,
    /// Where its header begins in the archive, all volumes one after the other. Zip only.
    pub offset: Option<u64>,
}
