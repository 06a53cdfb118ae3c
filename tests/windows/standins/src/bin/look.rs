//! Says and sets what only Windows knows of files: attributes, creation times, junctions and
//! symbolic links. One line for each entry of a tree, its fields separated by tabs.
//!
//! `look list DIRECTORY`
//!     prints the path below the directory, attributes, creation and modification time, and where
//!     a link leads.
//! `look set FILE`
//!     does what the lines of the file say: `attributes PATH HEXADECIMAL`, `created PATH TIME`,
//!     `junction PATH TARGET`, `file-link PATH TARGET`, `directory-link PATH TARGET`.

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [verb, path] if verb == "list" => list(Path::new(path), ""),
        [verb, path] if verb == "set" => {
            let text = std::fs::read_to_string(path).expect("the file is there");
            text.lines().for_each(set);
        }
        _ => panic!("look list DIRECTORY, or look set FILE"),
    }
}

fn list(directory: &Path, above: &str) {
    let entries = std::fs::read_dir(directory).expect("the directory can be listed");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry")).collect();
    names.sort_by_key(std::fs::DirEntry::file_name);
    for entry in names {
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        let found = entry.metadata().expect("its attributes");
        let seen = standins::system::seen(&found);
        let target = match found.is_symlink() {
            true => std::fs::read_link(entry.path()).expect("where it leads"),
            false => Path::new("").to_owned(),
        };
        println!("{path}\t{seen}\t{}", target.display());
        if found.is_dir() {
            list(&entry.path(), &format!("{path}/"));
        }
    }
}

fn set(line: &str) {
    let fields: Vec<&str> = line.split('\t').collect();
    let [what, path, value] = fields[..] else {
        panic!("{line}")
    };
    let done = standins::system::set(what, Path::new(path), value);
    done.unwrap_or_else(|error| panic!("{line}: {error}"));
}
