//! Names that tools stumble over, and patterns that match them.

use super::dice::Dice;
use super::tree::Names;

const PLAIN: &[&[u8]] = &[
    b"a",
    b"b",
    b"src",
    b"docs",
    b"test2.d",
    b"test2.txt",
    b"cache",
    b"x.tmp",
    b"~WRL1.tmp",
    b"~WRL0001.tmp",
    b"A",
    b"B",
];

const NASTY: &[&[u8]] = &[
    b"two words",
    b" lead",
    b"trail ",
    b"dots..",
    b"-rf",
    b"--",
    b"-",
    b"it's",
    b"say \"hi\"",
    b"\"",
    b"'",
    b"100%",
    b"%PATH%",
    b"$HOME",
    b"`id`",
    b"$(id)",
    b"[x]",
    b"[",
    b"*",
    b"?",
    b"a*b",
    b"x?",
    b"#hash",
    b";semi",
    b"!bang",
    b"@at",
    b"@",
    b"~",
    b"&",
    b"a|b",
    b"<in>",
    b"back\\slash",
    b"trail\\",
    b"a:b",
    b"host:path",
    b"C:",
    b"con",
    b"...",
    b".hidden",
    "\u{1f600}.tmp".as_bytes(),
    "\u{1f469}\u{200d}\u{1f680}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{e9}".as_bytes(),
    "\u{130}I\u{131}i".as_bytes(),
    "stra\u{df}e".as_bytes(),
    "\u{202e}rtl".as_bytes(),
    "\u{feff}bom".as_bytes(),
    "\u{fffd}".as_bytes(),
    "\u{ef80}".as_bytes(),
    "\u{f05c}".as_bytes(),
    "\u{a0}".as_bytes(),
    b"tab\t",
    b"\x01",
    b"esc\x1b[0m",
    b"\x7f",
    b"line\nbreak",
    b"\n",
    b"cr\r",
    b"\r\n",
    b"\xff",
    b"caf\xe9",
    b"\xc3",
    b"x\xed\xa0\x80",
    b"n\xff.tmp",
    b"Test2.D",
    b"TEST2.txt",
    b"- sp",
    b"+ x",
    b"{{x}}",
    b"{%x%}",
];

pub const PATTERNS: &[&str] = &[
    "*",
    "*.*",
    "?",
    "??",
    "*.tmp",
    "~WRL*.tmp",
    "~WRL?.tmp",
    "test2.*",
    "*.",
    ".*",
    "*a*",
    "-*",
    "[x]",
    "[*]",
    "*\\*",
    "* *",
    "a",
    "A",
    "*.d",
    "#*",
    "?*?",
    "**",
    "*?",
    "\u{1f600}*",
    "caf?",
    "cache",
    "src",
    "*\u{301}",
    "e?",
];

/// A name; in `nasty` of a hundred cases one of the nasty.
pub fn name(dice: &mut Dice, nasty: usize) -> Vec<u8> {
    let from = if dice.percent(nasty) { NASTY } else { PLAIN };
    dice.pick(from).to_vec()
}

/// Names that are harmless elsewhere, and not for cmd, Robocopy or a comparison without case.
const WINDOWS: &[&str] = &[
    "100% & (more) ^!",
    "%TEMP%",
    "%1",
    "a^b",
    "^",
    "x!y!",
    "!TEMP!",
    "(1)",
    ")",
    "{x}",
    "a;b=c,d+e",
    "it's",
    "+x",
    "=",
    ",",
    "Übung",
    "ÜBER",
    "über",
    "\u{1c6}.tmp",
    "\u{fb01}x",
    "Œuvre",
    "οδός",
    "ΟΔΌΣ",
    "\u{10428}",
    "Cache",
    "SRC",
    "~wrl2.TMP",
    "x.TMP",
    "file.txt.exe",
    "con fusion",
    "a.b.c",
    "e\u{301}\u{327}",
];

/// A name that Windows can have, and shows by the same name: what it takes for a device or cuts at
/// the end is not. What the real Robocopy makes of a dot or a space there is not known, so its
/// stand-in cannot tell; that archives hold such names is in the list of scenarios.
pub fn windows_name(dice: &mut Dice, nasty: usize) -> String {
    const DEVICES: &[&str] = &["con", "nul", "aux", "prn"];
    loop {
        let found = match dice.percent(nasty / 2) {
            true => (*dice.pick(WINDOWS)).to_owned(),
            false => match String::from_utf8(name(dice, nasty)) {
                Ok(name) => name,
                Err(_) => continue,
            },
        };
        let illegal = |c: char| c.is_control() || "<>:\"/\\|?*".contains(c);
        let device = DEVICES.contains(
            &found
                .split('.')
                .next()
                .unwrap_or_default()
                .to_lowercase()
                .as_str(),
        );
        if !found.contains(illegal) && !found.ends_with([' ', '.']) && !device {
            return found;
        }
    }
}

/// A pattern that matches the last name of `path`, or nearly.
pub fn pattern_of(dice: &mut Dice, path: &Names) -> String {
    let name = path
        .last()
        .map(|n| String::from_utf8_lossy(n).into_owned())
        .unwrap_or_default();
    let mut chars: Vec<char> = name.chars().take(40).collect();
    for _ in 0..dice.below(3) {
        let at = dice.below(chars.len() + 1);
        match dice.below(4) {
            0 => chars.insert(at, '*'),
            1 => chars.insert(at, '?'),
            2 if at < chars.len() => chars[at] = '?',
            _ => {
                chars.truncate(at);
                chars.push('*');
            }
        }
    }
    chars.into_iter().collect()
}
