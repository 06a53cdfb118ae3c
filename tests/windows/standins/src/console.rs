//! Output as console programs of Windows write it: CR LF, in the code page of the console, which is
//! that of DOS unless `chcp` was run. In it 'ü' is byte 0x81 and 'Ü' byte 0x9a, which the log
//! reader of v1.0 could not read.

use std::io::Write;

use crate::system;

const UTF_8: u32 = 65001;

/// The upper half of code page 437 as far as letters go.
const LETTERS: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑ";

/// Writes one line.
pub fn line(text: &str) {
    write(&format!("{text}\r\n"));
}

/// Writes text as it is.
pub fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads this output may have gone; that must not change what is copied.
    let _ = out
        .write_all(&encode(text, system::output_code_page()))
        .and_then(|()| out.flush());
}

/// Whether code page 437 has all of it.
pub fn has_letters_for(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii() || letter(c) != b'?')
}

fn encode(text: &str, code_page: u32) -> Vec<u8> {
    if code_page == UTF_8 {
        return text.as_bytes().to_vec();
    }
    text.chars()
        .map(|c| if c.is_ascii() { c as u8 } else { letter(c) })
        .collect()
}

fn letter(wanted: char) -> u8 {
    match LETTERS.chars().zip(0x80..).find(|(c, _)| *c == wanted) {
        Some((_, byte)) => byte,
        None if wanted == 'ß' => 0xe1,
        None => b'?',
    }
}
