//! `aam-backup check`: is a profile valid?

use schemars::JsonSchema;
use serde::Serialize;

use super::{Exit, Global, OutputFormat, examples, output};
use crate::model::job::Job;
use crate::profile::{Diagnostic, Search};

/// Check profiles and report every mistake
#[derive(Debug, clap::Args)]
#[command(after_help = examples::CHECK)]
pub struct CheckArgs {
    /// Profiles, by path or by name
    #[arg(required = true, value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// The results of `check`, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct ProfilesAnswer {
    /// In the order of the command line.
    profiles: Vec<CheckedProfile>,
}

/// The result for one profile.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct CheckedProfile {
    /// Path of its file.
    profile: String,
    /// Whether it is valid.
    ok: bool,
    /// Its name, if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Empty when it is valid.
    diagnostics: Vec<Diagnostic>,
}

impl CheckArgs {
    pub fn run(self, global: &Global) -> Exit {
        let search = Search::new(global.profiles.as_deref());
        let mut profiles = Vec::new();
        let mut text = String::new();
        for profile in &self.profiles {
            match search.load(profile) {
                Ok(job) => {
                    text.push_str(&summary(&job));
                    profiles.push(CheckedProfile {
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
                    profiles.push(CheckedProfile {
                        profile,
                        ok: false,
                        name: None,
                        diagnostics: diagnostics.into(),
                    });
                }
            }
        }
        let answer = ProfilesAnswer { profiles };
        let written = match self.format {
            OutputFormat::Text => output::result(text),
            OutputFormat::Json => output::json(&answer),
        };
        if answer.profiles.iter().all(|profile| profile.ok) {
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
