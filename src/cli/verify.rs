//! `verify`: the mirror compared with the source, archives with their markers (SPEC#verify).

use crate::cli::examples;
use chrono::Utc;
use clap::Args;

use super::prices::PricesArgs;
use super::terminal::{Terminal, confirm};
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::credential;
use crate::adapters::store::open::{open_stores, sentence};
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::model::job::{Destination, Job};
use crate::model::path::Family;
use crate::plan::cost::price::Prices;
use crate::plan::restore::estimate::Estimate;
use crate::plan::verify::Sample;
use crate::run::restore::error::RestoreError;
use crate::run::verify::objects::StoreVerification;
use crate::run::verify::{VerifiedPlace, VerifyReport, mirror};

/// Verify that the mirror and the archives are whole.
///
/// Compares the contents of mirror and source, and the archives with the SHA-256 in their markers.
/// Changes nothing and thaws nothing. The exit code is 1 when damage was found.
#[derive(Debug, Args)]
#[command(after_help = examples::VERIFY)]
pub struct VerifyArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// Share of the files and objects to verify, chosen by chance.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    pub sample: f64,
    /// Verify everything.
    #[arg(long, conflicts_with = "sample")]
    pub all: bool,
    /// Choose the sample that another verification chose: the seed that it printed.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Verify this destination only. Can be repeated.
    #[arg(long = "destination", value_enum)]
    pub destinations: Vec<Destination>,
    #[command(flatten)]
    pub prices: PricesArgs,
    /// Agree to the costs of downloads without a prompt.
    #[arg(long)]
    pub yes: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        _ => Err("it must be more than 0 % and at most 100 %, such as 5%".to_owned()),
    }
}

impl VerifyArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        super::with_job(global, &self.profile, |job| {
            if job.family != Family::HOST {
                output::note(super::other_host(job));
                return Exit::Usage;
            }
            super::only_to(job, &self.destinations, |job| {
                credential::withhold_from_programs(&job.secrets);
                self.verify(job, cancel)
            })
        })
    }

    fn verify(&self, job: &Job, cancel: &Cancel) -> Exit {
        let prices = match self.prices.read() {
            Ok(prices) => prices,
            Err(exit) => return exit,
        };
        let events = Events::new(vec![Box::new(Terminal::new(false, true))]);
        let mut report = VerifyReport {
            sample: self.chosen(),
            places: Vec::new(),
        };
        match self.places(job, &prices, &mut report, cancel, &events) {
            Ok(()) => {}
            Err(RestoreError::Interrupted) => return Exit::Interrupted,
            Err(error) => {
                error.report(&events);
                return Exit::of(error.outcome());
            }
        }
        // The live line is gone before the result is shown.
        drop(events);
        let shown = match self.format {
            OutputFormat::Text => output::result(report.to_text()),
            OutputFormat::Json => output::json(&report),
        };
        match report.is_whole() {
            true => shown,
            false => Exit::Failed,
        }
    }

    /// A computer without random numbers verifies the same sample each time; its seed is shown.
    fn chosen(&self) -> Sample {
        let seed = || getrandom::u32().map_or(0, u64::from);
        Sample {
            percent: if self.all { 100.0 } else { self.sample },
            seed: self.seed.unwrap_or_else(seed),
        }
    }

    fn places(
        &self,
        job: &Job,
        prices: &Prices,
        report: &mut VerifyReport,
        cancel: &Cancel,
        events: &Events<'_>,
    ) -> Result<(), RestoreError> {
        let sample = report.sample;
        if let Some(mirror) = &job.mirror {
            let now = Utc::now().into();
            let place = mirror::check(job, &mirror.path, sample, now, cancel)?;
            report.places.push(place);
        }
        let work = job.work_directory.to_native();
        let scratch = tempfile::Builder::new()
            .prefix("aam-verify-")
            .tempdir_in(&work)
            .or_else(|_| tempfile::tempdir());
        let scratch = scratch.map_err(RestoreError::disk("create a directory in", &work))?;
        for (_, label, opened) in open_stores(job, cancel) {
            let store = match opened {
                Ok(store) => store,
                Err(error) => {
                    report.places.push(VerifiedPlace {
                        place: label,
                        failed: Some(sentence(&error)),
                        ..VerifiedPlace::default()
                    });
                    continue;
                }
            };
            let agree = |_: &Estimate| self.yes || confirm("Continue?");
            let verification = StoreVerification {
                store: &*store,
                location: &job.location,
                sample,
                prices,
                agree: &agree,
                scratch: scratch.path(),
                cancel,
                events,
            };
            report.places.push(verification.run()?);
        }
        Ok(())
    }
}
