//! `--prices`, of every command that says what something costs.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::place::complain;
use crate::adapters::fs::{MOST_WRITTEN, read_bounded};
use crate::plan::cost::price::Prices;

/// Which prices apply.
#[derive(Debug, Args)]
pub struct PricesArgs {
    /// YAML file with prices that replace the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
}

impl PricesArgs {
    /// Reads the prices. A price file that cannot be read is reported on standard error.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> Result<Prices, Exit> {
        let Some(path) = &self.prices else {
            return Ok(Prices::default());
        };
        let read = read_bounded(path, MOST_WRITTEN).map_err(|e| e.to_string());
        let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(|e| e.to_string()));
        text.and_then(|text| Prices::parse(&text).map_err(|e| e.to_string()))
            .map_err(|why| {
                complain(
                    "error",
                    &format!("the price file '{}': {why}", path.display()),
                    "",
                );
                Exit::Usage
            })
    }
}
