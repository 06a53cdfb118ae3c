//! Rendering: a stage order becomes the files that run it (SPEC §8). Templates are files of their own beside this one.
//!
//! Text in, text out: rendering decides nothing and touches no disk.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::manifest::RelPath;
use crate::name::Format;
use crate::path::{Family, FullPath};
use crate::plan::StageOrder;

/// The names of a stage's files, all in its work directory.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StageFiles {
    /// The order itself, for the process inside the snapshot.
    pub order: FullPath,
    /// 7-Zip's list of what to archive.
    pub archive_list: FullPath,
    /// What to copy to the mirror.
    pub mirror_list: FullPath,
    /// What to delete from the mirror.
    pub extra_list: FullPath,
    /// The manifest, plain.
    pub manifest: FullPath,
    /// The script that runs the tools.
    pub script: FullPath,
    /// Exit codes, one a line.
    pub status: FullPath,
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
            extra_list: file("extra.list"),
            manifest: file("manifest.jsonl"),
            script: file(match order.mount.path.family() {
                Family::Unix => "mount.sh",
                Family::Windows => "mount.bat",
            }),
            status: file("status"),
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
    if let Err(error) = templates.add_template("mount.sh", include_str!("mount.sh.j2")) {
        unreachable!("an embedded template: {error}");
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

/// The shell script of a Unix mount.
///
/// # Errors
/// When the template does not fit the order.
pub fn shell_script(order: &StageOrder) -> Result<String, RenderError> {
    let failed = |why| RenderError { file: "mount.sh", why };
    let template = TEMPLATES.get_template("mount.sh").map_err(failed)?;
    let format = order.archive.as_ref().map_or(Format::Zip, |a| a.format);
    template
        .render(context! {
            order => Serde(order),
            files => Serde(StageFiles::of(order)),
            extension => format.extension(),
            switches => switches(format),
        })
        .map_err(failed)
}

/// 7-Zip switches of a format: AES-256 (zip would take its own weak cipher), UTF-8 names, all times, hidden names.
pub fn switches(format: Format) -> &'static str {
    match format {
        Format::Zip => "-mem=AES256 -mcu=on -mtc=on -mta=on",
        Format::SevenZip => "-mhe=on -mtc=on -mta=on",
    }
}

/// A word for `sh` that is exactly this text.
fn sh_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// rsync takes `host:path` before a slash for another computer; an absolute path never is, and `/` at the end says
/// that it is a directory.
fn rsync_target(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// One line of a 7-Zip list file: quoted, for 7-Zip trims lines and strips one pair of quotes. `None` for a name that
/// no line can hold: not UTF-8, or with a line break in it.
pub fn seven_zip_line(path: &RelPath, family: Family) -> Option<String> {
    let text = path.as_str().filter(|t| !t.contains(['\n', '\r', '\0']))?;
    Some(match family {
        Family::Unix => format!("\"{text}\"\n"),
        Family::Windows => format!("\"{}\"\r\n", text.replace('/', "\\")),
    })
}

/// One entry of an rsync list: the bytes of the path, ended by NUL. `None` for the mount itself: rsync would take `.`
/// for everything in it.
pub fn rsync_entry(path: &RelPath) -> Option<Vec<u8>> {
    (!path.is_root()).then(|| [path.as_bytes(), b"\0"].concat())
}
