//! The restores of v1.0 as commands of today (SPEC#import).

/// What v1.0 called its restores, and what they are called now.
const RESTORES: [(&str, &str); 5] = [
    ("one-step-aws-data-restoration", "restore"),
    (
        "restore-to-aws-s3-from-aws-s3-glacier-deep-archive",
        "restore request",
    ),
    ("check-aws-s3-restoration-status", "restore status"),
    ("download-to-local-computer-from-aws-s3", "restore download"),
    ("decompress-all-downloaded-backup-files", "restore extract"),
];

/// The command of today, if the words are those of a restore of v1.0: with all that they say, but
/// for the secrets among them. Fewer words than v1.0 took give the mere command.
pub fn command(words: &[String]) -> Option<String> {
    let (at, now) = words.iter().enumerate().find_map(|(at, word)| {
        let (_, now) = RESTORES.iter().find(|(v1, _)| v1 == word)?;
        Some((at, *now))
    })?;
    let mut command = format!("aam-backup {now}");
    let mut option = |name: &str, value: &str| {
        let quote = if value.contains([' ', '&', '^', '(', ')', ',', ';', '=', '\'']) {
            "\""
        } else {
            ""
        };
        // A backslash before the quote would take it.
        let value = match quote {
            "" => value,
            _ => value.trim_end_matches('\\'),
        };
        command += &format!(" --{name} {quote}{value}{quote}");
    };
    let Some(
        [
            log,
            mails,
            _,
            from,
            to,
            days,
            _,
            bucket,
            location,
            _,
            _,
            target,
        ],
    ) = words.get(at + 1..at + 13)
    else {
        return Some(command);
    };
    option("bucket", bucket);
    option("region", "REGION");
    option("location", location);
    option("keep-days", days);
    option("to", target);
    if now == "restore" {
        option("log-directory", log);
        if mails == "True" {
            option("email-from", from);
            option("email-to", to);
            option("email-region", "REGION");
        }
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_restore_of_v1_has_a_command() {
        let words = |first: &str| -> Vec<String> {
            let rest = [
                r"D:\aws logs",
                "True",
                "Report",
                "a@example.com",
                "b@example.com",
                "2",
                "hunter2-key",
                "aam-data-backup",
                "main-work-computer",
                "AKIAHUNTER2",
                "hunter2/secret",
                r"D:\my restored\",
            ];
            let all = ["py", "x.py", first].into_iter().chain(rest);
            all.map(str::to_owned).collect()
        };
        let common = "--bucket aam-data-backup --region REGION --location main-work-computer \
                      --keep-days 2 --to \"D:\\my restored\"";
        for (v1, now) in RESTORES {
            let found = command(&words(v1)).unwrap();
            assert!(
                found.starts_with(&format!("aam-backup {now} {common}")),
                "{found}"
            );
            let has_more = found.ends_with(
                " --log-directory \"D:\\aws logs\" --email-from a@example.com \
                 --email-to b@example.com --email-region REGION",
            );
            assert_eq!(has_more, now == "restore", "{found}");
            assert!(!found.to_lowercase().contains("hunter2"), "{found}");
        }
        let short = words("check-aws-s3-restoration-status")[..9].to_vec();
        assert_eq!(command(&short).unwrap(), "aam-backup restore status");
        assert_eq!(command(&words("regular-backup")), None);
    }
}
