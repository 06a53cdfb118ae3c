//! Options of the upload's forecast, and the facts for it: what was counted, and how fast the line
//! was.

use clap::Args;

use super::MountPreview;
use crate::adapters::state::history::{History, upload_speed};
use crate::cli::Exit;
use crate::cli::prices::PricesArgs;
use crate::model::job::Job;
use crate::model::store::StoreSettings;
use crate::plan::backup::{Facts, Plan};
use crate::plan::cost::forecast::{ASSUMED, Content, Forecast, Speed, SpeedOrigin, UploadLoad};
use crate::plan::cost::price::Prices;

/// How an upload to S3 is forecast.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// Upload speed to S3 in Mbit/s. Default: the speed that the last large upload measured, or
    /// else 20.
    #[arg(long, value_name = "MBIT", allow_negative_numbers = true, value_parser = mbit)]
    pub upload_speed: Option<f64>,
    #[command(flatten)]
    pub prices: PricesArgs,
}

/// From a modem to more than any line.
fn mbit(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(mbit) if (0.01..=1e6).contains(&mbit) => Ok(mbit),
        _ => Err("write a number of Mbit/s, such as 20 or 0.5".to_owned()),
    }
}

/// The options, read.
pub struct UploadTerms {
    given: Option<f64>,
    prices: Prices,
}

impl UploadArgs {
    /// A price file that cannot be read is reported on standard error.
    pub fn terms(&self) -> Result<UploadTerms, Exit> {
        Ok(UploadTerms {
            given: self.upload_speed,
            prices: self.prices.read()?,
        })
    }
}

impl UploadTerms {
    /// What it takes to send the archives to S3; `None` when nothing is sent there, or a mount was
    /// not counted.
    pub fn forecast(
        &self,
        job: &Job,
        plan: &Plan,
        facts: &Facts,
        mounts: &[MountPreview],
    ) -> Option<Forecast> {
        let priced = |store: &StoreSettings| Some((store.name(), store.storage_class()?));
        let (priced, class) = job.stores().find_map(priced)?;
        let (_, store) = facts.stores.iter().find(|(name, _)| *name == priced)?;
        let content = |mount: &MountPreview| Content {
            mount: mount.number,
            bytes: mount.counts.archived_bytes,
            empty: mount.counts.nothing_archived(),
        };
        let load = UploadLoad::of(
            plan,
            priced,
            &mounts.iter().map(content).collect::<Vec<_>>(),
        )?;
        let measured = || upload_speed(&History::of(&job.name).records(), &store.label);
        let speed = self
            .given
            .map(|mbit| Speed {
                mbit,
                known: SpeedOrigin::Given,
            })
            .or_else(|| {
                let (started, mbit) = measured()?;
                Some(Speed {
                    mbit,
                    known: SpeedOrigin::Run { started },
                })
            });
        let speed = speed.unwrap_or(Speed {
            mbit: ASSUMED,
            known: SpeedOrigin::Assumed,
        });
        Some(Forecast::new(
            &store.label,
            class,
            load,
            speed,
            &self.prices,
        ))
    }
}
