//! `aam-backup check`: is a profile valid?

use serde::Serialize;

use super::{Exit, Global, OutputFormat, output};
use crate::model::job::Job;
use crate::profile::{Diagnostic, Search};

/// Check profiles and report every mistake
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Profiles, by path or by name
    #[arg(required = true, value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// The result for one profile, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Answer {
    profile: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Empty when it is valid.
    diagnostics: Vec<Diagnostic>,
}

impl CheckArgs {
    pub fn run(self, global: &Global) -> Exit {
        let search = Search::new(global.profiles.as_deref());
        let mut answers = Vec::new();
        let mut text = String::new();
        for profile in &self.profiles {
            match search.load(profile) {
                Ok(job) => {
                    text.push_str(&summary(&job));
                    answers.push(Answer {
                        profile: job.profile.display().to_string(),
                        ok: true,
                        name: Some(job.name),
                        diagnostics: Vec::new(),
                    });
                }
                Err(diagnostics) => {
                    if self.format == OutputFormat::Text {
                        output::note(&diagnostics);
                    }
                    let profile = diagnostics
                        .iter()
                        .next()
                        .map_or_else(|| profile.clone(), |d| d.file.clone());
                    answers.push(Answer {
                        profile,
                        ok: false,
                        name: None,
                        diagnostics: diagnostics.into(),
                    });
                }
            }
        }
        let written = match self.format {
            OutputFormat::Text => output::result(text),
            OutputFormat::Json => output::result(format_args!(
                "{:#}\n",
                serde_json::json!({ "profiles": answers })
            )),
        };
        if answers.iter().all(|answer| answer.ok) {
            written
        } else {
            Exit::Usage
        }
    }
}

/// `OK: nightly, 2 sources, mirror, s3`.
fn summary(job: &Job) -> String {
    let mut destinations = Vec::new();
    if let Some(mirror) = &job.mirror {
        destinations.push(format!("mirror {}", mirror.path));
    }
    destinations.extend(
        job.stores()
            .map(|s| format!("{} {}", s.name(), s.address())),
    );
    format!(
        "OK: {}, {}, destinations: {}\n",
        job.name,
        crate::model::text::count(job.sources.len() as u64, "source"),
        destinations.join(", ")
    )
}
