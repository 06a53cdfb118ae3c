//! Batch files for the desktop: a backup by a double click. Shortcuts to them run as administrator,
//! which a snapshot needs.

use minijinja::context;
use minijinja::value::Serde;

use super::{RenderError, TEMPLATES};
use crate::model::job::{Destination, Job};

/// One batch file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Its name, with `.bat`.
    pub file: String,
    /// What it does: `Full backup`.
    pub title: String,
    pub text: String,
}

/// The batch files of a job: regular, incremental-only, full, and incremental-only to each
/// destination by itself when there are several. `program` and `profile` are full paths.
///
/// # Errors
/// When the template is at fault.
pub fn shortcuts(job: &Job, program: &str, profile: &str) -> Result<Vec<Shortcut>, RenderError> {
    let mut wanted = vec![
        ("Regular backup".to_owned(), vec![]),
        (
            "Incremental-only backup".to_owned(),
            vec!["--mode incremental-only".to_owned()],
        ),
    ];
    if job.has_store() {
        wanted.push(("Full backup".to_owned(), vec!["--force-full".to_owned()]));
    }
    let mirror = job.mirror.iter();
    let mirror = mirror.map(|_| (Destination::Mirror, "the mirror only"));
    let stores = job.stores();
    let stores = stores.map(|store| (Destination::Store(store.name()), store.alone()));
    let destinations: Vec<_> = mirror.chain(stores).collect();
    if destinations.len() > 1 {
        wanted.extend(destinations.into_iter().map(|(destination, alone)| {
            let options = vec![
                "--mode incremental-only".to_owned(),
                format!("--destination {destination}"),
            ];
            (format!("Incremental-only backup to {alone}"), options)
        }));
    }
    let template = TEMPLATES.get_template("shortcut.bat").map_err(failed)?;
    let render = |(title, options): (String, Vec<String>)| {
        let (pause, file) = (!job.pause_at_end, format!("{title} ({}).bat", job.name));
        let text = template
            .render(
                context! { title => &title, program, profile, pause, options => Serde(options) },
            )
            .map_err(failed)?
            .replace('\n', "\r\n");
        Ok(Shortcut { file, title, text })
    };
    wanted.into_iter().map(render).collect()
}

fn failed(why: minijinja::Error) -> RenderError {
    RenderError {
        file: "shortcut.bat",
        why,
    }
}
