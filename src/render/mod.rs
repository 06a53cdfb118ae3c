//! Rendering: a stage order becomes the files that run it (SPEC#run). Templates are files of their
//! own beside this one.
//!
//! Text in, text out: rendering decides nothing and touches no disk.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::model::file_system::{FileSystem, Modes};
use crate::model::manifest::RelPath;
use crate::model::name::Format;
use crate::model::path::{Family, FullPath};
use crate::plan::backup::{MirrorOrder, StageOrder};

pub mod overview;
pub mod profile;
pub mod report;
pub mod robocopy;
pub mod schedule;
pub mod shortcut;

use robocopy::CopyCommand;

/// The one file in a manifest object, and what a stage calls it.
pub const MANIFEST_FILE: &str = "manifest.v2";

/// The names of a stage's files, all in its work directory.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StageFiles {
    /// The order itself, for the process inside the snapshot.
    pub order: FullPath,
    /// 7-Zip's list of what to archive.
    pub archive_list: FullPath,
    /// What to copy to the mirror.
    pub mirror_list: FullPath,
    /// What of it to compare by content.
    pub content_list: FullPath,
    /// What to delete from the mirror.
    pub extra_list: FullPath,
    /// The manifest, plain.
    pub manifest: FullPath,
    /// The script that runs the tools.
    pub script: FullPath,
    /// Exit codes, one a line.
    pub status: FullPath,
    /// Made by a stage inside a snapshot as its first act.
    pub started: FullPath,
    /// Made to ask a stage inside a snapshot to stop.
    pub stop: FullPath,
    /// What the stage did.
    pub result: FullPath,
    /// The archive up to `.001`; its name is the objects' name.
    pub archive: FullPath,
    /// The manifest, encrypted; its name is the object's name.
    pub encrypted_manifest: FullPath,
}

impl StageFiles {
    /// The files of an order.
    pub fn of(order: &StageOrder) -> StageFiles {
        let file = |name: &str| order.work.join(name);
        let archive = order.archive.as_ref();
        StageFiles {
            order: file("order.json"),
            archive_list: file("archive.list"),
            mirror_list: file("mirror.list"),
            content_list: file("content.list"),
            extra_list: file("extra.list"),
            manifest: file(MANIFEST_FILE),
            script: file(match order.mount.path.family() {
                Family::Unix => "mount.sh",
                Family::Windows => "mount.bat",
            }),
            status: file("status"),
            started: file("started"),
            stop: file("stop"),
            result: file("result.json"),
            archive: file(archive.map_or("archive", |a| &a.stem)),
            encrypted_manifest: file(archive.map_or("manifest", |a| &a.manifest)),
        }
    }
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::None);
    match SyntaxConfig::builder().keep_trailing_newline(true).build() {
        Ok(syntax) => templates.set_syntax(syntax),
        Err(error) => unreachable!("constant settings: {error}"),
    }
    templates.add_filter("sh", |text: String| sh_quoted(&text));
    templates.add_filter("comment", |text: String| text.escape_debug().to_string());
    templates.add_filter("rsync_target", |path: String| rsync_target(&path));
    templates.add_filter("bat", |text: String| bat_quoted(&text));
    templates.add_filter("bat_text", |text: String| bat_text(&text));
    templates.add_filter("yaml", |text: String| profile::scalar(&text));
    templates.add_filter("remark", |text: String, indent: usize| {
        profile::remark(&text, indent)
    });
    templates.add_filter("exact_size", |bytes: u64| profile::exact_size(bytes));
    templates.add_filter("reference", reference);
    let all = [
        ("mount.sh", include_str!("mount.sh.j2")),
        ("mount.bat", include_str!("mount.bat.j2")),
        ("shortcut.bat", include_str!("shortcut.bat.j2")),
        ("profile.yaml", include_str!("profile.yaml.j2")),
    ];
    for (name, text) in all {
        if let Err(error) = templates.add_template(name, text) {
            unreachable!("an embedded template: {error}");
        }
    }
    templates
});

