//! What it costs to keep objects at Amazon, to send them there and to bring archived ones back: one
//! table of prices with their date (SPEC#cost). Pure.

use serde::{Deserialize, Serialize};

use crate::model::policy::{StorageClass, Tier};

/// Prices in US dollars. A file can replace any of them (`--prices`); a GB is 1,000,000,000 bytes,
/// which is a little less than Amazon's, so estimates tend to be too high.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Prices {
    /// When these prices were looked up.
    pub date: String,
    /// Where.
    pub source: String,
    /// For which region.
    pub region: String,
    pub bulk: TierPrice,
    pub standard: TierPrice,
    /// Per GB that leaves Amazon.
    pub transfer_per_gb: f64,
    /// Per GB and month for the thawed copy.
    pub copy_per_gb_month: f64,
    /// Per 1000 GET requests.
    pub get_per_thousand: f64,
    pub classes: ClassPrices,
}

/// Thawing from Deep Archive, which is the slower and more expensive of the two archive classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TierPrice {
    pub per_gb: f64,
    pub per_thousand_requests: f64,
    /// When the last object is there at the latest.
    pub hours: u32,
}

/// Those of every storage class that a profile may name; a price file replaces a class as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields, default)]
pub struct ClassPrices {
    pub standard: ClassPrice,
    pub standard_ia: ClassPrice,
    pub onezone_ia: ClassPrice,
    pub intelligent_tiering: ClassPrice,
    pub glacier_ir: ClassPrice,
    pub glacier: ClassPrice,
    pub deep_archive: ClassPrice,
}

/// Sending objects to a storage class and keeping them there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClassPrice {
    pub per_gb_month: f64,
    /// Per 1000 PUT, COPY, POST and LIST requests.
    pub put_per_thousand: f64,
    /// Days that are charged even if an object is deleted earlier.
    pub minimum_days: u32,
}

impl Default for ClassPrices {
    fn default() -> ClassPrices {
        let price = |per_gb_month, put_per_thousand, minimum_days| ClassPrice {
            per_gb_month,
            put_per_thousand,
            minimum_days,
        };
        // A GB and the days as in tables of May 2026, Intelligent-Tiering (its most expensive tier,
        // in which objects begin) as in Amazon's price list of October 2025. Requests are older:
        // STANDARD as in that list, DEEP_ARCHIVE as of July 2024; the others are what Amazon has
        // asked since November 2021, without a later table at hand.
        ClassPrices {
            standard: price(0.023, 0.005, 0),
            standard_ia: price(0.0125, 0.01, 30),
            onezone_ia: price(0.01, 0.01, 30),
            intelligent_tiering: price(0.023, 0.005, 0),
            glacier_ir: price(0.004, 0.02, 90),
            glacier: price(0.0036, 0.03, 90),
            deep_archive: price(0.00099, 0.05, 180),
        }
    }
}

impl Default for Prices {
    fn default() -> Prices {
        Prices {
            // Retrieval, hours and storage as in tables of that month, the same as in 2020. Not in
            // those tables: the requests (the same in March 2023) and the transfer (of October
            // 2020; since then 100 GB a month are free).
            date: "2026-06".to_owned(),
            source: "aws.amazon.com/s3/pricing".to_owned(),
            region: "us-east-1".to_owned(),
            bulk: TierPrice {
                per_gb: 0.0025,
                per_thousand_requests: 0.025,
                hours: 48,
            },
            standard: TierPrice {
                per_gb: 0.02,
                per_thousand_requests: 0.10,
                hours: 12,
            },
            transfer_per_gb: 0.09,
            copy_per_gb_month: 0.023,
            get_per_thousand: 0.0004,
            classes: ClassPrices::default(),
        }
    }
}

/// A price file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the prices cannot be read: {0}")]
pub struct PricesError(String);

impl Prices {
    /// Reads a price file: YAML with any of the table's keys; what it leaves out stays as built in.
    ///
    /// # Errors
    /// When it is something else, or holds a price that is not a number.
    pub fn parse(text: &str) -> Result<Prices, PricesError> {
        let prices: Prices =
            serde_saphyr::from_str(text).map_err(|e| PricesError(e.to_string()))?;
        let all = [
            prices.bulk.per_gb,
            prices.bulk.per_thousand_requests,
            prices.standard.per_gb,
            prices.standard.per_thousand_requests,
            prices.transfer_per_gb,
            prices.copy_per_gb_month,
            prices.get_per_thousand,
        ];
        let classes = prices.classes.all();
        let classes = classes
            .iter()
            .flat_map(|class| [class.per_gb_month, class.put_per_thousand]);
        match all
            .into_iter()
            .chain(classes)
            .all(|price| price.is_finite() && price >= 0.0)
        {
            true => Ok(prices),
            false => Err(PricesError(
                "a price is negative or not a number".to_owned(),
            )),
        }
    }

    /// Those of one tier.
    pub fn of(&self, tier: Tier) -> &TierPrice {
        match tier {
            Tier::Bulk => &self.bulk,
            Tier::Standard => &self.standard,
        }
    }

    /// Date and source, for people.
    pub fn origin(&self) -> String {
        format!("{} ({})", self.date, self.source)
    }
}

impl ClassPrices {
    /// Those of one class.
    pub fn of(&self, class: StorageClass) -> &ClassPrice {
        match class {
            StorageClass::Standard => &self.standard,
            StorageClass::StandardIa => &self.standard_ia,
            StorageClass::OnezoneIa => &self.onezone_ia,
            StorageClass::IntelligentTiering => &self.intelligent_tiering,
            StorageClass::GlacierIr => &self.glacier_ir,
            StorageClass::Glacier => &self.glacier,
            StorageClass::DeepArchive => &self.deep_archive,
        }
    }

    fn all(&self) -> [&ClassPrice; 7] {
        let ClassPrices {
            standard,
            standard_ia,
            onezone_ia,
            intelligent_tiering,
            glacier_ir,
            glacier,
            deep_archive,
        } = self;
        [
            standard,
            standard_ia,
            onezone_ia,
            intelligent_tiering,
            glacier_ir,
            glacier,
            deep_archive,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_what_it_names() {
        let prices = Prices::parse("date: 2026-11-01\ntransfer-per-gb: 0.05\n").unwrap();
        assert_eq!(
            (prices.date.as_str(), prices.transfer_per_gb),
            ("2026-11-01", 0.05)
        );
        assert_eq!(prices.bulk, Prices::default().bulk);
        let class =
            "classes: {GLACIER: {per-gb-month: 0.005, put-per-thousand: 0.04, minimum-days: 90}}";
        let prices = Prices::parse(class).unwrap().classes;
        assert_eq!(prices.of(StorageClass::Glacier).per_gb_month, 0.005);
        assert_eq!(
            prices.of(StorageClass::DeepArchive),
            &ClassPrices::default().deep_archive
        );
        for bad in [
            "transfer: 1",
            "transfer-per-gb: -1",
            "transfer-per-gb: .nan",
            "[]",
            &class.replace("0.005", "-1"),
        ] {
            assert!(Prices::parse(bad).is_err(), "{bad}");
        }
    }
}
