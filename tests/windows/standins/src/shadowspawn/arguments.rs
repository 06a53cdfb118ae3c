//! The command line, which ShadowSpawn splits by itself: at blanks outside quotes. Quotes stay in
//! the words, may only begin a word, and are taken out of SOURCE alone.

use std::path::{self, Path};

pub const USAGE: &str =
    "Usage:\r\n\r\nshadowspawn [ /verbosity=LEVEL ] <src> <drive:> <command> [ <arg> ... ]";

/// How much it says unless told: errors, and what it does.
pub const VERBOSITY: u32 = 3;

/// A longer SOURCE has ShadowSpawn ask the system for its full path for ever.
const MAX_PATH: usize = 260;

#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub verbosity: u32,
    /// Full path, with the backslash at its end if there was one.
    pub source: String,
    /// `Q:`.
    pub device: String,
    /// All other words, a blank after each.
    pub command: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum UsageError {
    /// `/?`
    Asked,
    Wrong(String),
    /// ShadowSpawn would not come back.
    Endless,
}

impl Arguments {
    /// Reads a whole command line, the program's name included.
    ///
    /// # Errors
    /// When ShadowSpawn would refuse it, or never end.
    pub fn parse(command_line: &str) -> Result<Arguments, UsageError> {
        let wrong = |text: &str| Err(UsageError::Wrong(text.to_owned()));
        let mut verbosity = VERBOSITY;
        let (mut source, mut device, mut command) = (String::new(), String::new(), String::new());
        for word in split(command_line)?.into_iter().skip(1) {
            // A hyphen makes an option of a word of the command, too; a slash does not.
            if word.starts_with('-') || (command.is_empty() && word.starts_with('/')) {
                let option = word[1..].to_lowercase();
                match option.strip_prefix("verbosity=") {
                    Some(level) => verbosity = level.parse().unwrap_or(0),
                    None if option == "?" => return Err(UsageError::Asked),
                    None => return wrong(&format!("Unrecognized switch: {option}")),
                }
            } else if source.is_empty() {
                source = word;
            } else if device.is_empty() {
                device = word;
            } else {
                command += &word;
                command.push(' ');
            }
        }
        if source.is_empty() || device.is_empty() || command.is_empty() {
            return wrong("Missing required arguments.");
        }
        let source = source.replace('"', "");
        let full =
            path::absolute(Path::new(&source)).map_or(source, |full| full.display().to_string());
        if full.encode_utf16().count() > MAX_PATH {
            return Err(UsageError::Endless);
        }
        let device = device.trim_end_matches('\\').to_owned();
        if !matches!(device.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic()) {
            return wrong(&format!("Device format is incorrect.  Device = {device}"));
        }
        if super::mount::is_in_use(&device) {
            return wrong(&format!("Device already exists.  Device = {device}"));
        }
        Ok(Arguments {
            verbosity,
            source: full,
            device,
            command,
        })
    }
}

fn split(command_line: &str) -> Result<Vec<String>, UsageError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in command_line.chars() {
        match c {
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            '"' if !quoted && !word.is_empty() => {
                return Err(UsageError::Wrong(
                    "Quotes may only begin an argument.".to_owned(),
                ));
            }
            '"' => quoted = !quoted,
            _ => {}
        }
        word.push(c);
    }
    words.extend((!word.is_empty()).then_some(word));
    Ok(words)
}
