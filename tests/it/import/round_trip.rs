//! Whatever v1.0 was told, the checked job says the same.

use std::path::Path;

use aam_auto_backup::parts::Exclusion;
use aam_auto_backup::parts::FullPath;
use aam_auto_backup::parts::Variables;
use aam_auto_backup::parts::Zone;
use aam_auto_backup::parts::import::import;
use aam_auto_backup::parts::profile;
use aam_auto_backup::parts::{Arguments, Choices, CommandLine};
use aam_auto_backup::parts::{ExtraFiles, ForceFull, Reference};
use aam_auto_backup::parts::{Job, MountPoint};
use proptest::collection::vec;
use proptest::prelude::*;

use super::quoted;

/// A name that Windows can have and no rule of batch files spares.
const NAME: &str =
    "[A-Za-z0-9é&%^()'#,;=@!+~\\[\\]{}][A-Za-z0-9 é&%^()'#,;=@!+~]{0,8}[A-Za-z0-9é&%^()'#=!]";

fn path(drive: &'static str) -> impl Strategy<Value = String> {
    vec(NAME, 1..4).prop_map(move |names| format!("{drive}:\\{}", names.join("\\")))
}

#[derive(Debug, Clone)]
struct Old {
    words: Vec<String>,
    sources: Vec<String>,
    directories: Vec<String>,
    files: Vec<String>,
}

fn word(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(choices).prop_map(str::to_owned)
}

fn secret() -> impl Strategy<Value = String> {
    "[!#-~][ !#-~]{6,30}[!#-~]"
}

prop_compose! {
    fn old()(
        mode in word(&["regular-backup", "incremental-only-backup"]),
        (retry, total) in (1_u32..100_000, 0_u32..1_000_000),
        log in path("E"),
        (email, from_name) in (word(&["True", "False"]), "[A-Za-z0-9é&%^ ]{0,12}"),
        (drive, destinations) in ("[q-z]", word(&["local", "AWS", "local|AWS", "AWS|local"])),
        (mirror, extra) in (path("F"), word(&["keep", "delete", "True", "False"])),
        (bucket, location) in ("[a-z0-9]{3,20}", "[a-z0-9][a-z0-9.-]{0,20}"),
        (key, id, access) in (secret(), secret(), secret()),
        (force, automatic) in (word(&["yes", "no"]), word(&["yes", "no"])),
        sources in vec(path("C"), 1..5),
        names in vec("[a-zé*?~][a-z*?~. ]{0,5}[a-z*?~]", 0..4),
        below in vec(NAME, 0..3),
        files in vec("[a-zé*?~&%^][a-z*?~. ]{0,5}[a-z*?~]", 0..4),
    ) -> Old {
        let mut sources: Vec<String> = sources;
        sources.sort_by_key(|source| source.to_lowercase());
        sources.dedup_by_key(|source| source.to_lowercase());
        let directories = names.into_iter().chain(below.iter().map(|name| format!("{}\\{name}", sources[0]))).collect();
        let words = [
            &mode, "user", "python.exe", &retry.to_string(), &total.to_string(), &log, &email, &from_name, "a@example.com",
            "b@example.com", "i.txt", &drive, &destinations, &mirror, &extra, &key, &bucket, &location, &id, &access, &force,
            &automatic,
        ];
        Old { words: words.map(str::to_owned).to_vec(), sources, directories, files }
    }
}

impl Old {
    fn batch(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        format!(
            "@echo off\r\ncd \"C:\\x\"\r\npy \"AAM Auto Backup.py\" {} >nul\r\npause\r\n",
            words.join(" ^\r\n  ")
        )
    }

    fn lists(&self) -> String {
        let lines = |entries: &[String], end: &str| {
            entries
                .iter()
                .map(|e| format!("{e}{end}\r\n"))
                .collect::<String>()
        };
        let (sources, directories) = (lines(&self.sources, "\\"), lines(&self.directories, "\\"));
        format!(
            "\u{feff}{sources}\r\n{directories}\r\n{}",
            lines(&self.files, "")
        )
        .replace('\u{feff}', "")
    }

    fn word(&self, number: usize) -> &str {
        &self.words[number - 1]
    }
}

fn exclusions(texts: &[String]) -> Vec<Exclusion> {
    texts
        .iter()
        .map(|text| Exclusion::parse(text, aam_auto_backup::parts::Family::Windows).unwrap())
        .collect()
}

