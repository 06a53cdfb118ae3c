//! Running a restore through the library, and looking at what came of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Clock;
use aam_auto_backup::parts::EntryKind;
use aam_auto_backup::parts::Prices;
use aam_auto_backup::parts::RestoreError;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::SevenZip;
use aam_auto_backup::parts::Tally;
use aam_auto_backup::parts::ThawPolicy;
use aam_auto_backup::parts::Tier;
use aam_auto_backup::parts::gather;
use aam_auto_backup::parts::restore::find_begun;
use aam_auto_backup::parts::restore::run;
use aam_auto_backup::parts::{Event, Events, Outcome, Sink};
use aam_auto_backup::parts::{RestoreOptions, RestorePlan};
use aam_auto_backup::parts::{RestoreStep, RestoreTools};

use crate::support::pc::{KEY, Pc};

#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<Event>>>);

impl Sink for Heard {
    fn emit(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// What a restore did.
pub struct Done {
    pub result: Result<Tally, RestoreError>,
    pub outcome: Outcome,
    pub events: Vec<Event>,
}

impl Done {
    /// The error's text and hint.
    pub fn error(&self) -> String {
        match &self.result {
            Ok(tally) => panic!("this must fail, and did {tally:?}"),
            Err(error) => format!("{error} ({})", error.hint()),
        }
    }

    pub fn ok(&self) -> Tally {
        match &self.result {
            Ok(tally) => *tally,
            Err(error) => panic!("{error}"),
        }
    }

    /// All events as text, for looking into.
    pub fn text(&self) -> String {
        format!("{:#?}", self.events)
    }
}

pub fn options() -> RestoreOptions {
    RestoreOptions {
        location: "pc".into(),
        store: "the store".into(),
        ..RestoreOptions::default()
    }
}

pub fn plan(pc: &Pc, options: &RestoreOptions) -> Result<RestorePlan, RestoreError> {
    let catalog = gather::catalog(&*pc.store, "pc")?;
    gather::plan(&*pc.store, &catalog, options, &Events::default())
}

pub fn restore(pc: &Pc, options: &RestoreOptions) -> Done {
    restore_with(pc, options, &pc.target(), false, KEY)
}

pub fn restore_with(
    pc: &Pc,
    options: &RestoreOptions,
    to: &Path,
    into_existing: bool,
    key: &str,
) -> Done {
    How {
        into_existing,
        key,
        ..How::default()
    }
    .restore(pc, options, to)
}

/// How a restore is started.
pub struct How<'a> {
    pub into_existing: bool,
    pub key: &'a str,
    pub step: RestoreStep,
    pub agree: bool,
    pub clock: &'a dyn Clock,
    pub cancel: Cancel,
    pub prices: Prices,
    pub seven_zip: Option<String>,
}

impl Default for How<'_> {
    fn default() -> Self {
        How {
            into_existing: false,
            key: KEY,
            step: RestoreStep::All,
            agree: false,
            clock: &NoWait,
            cancel: Cancel::new(),
            prices: Prices::default(),
            seven_zip: None,
        }
    }
}

/// Two days pass at once.
pub struct NoWait;

impl Clock for NoWait {
    fn wait(&self, span: Duration, _: &dyn Fn() -> bool) {
        assert_eq!(span, POLL);
    }
}

pub const POLL: Duration = Duration::from_secs(30 * 60);

impl How<'_> {
    pub fn restore(&self, pc: &Pc, options: &RestoreOptions, to: &Path) -> Done {
        let heard = Heard::default();
        let events = Events::new(vec![Box::new(heard.clone())]);
        let seven_zip = SevenZip::locate(self.seven_zip.as_deref()).unwrap();
        let mut options = options.clone();
        let result = find_begun(to).and_then(|begun| {
            if let Some(begun) = begun {
                begun.pin(&mut options);
            }
            let plan = plan(pc, &options)?;
            let key = Secret::new(self.key);
            let thaw = ThawPolicy {
                keep_days: 2,
                tier: Tier::Bulk,
                poll_every: POLL,
                prices: &self.prices,
                clock: self.clock,
                agree: &|_| self.agree,
            };
            let tools = RestoreTools {
                store: &*pc.store,
                seven_zip: &seven_zip,
                key: &key,
                key_from: "$AAM_BACKUP_KEY",
                thaw,
                cancel: &self.cancel,
                events: &events,
            };
            run(plan, to, self.into_existing, self.step, &tools)
        });
        let outcome = if result.is_ok() {
            events.outcome()
        } else {
            Outcome::Failure
        };
        let work = to.join(".aam-restore");
        let busy = matches!(result, Err(RestoreError::Busy(_)));
        assert!(
            busy || !work.join("temporary").exists() || find_begun(to).is_err(),
            "manifests are deleted, whatever happened"
        );
        // Where something is missing, the same command goes on when it is mended.
        let is_whole = result.is_ok() && outcome != Outcome::Failure;
        let finished = is_whole && matches!(self.step, RestoreStep::All | RestoreStep::Extract);
        assert!(!finished || !work.is_dir(), "the working directory is gone");
        let events = heard.0.lock().unwrap().clone();
        Done {
            result,
            outcome,
            events,
        }
    }
}

/// Every file below a directory with its content; directories end in `/`.
pub fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() && !path.is_symlink() {
                found.insert(format!("{name}/"), String::new());
                open.push(path);
            } else {
                found.insert(
                    name,
                    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned(),
                );
            }
        }
    }
    found
}

pub fn names(root: &Path) -> Vec<String> {
    tree(root).into_keys().collect()
}

/// Everything the manifest of a mount lists is there with its size, times to the nanosecond and
/// permissions.
#[cfg(unix)]
pub fn assert_as_listed(pc: &Pc, mount: usize, root: &Path) {
    use std::os::unix::fs::MetadataExt;
    for entry in pc.entries(mount) {
        let place = root.join(entry.path.as_str().unwrap());
        let found =
            fs::symlink_metadata(&place).unwrap_or_else(|e| panic!("{}: {e}", place.display()));
        let at = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
        assert_eq!(at, entry.meta.modified.0, "{}", entry.path);
        assert_eq!(
            Some(found.mode() & 0o777),
            entry.meta.mode,
            "{}",
            entry.path
        );
        assert_eq!(found.is_dir(), entry.kind == EntryKind::Directory);
    }
}
