//! Options of thawing, and the question whether the user agrees to its costs.

use std::time::Duration;

use clap::Args;

use crate::cli::place::PlaceArgs;
use crate::cli::prices::PricesArgs;
use crate::cli::terminal::confirm;
use crate::cli::{Exit, Global};
use crate::model::cancel::Cancel;
use crate::model::policy::Tier;
use crate::plan::cost::price::Prices;
use crate::plan::restore::estimate::Estimate;
use crate::run::restore::clock::SystemClock;
use crate::run::restore::origin::RestoreOrigin;
use crate::run::restore::tools::ThawPolicy;

/// How archived objects (Glacier, Deep Archive) are brought back.
#[derive(Debug, Args)]
pub struct ThawArgs {
    /// Retrieval tier of archived objects. Default: the tier in the profile, or bulk.
    #[arg(long, value_enum)]
    pub tier: Option<Tier>,
    /// Days that thawed objects stay readable. Default: as in the profile, or 2.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=365))]
    pub keep_days: Option<u32>,
    /// How often to ask whether objects are thawed. Default: as in the profile, or 30m.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub poll_every: Option<Duration>,
    #[command(flatten)]
    pub prices: PricesArgs,
    /// Agree to the costs without a prompt.
    #[arg(long)]
    pub yes: bool,
}

/// A zero span is refused, because each request costs money.
fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if span.is_zero() => Err("it must be longer than zero".to_owned()),
        parsed => parsed.map_err(|e| e.to_string()),
    }
}

/// The options with the profile's values and the defaults.
pub struct ThawTerms {
    pub tier: Tier,
    pub keep_days: u32,
    pub poll_every: Duration,
    pub prices: Prices,
}

impl ThawTerms {
    /// The policy of thawing with these options, by the real clock. `agree` asks the user.
    pub fn policy<'a>(&'a self, agree: &'a (dyn Fn(&Estimate) -> bool + Sync)) -> ThawPolicy<'a> {
        let ThawTerms {
            tier,
            keep_days,
            poll_every,
            prices,
        } = self;
        ThawPolicy {
            keep_days: *keep_days,
            tier: *tier,
            poll_every: *poll_every,
            prices,
            clock: &SystemClock,
            agree,
        }
    }
}

impl ThawArgs {
    /// Opens the stores and settles the terms. Mistakes are reported on standard error.
    pub fn open(
        &self,
        place: &PlaceArgs,
        global: &Global,
        cancel: &Cancel,
    ) -> Result<(RestoreOrigin, ThawTerms), Exit> {
        let origin = place.open(global, cancel)?;
        let terms = self.terms(&origin)?;
        Ok((origin, terms))
    }

    /// The terms. A price file that cannot be read is reported on standard error.
    fn terms(&self, origin: &RestoreOrigin) -> Result<ThawTerms, Exit> {
        let policy = origin.job.as_ref().map(|job| &job.restore);
        Ok(ThawTerms {
            tier: self.tier.or(policy.map(|p| p.tier)).unwrap_or_default(),
            keep_days: self.keep_days.or(policy.map(|p| p.keep_days)).unwrap_or(2),
            poll_every: self
                .poll_every
                .or(policy.map(|p| p.poll_every))
                .unwrap_or(Duration::from_secs(30 * 60)),
            prices: self.prices.read()?,
        })
    }

    /// Asks on the terminal, where the estimate was printed just before.
    pub fn agree(&self, _: &Estimate) -> bool {
        self.yes || confirm("Continue?")
    }
}