fn same(old: &Old, job: &Job) {
    let full = |text: &str| FullPath::parse(text).unwrap();
    let sources: Vec<FullPath> = job
        .sources
        .iter()
        .map(|source| source.path.clone())
        .collect();
    assert_eq!(
        sources,
        old.sources.iter().map(|s| full(s)).collect::<Vec<_>>()
    );
    assert!(job.sources.iter().all(|source| !source.optional));
    assert_eq!(
        job.selection.spec().directories,
        exclusions(&old.directories)
    );
    assert_eq!(job.selection.spec().files, exclusions(&old.files));
    assert_eq!(job.lock.retry_every.as_secs().to_string(), old.word(4));
    assert_eq!(job.lock.give_up_after.as_secs().to_string(), old.word(5));
    assert_eq!(job.reporting.log.directory, Some(full(old.word(6))));
    let email = job.reporting.email.as_ref();
    assert_eq!(email.is_some(), old.word(7) == "True");
    if let Some(email) = email {
        assert_eq!(email.from_name.as_deref().unwrap_or_default(), old.word(8));
        assert_eq!(
            (email.from.as_str(), &email.to[..]),
            (old.word(9), &[old.word(10).to_owned()][..])
        );
    }
    let letter = old.word(12).to_uppercase().chars().next().unwrap();
    assert_eq!(
        job.snapshot.as_ref().unwrap().mount,
        MountPoint::Drive(letter)
    );
    assert_eq!(job.mirror.is_some(), old.word(13).contains("local"));
    if let Some(mirror) = &job.mirror {
        assert_eq!(mirror.path, full(old.word(14)));
        let keeps = ["keep", "True"].contains(&old.word(15));
        assert_eq!(
            mirror.extra_files,
            if keeps {
                ExtraFiles::Keep
            } else {
                ExtraFiles::Delete
            }
        );
    }
    let aws = old.word(13).contains("AWS");
    assert_eq!(
        (
            crate::support::profile::s3(job).is_some(),
            job.archive.is_some(),
            job.zone == Zone::Local
        ),
        (aws, aws, aws)
    );
    if let (Some(s3), Some(archive)) = (crate::support::profile::s3(job), &job.archive) {
        assert_eq!(
            (s3.bucket.as_str(), s3.region.as_str()),
            (old.word(17), "eu-west-3")
        );
        assert!(
            matches!(&archive.encryption_key, Reference::Env(name) if name == "AAM_BACKUP_KEY")
        );
        assert_eq!(
            (archive.volume_size, job.work_directory.to_string().as_str()),
            (4_000_000_000, r"C:\ProgramData\AAM Auto Backup\work")
        );
    }
    assert_eq!(job.location, old.word(18));
    // A mirror knows no full backups: the default stays.
    let force = if !aws || old.word(22) == "yes" {
        ForceFull::WhenProfileChanges
    } else {
        ForceFull::Never
    };
    assert_eq!(job.force_full, force);
}

proptest! {
    #[test]
    fn values_that_go_in_come_out(old in old()) {
        let choices = Choices { name: Some("p".to_owned()), region: Some("eu-west-3".to_owned()), ..Choices::default() };
        let command = CommandLine::of_batch("old.bat", &old.batch(), &Variables::new()).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(command.words, old.words);
        let (arguments, _) = Arguments::read(&command).unwrap_or_else(|f| panic!("{f:?}"));
        let made = import(&arguments, "i.txt", &old.lists(), &choices).unwrap();
        let text = made.profile.unwrap_or_else(|| panic!("{:?}", made.findings));
        let job = profile::load_bytes(Path::new("p.yaml"), text.as_bytes()).unwrap_or_else(|d| panic!("{d}\n{text}"));
        same(&old, &job);
        let secrets = [16, 19, 20].map(|number| old.word(number));
        if crate::support::profile::s3(&job).is_some() {
            let kept: Vec<&str> = made.secrets.iter().map(|(_, secret)| secret.expose()).collect();
            assert_eq!(kept, secrets);
        }
        let all = format!("{text}{:?}", made.findings);
        assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
    }

    /// Whatever stands in the files, the answer is a valid profile or an error, and shows no
    /// secret.
    #[test]
    fn no_file_is_too_broken(
        at in 0_usize..400, removed in 0_usize..30, added in "[ -~\r\n%^\"\\\\]{0,8}", lists in "[ -~\r\n\\\\:C*é]{0,60}",
    ) {
        let batch = format!("py a.py {}\r\npause\r\n", super::GOOD.map(quoted).join(" "));
        let kept = |from: usize, count: usize| batch.chars().skip(from).take(count).collect::<String>();
        let text = format!("{}{added}{}", kept(0, at), kept(at + removed, usize::MAX));
        for (text, lists) in [(&text, "C:\\data\\\n"), (&batch, lists.as_str()), (&text, lists.as_str()), (&batch, batch.as_str())] {
            let command = match CommandLine::of_batch("old.bat", text, &Variables::new()) {
                Ok(command) => command,
                Err(finding) => { prop_assert!(!finding.to_string().contains("hunter2")); continue }
            };
            match Arguments::read(&command) {
                Err(findings) => prop_assert!(!findings.is_empty() && !format!("{findings:?}").contains("hunter2"), "{findings:?}"),
                Ok((arguments, _)) => {
                    let made = import(&arguments, "i.txt", lists, &Choices::default()).unwrap();
                    prop_assert_eq!(made.profile.is_none(), made.has(aam_auto_backup::parts::import::RemarkLevel::Error));
                    let all = format!("{:?}{:?}", made.profile, made.findings);
                    prop_assert!(!all.contains("hunter2"), "{}", all);
                }
            }
        }
    }
}
