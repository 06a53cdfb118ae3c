//! A report without the names of files, directories and stores, for places outside of the computer
//! (SPEC#notifications).

use super::{Counts, INCOMPLETE, Report, Row};
use crate::model::policy::DetailLevel;
use crate::model::text;

/// The facts that name nothing but the computer's location.
const COUNTED: [&str; 6] = [
    "Location",
    "Selected",
    "Archived",
    "Deleted from the mirror",
    "Different in the mirror",
    "Skipped",
];

impl Report {
    /// The report with as much as may be said.
    pub fn with(&self, details: DetailLevel, counts: &Counts) -> Report {
        match details {
            DetailLevel::Paths => self.clone(),
            DetailLevel::Counts => self.counts_only(counts),
        }
    }

    fn counts_only(&self, counts: &Counts) -> Report {
        let facts = self.facts.iter();
        let facts = facts.filter(|(name, _)| COUNTED.contains(&name.as_str()));
        let row = |(at, row): (usize, &Row)| Row {
            name: (at + 1).to_string(),
            state: match row.complete {
                true => row.state.clone(),
                false => INCOMPLETE.to_owned(),
            },
            ..row.clone()
        };
        let problems = u64::try_from(counts.problems.len()).unwrap_or(u64::MAX);
        let counted = match problems {
            0 => None,
            _ => Some(format!("{}: see the log", text::count(problems, "problem"))),
        };
        Report {
            title: self.title.clone(),
            facts: facts.cloned().collect(),
            destinations: self.destinations.iter().enumerate().map(row).collect(),
            problems: counted.into_iter().collect(),
            more: self.more.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_no_path() {
        let report = Report {
            title: "WARNING, full backup!".to_owned(),
            facts: vec![
                ("Selected".to_owned(), "3 files, 9 bytes".to_owned()),
                ("Before this run".to_owned(), "/secret/log".to_owned()),
            ],
            destinations: vec![Row {
                name: "mirror /secret/mirror".to_owned(),
                state: format!("{INCOMPLETE}: it lacks '/secret/source'"),
                complete: false,
                sent: String::new(),
            }],
            problems: vec!["error: /secret/file".to_owned()],
            more: "See the log.".to_owned(),
        };
        let counts = Counts {
            problems: report.problems.clone(),
            ..Counts::default()
        };
        assert_eq!(
            report.with(DetailLevel::Counts, &counts).text(),
            "Selected: 3 files, 9 bytes\n\
             Destination: 1: does NOT have all of this backup\n\
             1 problem: see the log\n\
             See the log."
        );
        assert_eq!(report.with(DetailLevel::Paths, &counts), report);
    }
}