/// Why a file could not be rendered: a fault of a template, found by the golden tests.
#[derive(Debug, thiserror::Error)]
#[error("the template of '{file}' cannot be rendered: {why}")]
pub struct RenderError {
    pub file: &'static str,
    pub why: minijinja::Error,
}

/// The script of a mount: the content of [`StageFiles::script`], as text.
///
/// `copies` are the Robocopy commands of a Windows mount; rsync takes a list file instead.
///
/// # Errors
/// When the template does not fit the order.
pub fn script(order: &StageOrder, copies: &[CopyCommand]) -> Result<String, RenderError> {
    let family = order.mount.path.family();
    let file = match family {
        Family::Unix => "mount.sh",
        Family::Windows => "mount.bat",
    };
    let failed = |why| RenderError { file, why };
    let format = order.archive.as_ref().map_or(Format::Zip, |a| a.format);
    let copies: Vec<CopyLine> = match &order.mirror {
        Some(mirror) => copies
            .iter()
            .map(|copy| CopyLine::new(order, mirror, copy))
            .collect(),
        None => Vec::new(),
    };
    let template = TEMPLATES.get_template(file).map_err(failed)?;
    let text = template
        .render(context! {
            order => Serde(order),
            files => Serde(StageFiles::of(order)),
            copies => Serde(copies),
            extension => format.extension(),
            switches => switches(format),
            is_streamed => order.is_streamed(),
            copying => order.mirror.as_ref().map_or_else(String::new, |m| rsync_switches(&m.file_system)),
            copied => order.mirror.as_ref().map_or("", robocopy_switches),
            has_fixed_modes => order.mirror.as_ref().is_some_and(|m| matches!(m.file_system.modes, Modes::Fixed { .. })),
        })
        .map_err(failed)?;
    // cmd reads lines that end in CR LF only, in places.
    Ok(if family == Family::Windows {
        text.replace('\n', "\r\n")
    } else {
        text
    })
}

/// A [`CopyCommand`] with the paths it is rendered with.
#[derive(serde::Serialize)]
struct CopyLine {
    source: String,
    target: String,
    recursive: bool,
    only: Vec<String>,
    directories: Vec<String>,
    files: Vec<String>,
}

impl CopyLine {
    fn new(order: &StageOrder, mirror: &MirrorOrder, copy: &CopyCommand) -> CopyLine {
        let below = |base: &str, path: &RelPath| {
            let below = String::from_utf8_lossy(path.as_bytes()).replace('/', "\\");
            format!("{}\\{below}", base.trim_end_matches('\\'))
        };
        let shown = |paths: &[RelPath]| {
            paths
                .iter()
                .map(|path| below(&order.shown_at, path))
                .collect()
        };
        let name = |path: &RelPath| {
            robocopy::asking_for(&String::from_utf8_lossy(
                path.names().last().unwrap_or_default(),
            ))
        };
        CopyLine {
            source: whole_directory(below(&order.shown_at, &copy.directory)),
            target: whole_directory(below(&mirror.target.to_string(), &copy.directory)),
            recursive: copy.recursive,
            only: copy.only.iter().map(name).collect(),
            directories: shown(&copy.without_directories),
            files: shown(&copy.without_files),
        }
    }
}

/// Robocopy takes `\"` for a quote in an argument: no path may end in a separator.
fn whole_directory(path: String) -> String {
    match path.strip_suffix('\\') {
        // `Q:` alone would be the current directory of that drive.
        Some(drive) if drive.ends_with(':') => format!("{path}."),
        Some(directory) => directory.to_owned(),
        None => path,
    }
}

/// The space in a Robocopy line of an order.
pub fn copy_room(order: &StageOrder) -> robocopy::Room {
    let length = |text: &str| bat_text(text).encode_utf16().count();
    let mirror = order.mirror.as_ref();
    let target = mirror.map_or(0, |m| length(&m.target.to_string()));
    // And the switches.
    let fixed = length(&order.copier) + length(&order.shown_at) + target + 200;
    robocopy::Room {
        characters: MAX_LINE.saturating_sub(fixed),
        prefix: length(&order.shown_at) + 1,
    }
}

