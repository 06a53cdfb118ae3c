//! Costs of stores, for given prices and sizes.

use super::*;

const GB: u64 = 1_000_000_000;

fn forecast(class: StorageClass, bytes: u64, mbit: f64) -> Forecast {
    let mut load = UploadLoad::default();
    load.add(
        &Content {
            mount: 1,
            bytes,
            empty: false,
        },
        4 * GB,
        Transfer::Spool,
    );
    Forecast::new(
        "s3://b",
        class,
        load,
        Speed {
            mbit,
            known: SpeedOrigin::Given,
        },
        &Prices::default(),
    )
}

/// The figures published for v1.0: what a terabyte costs. Each of 250 volumes takes 239
/// parts; another one has what an archive has besides its files.
#[test]
fn a_terabyte_costs() {
    for (class, days, storage, requests) in [
        (StorageClass::DeepArchive, 180, "5.94", "0.31"),
        (StorageClass::Glacier, 90, "10.80", "0.31"),
        (StorageClass::GlacierIr, 90, "12.00", "1.21"),
        (StorageClass::StandardIa, 30, "12.50", "0.61"),
        (StorageClass::OnezoneIa, 30, "10.00", "0.61"),
        (StorageClass::IntelligentTiering, 30, "23.00", "0.30"),
        (StorageClass::Standard, 30, "23.00", "0.30"),
    ] {
        let found = forecast(class, 1000 * GB, 20.0);
        assert_eq!(
            (found.days, found.load.volumes, found.load.more),
            (days, 251, 250 * 241),
            "{class}"
        );
        let dollars = found.dollars;
        assert_eq!(
            [dollars.storage, dollars.requests].map(|d| format!("{d:.2}")),
            [storage, requests],
            "{class}"
        );
        assert_eq!(dollars.total, dollars.storage + dollars.requests);
    }
}

#[test]
fn the_page_shows_what_it_says() {
    let mut forecast = forecast(StorageClass::DeepArchive, 1000 * GB, ASSUMED);
    forecast.speed.known = SpeedOrigin::Assumed;
    forecast.store = "s3://my-backups".to_owned();
    let text = forecast.to_text();
    assert!(
        include_str!("../../../../docs/how-it-decides.md")
            .contains(&format!("```text\n{text}\n```")),
        "{text}"
    );
}

/// A measurement of v1.0.
#[test]
fn twenty_gigabytes_take() {
    let seconds = [1, 4, 20].map(|n| forecast(StorageClass::DeepArchive, n * GB, 20.9).seconds);
    assert_eq!(seconds, [383, 1532, 7656]);
    for (seconds, shown) in [
        (0, "less than a minute"),
        (60, "less than a minute"),
        (383, "about 7 min"),
        (1532, "about 26 min"),
        (3600, "about 1 h"),
        (7656, "about 2 h 10 min"),
        (400_000, "about 4 days 16 h"),
        (29 * 86_400, "about 29 days"),
        (40 * 86_400 + 1, "about 41 days"),
        (u64::MAX, "about 213503982334602 days"),
    ] {
        assert_eq!(readable(seconds), shown, "{seconds}");
    }
}

#[test]
fn volumes_and_requests() {
    for (bytes, empty, volumes, more) in [
        (0, true, 0, 0),
        (0, false, 1, 0),
        (1, false, 1, 0),
        (99_999_999, false, 1, 8),
        (100_000_000, false, 2, 8),
        (250_000_000, false, 3, 8 + 8 + 5),
    ] {
        let mut load = UploadLoad::default();
        load.add(
            &Content {
                mount: 1,
                bytes,
                empty,
            },
            100_000_000,
            Transfer::Spool,
        );
        let expected = UploadLoad {
            bytes,
            volumes,
            pending: 0,
            index: 2,
            more,
        };
        assert_eq!(load, expected, "{bytes}");
        load.owe(3, 90_000_000);
        let expected = UploadLoad {
            bytes: bytes + 90_000_000,
            pending: 3,
            more: more + 3 * 4,
            ..expected
        };
        assert_eq!(load, expected, "{bytes}");
    }
}

#[test]
fn what_an_upload_costs_later() {
    let load = UploadLoad {
        bytes: 1_000_000_000_000,
        volumes: 1000,
        ..UploadLoad::default()
    };
    let prices = Prices::default();
    let bill = |class| LaterBill::of(class, &load, &prices);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let deep = bill(StorageClass::DeepArchive);
    // 1000 GB: thawed in bulk for 2.50 and 0.025, read for 0.0004, sent for 90.
    assert!(
        near(deep.month, 0.99) && near(deep.restore, 92.5254),
        "{deep:?}"
    );
    let standard = bill(StorageClass::Standard);
    assert!(
        near(standard.month, 23.0) && near(standard.restore, 90.0004),
        "{standard:?}"
    );
}

/// Volumes that are sent while they are made have parts, even small ones.
#[test]
fn every_streamed_volume_is_begun() {
    for (bytes, more) in [
        (0, 3),
        (1, 3),
        (100_000_000, 8 + 3),
        (250_000_000, 8 + 8 + 5),
    ] {
        let (mut load, empty) = (UploadLoad::default(), false);
        let content = Content {
            mount: 1,
            bytes,
            empty,
        };
        load.add(&content, 100_000_000, Transfer::Stream);
        assert_eq!(load.more, more, "{bytes}");
    }
}
