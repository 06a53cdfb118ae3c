//! v1.0's instruction file: directories to back up, directories to
//! exclude, files to exclude, with an empty line between the lists. A directory to exclude ends in
//! `\`, a file does not.

use super::remark::{Remark, RemarkPlace};

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstructionLine {
    /// From 1.
    pub line: usize,
    pub text: String,
}

/// The three lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    pub sources: Vec<InstructionLine>,
    pub directories: Vec<InstructionLine>,
    pub files: Vec<InstructionLine>,
}

/// Reads the lists. Any number of empty lines may be between them. An empty second list is not
/// possible.
///
/// # Errors
/// When it is not clear what a line is.
pub fn read(file: &str, text: &str) -> Result<Instructions, Vec<Remark>> {
    let at = |line: usize| RemarkPlace::Line(file.to_owned(), line);
    let mut lists = groups(text).into_iter();
    let Some(sources) = lists.next() else {
        let finding = Remark::error(at(1), "the instruction file lists no directory to back up");
        return Err(vec![finding.hint("is it the file that argument 11 names?")]);
    };
    let (second, third) = (lists.next().unwrap_or_default(), lists.next());
    if let Some(fourth) = lists.next() {
        let line = fourth.first().map_or(1, |entry| entry.line);
        let message = "a fourth list begins here, but there are only three: directories to back up, directories to exclude, files to exclude";
        return Err(vec![Remark::error(at(line), message).hint(
            "leave empty lines only between the lists, in a copy of the file",
        )]);
    }
    let (directories, files) = match third {
        Some(files) => (second, files),
        // One list after the first: its entries say which one it is.
        None if second.iter().any(is_directory) => (second, Vec::new()),
        None => (Vec::new(), second),
    };
    let wrong_directories = directories.iter().filter(|entry| !is_directory(entry)).map(|entry| {
        Remark::error(
            at(entry.line),
            format!("'{}' is in the list of directories to exclude, but does not end in `\\`", entry.text),
        )
        .hint("add `\\` at the end, or, if it is a file, move it to the list of files to exclude, after an empty line")
    });
    let wrong_files = files
        .iter()
        .filter(|entry| is_directory(entry))
        .map(|entry| {
            Remark::error(
                at(entry.line),
                format!(
                    "'{}' is in the list of files to exclude, but ends in `\\`",
                    entry.text
                ),
            )
            .hint("move it to the list of directories to exclude, which comes before, with an empty line between the lists")
        });
    let wrong: Vec<Remark> = wrong_directories.chain(wrong_files).collect();
    if wrong.is_empty() {
        Ok(Instructions {
            sources,
            directories,
            files,
        })
    } else {
        Err(wrong)
    }
}

fn is_directory(entry: &InstructionLine) -> bool {
    entry.text.ends_with(['\\', '/'])
}

/// Lines that follow each other without an empty one.
fn groups(text: &str) -> Vec<Vec<InstructionLine>> {
    let mut groups: Vec<Vec<InstructionLine>> = Vec::new();
    let mut open = false;
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim().to_owned();
        if text.is_empty() {
            open = false;
            continue;
        }
        match groups.last_mut().filter(|_| open) {
            Some(group) => group.push(InstructionLine { line, text }),
            None => groups.push(vec![InstructionLine { line, text }]),
        }
        open = true;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(text: &str) -> [Vec<String>; 3] {
        let texts = |entries: Vec<InstructionLine>| {
            entries
                .into_iter()
                .map(|e| format!("{}:{}", e.line, e.text))
                .collect()
        };
        let read = read("i.txt", text).unwrap_or_else(|e| panic!("{e:?}"));
        [
            texts(read.sources),
            texts(read.directories),
            texts(read.files),
        ]
    }

    #[test]
    fn lists_by_empty_lines_and_form() {
        for (text, expected) in [
            // As in v1.0.
            (
                "c:\\a\\\r\nC:\\b c\\\r\n\r\nc:\\a\\x\\\r\n\r\n~WRL*.tmp\r\n",
                [
                    &["1:c:\\a\\", "2:C:\\b c\\"][..],
                    &["4:c:\\a\\x\\"],
                    &["6:~WRL*.tmp"],
                ],
            ),
            (
                "\n\n c:\\a \n\n\n\nx\\\n  \n\ny\n\n",
                [&["3:c:\\a"], &["7:x\\"], &["10:y"]],
            ),
            ("c:\\a", [&["1:c:\\a"], &[], &[]]),
            (
                "c:\\a\\\n\n\n*.tmp\nb.txt",
                [&["1:c:\\a\\"], &[], &["4:*.tmp", "5:b.txt"]],
            ),
            (
                "c:\\a\\\n\nx\\\nc:\\a\\y\\",
                [&["1:c:\\a\\"], &["3:x\\", "4:c:\\a\\y\\"], &[]],
            ),
        ] {
            assert_eq!(lists(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_clear_is_told() {
        for (text, expected) in [
            (
                "",
                &["error: i.txt:1: the instruction file lists no directory"][..],
            ),
            (
                " \n\n",
                &["error: i.txt:1: the instruction file lists no directory"],
            ),
            (
                "c:\\a\\\n\nx\\\n*.tmp",
                &["error: i.txt:4: '*.tmp' is in the list of directories to exclude"],
            ),
            (
                "c:\\a\\\n\nx\n\ny\\",
                &[
                    "error: i.txt:3: 'x' is in the list of",
                    "error: i.txt:5: 'y\\' is in the list of files",
                ],
            ),
            (
                "a\n\nb\\\n\nc\n\nd\n\ne",
                &["error: i.txt:7: a fourth list begins"],
            ),
        ] {
            let said: Vec<String> = read("i.txt", text)
                .unwrap_err()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(said.len(), expected.len(), "{said:?}");
            for (said, expected) in said.iter().zip(expected) {
                assert!(said.starts_with(expected), "{said}");
            }
        }
    }
}
