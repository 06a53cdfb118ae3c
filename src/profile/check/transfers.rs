//! How uploads and downloads use the line.

use super::{Checker, Mistake};
use crate::model::bandwidth::{Bandwidth, CONNECTIONS, Transfers, Window};
use crate::profile::document::TransferSection;

impl Checker<'_> {
    /// `pointer` is that of the section: `/upload`.
    pub(super) fn transfers(&mut self, pointer: &str, section: &TransferSection) -> Transfers {
        let TransferSection { connections, limit } = section;
        let mut windows: Vec<Window> = Vec::new();
        let texts = limit.as_ref().map(|limit| limit.texts());
        for (place, text) in texts.unwrap_or_default() {
            match text.parse() {
                Ok(window) => windows.push(window),
                Err(problem) => {
                    let mistake = Mistake::value(format!("{pointer}/limit{place}"), problem);
                    let hint = "write bytes per second, such as `2MB`, at least 64 kB, or `08:00-18:00 2MB`";
                    self.report(mistake.hint(hint));
                }
            }
        }
        let connections = connections.and_then(|count| usize::try_from(count).ok());
        Transfers {
            connections: connections.unwrap_or(CONNECTIONS),
            limit: Bandwidth::new(windows),
        }
    }
}
