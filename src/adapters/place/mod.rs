//! One directory of a restore's target, and what is set in it: owners, permissions, attributes,
//! times, links (SPEC#restore). On Linux by its handle: no link is followed, whatever is renamed
//! meanwhile.

use std::io;

use crate::model::text::count;

#[cfg(target_os = "linux")]
mod holes;
#[cfg_attr(not(target_os = "linux"), path = "by_path.rs")]
mod linux;

pub use linux::PlaceDirectory;

/// What of entries could not be restored, in counts; and what was restored that a reader should
/// know of.
#[derive(Debug, Default)]
pub struct Lacks {
    pub owners: u64,
    /// Set-id bits that were left out.
    pub set_ids: u64,
    /// Set-id bits and capabilities that were set.
    pub privileges: u64,
    /// Entries with attributes or access lists that were refused, and why the first of them was.
    pub attributes: u64,
    pub attribute_error: Option<io::Error>,
    /// Files that were a name of another, and are a copy of it now.
    pub hard_links: u64,
    /// Files whose holes take room.
    pub holes: u64,
    /// Links, and why the first of them was refused.
    pub links: u64,
    pub link_error: Option<io::Error>,
    /// Links of a system whose links lead nowhere on this one.
    pub foreign_links: u64,
    /// Entries whose creation time was refused.
    pub created: u64,
}

impl Lacks {
    /// What could not be restored because of the system, in words.
    pub fn refused(&self) -> Vec<String> {
        let because = |why: &Option<io::Error>| {
            let why = why.as_ref();
            why.map_or_else(String::new, |why| format!(" ({why})"))
        };
        let all = [
            (
                self.links,
                format!(
                    "{}{}",
                    count(self.links, "symbolic link"),
                    because(&self.link_error)
                ),
            ),
            (
                self.foreign_links,
                format!(
                    "{} of another system",
                    count(self.foreign_links, "symbolic link")
                ),
            ),
            (
                self.created,
                format!("the creation times of {}", count(self.created, "entry")),
            ),
            (
                self.attributes,
                format!(
                    "attributes or access lists of {}{}",
                    count(self.attributes, "entry"),
                    because(&self.attribute_error)
                ),
            ),
            (
                self.hard_links,
                format!("{} (copies instead)", count(self.hard_links, "hard link")),
            ),
            (
                self.holes,
                format!("the holes of {}", count(self.holes, "sparse file")),
            ),
        ];
        let lacking = all.into_iter().filter(|(count, _)| *count > 0);
        lacking.map(|(_, words)| words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_summed_up() {
        assert!(Lacks::default().refused().is_empty());
        let lacks = Lacks {
            links: 2,
            link_error: Some(io::Error::other("no privilege")),
            foreign_links: 1,
            created: 1,
            attributes: 3,
            attribute_error: Some(io::Error::other("read-only")),
            // Not for want of the system.
            owners: 7,
            ..Lacks::default()
        };
        assert_eq!(
            lacks.refused(),
            [
                "2 symbolic links (no privilege)",
                "1 symbolic link of another system",
                "the creation times of 1 entry",
                "attributes or access lists of 3 entries (read-only)",
            ]
        );
    }
}