/// The longest line of a batch file. `cmd` takes 8191 characters after variables are replaced; some
/// are kept free for that.
pub const MAX_LINE: usize = 8000;

/// 7-Zip switches of a format: AES-256 (zip would take its own weak cipher), UTF-8 names, all
/// times, hidden names.
pub fn switches(format: Format) -> &'static str {
    match format {
        Format::Zip => "-mem=AES256 -mcu=on -mtc=on -mta=on",
        Format::SevenZip => "-mhe=on -mtc=on -mta=on",
    }
}

/// What rsync keeps on a file system. What cannot be kept there is not asked for: rsync leaves the
/// times of a file that it cannot give its owner, and copies it again next time.
pub fn rsync_switches(on: &FileSystem) -> String {
    let mut switches = String::from("--times");
    match on.modes {
        Modes::Kept => switches.push_str(" --perms"),
        Modes::Ignored => {}
        Modes::Fixed { file, directory } => {
            switches.push_str(&format!(" --chmod=D{directory:04o},F{file:04o}"));
        }
    }
    if on.owners {
        switches.push_str(" --owner --group");
    }
    if on.links {
        switches.push_str(" --links");
    }
    if on.hard_links {
        switches.push_str(" --hard-links");
    }
    if on.access_lists && on.modes == Modes::Kept {
        switches.push_str(" --acls");
    }
    if on.attributes {
        // Those that a restore brings back. Others belong to the system that made them.
        switches.push_str(" --xattrs");
        if on.owners {
            switches.push_str(" --filter='+x security.capability'");
        }
        switches.push_str(" --filter='-x! user.*'");
    }
    if on.holes {
        switches.push_str(" --sparse");
    }
    if let Some(seconds) = on.window() {
        switches.push_str(&format!(" --modify-window={seconds}"));
    }
    switches
}

/// What Robocopy keeps of a file. It takes over the access list of a file that it need not copy
/// only if it is told to.
fn robocopy_switches(mirror: &MirrorOrder) -> &'static str {
    match mirror.access_lists && mirror.file_system.access_lists {
        true => "/COPY:DATS /SECFIX /DCOPY:DAT",
        false => "/COPY:DAT /DCOPY:DAT",
    }
}

/// A word for `sh` that is exactly this text.
pub fn sh_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The one key of a [`profile::DraftReference`] and its value.
fn reference(place: minijinja::Value) -> Result<String, minijinja::Error> {
    let kind = place.try_iter()?.next().unwrap_or_default();
    Ok(profile::reference(
        &kind.to_string(),
        &place.get_item(&kind)?.to_string(),
    ))
}

/// A word for a batch file. Windows names hold no quote; in quotes only `%` is special.
fn bat_quoted(text: &str) -> String {
    format!("\"{}\"", bat_text(text))
}

/// Text in a batch file outside of quotes: for comments.
fn bat_text(text: &str) -> String {
    text.replace('%', "%%")
}

/// rsync takes `host:path` before a slash for another computer; an absolute path never is, and `/`
/// at the end says that it is a directory.
fn rsync_target(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// One line of a 7-Zip list file: quoted, because 7-Zip trims lines and strips one pair of quotes.
/// `None` for a name that no line can hold: not UTF-8, or with a line break in it.
pub fn seven_zip_line(path: &RelPath, family: Family) -> Option<String> {
    let text = path.as_str().filter(|t| !t.contains(['\n', '\r', '\0']))?;
    Some(match family {
        Family::Unix => format!("\"{text}\"\n"),
        Family::Windows => format!("\"{}\"\r\n", text.replace('/', "\\")),
    })
}

/// One entry of an rsync list: the bytes of the path, ended by NUL. `None` for the mount itself:
/// rsync would take `.` for everything in it. A path that begins with `#` or `;` would be a
/// comment.
pub fn rsync_entry(path: &RelPath) -> Option<Vec<u8>> {
    let bytes = path.as_bytes();
    let comment = matches!(bytes.first()?, b'#' | b';');
    Some([if comment { &b"./"[..] } else { b"" }, bytes, b"\0"].concat())
}
