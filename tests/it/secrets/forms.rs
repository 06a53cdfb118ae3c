//! The secrets of the tests, and every form in which they could have been written.

use std::sync::LazyLock;

use crate::support::machine::KEY;
use crate::support::smtp::PASSWORD;

pub const ACCESS_KEY: &str = "AKIA-NOBODY-MUST-SEE-ME";
pub const SECRET_KEY: &str = "secret/access+key=nobody-must-see";

/// A part of an address that is a secret.
pub const WEBHOOK: &str = "post-box/nobody-must-see+this=either";

/// Every form a secret could have been written in.
fn forms() -> &'static [(String, Vec<u8>)] {
    static FORMS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
        let secrets = [KEY, ACCESS_KEY, SECRET_KEY, PASSWORD, WEBHOOK];
        secrets.into_iter().flat_map(forms_of).collect()
    });
    &FORMS
}

fn forms_of(secret: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| secret.encode_utf16().flat_map(to_bytes).collect();
    let each = |form: &dyn Fn(char) -> String| secret.chars().map(form).collect::<String>();
    let percent = each(&|c| match c.is_ascii_alphanumeric() || "-._~".contains(c) {
        true => c.to_string(),
        false => c.to_string().bytes().map(|b| format!("%{b:02X}")).collect(),
    });
    let xml = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let json = serde_json::to_string(secret).unwrap();
    let json = json.trim_matches('"').to_owned();
    let slashed = json.replace('/', "\\/");
    let shell = each(
        &|c| match c.is_ascii_alphanumeric() || "-._/=+".contains(c) {
            true => c.to_string(),
            false => format!("\\{c}"),
        },
    );
    let reversed: String = secret.chars().rev().collect();
    let text = |text: String| text.into_bytes();
    let mut forms: Vec<(&str, Vec<u8>)> = vec![
        ("text", bytes.to_vec()),
        ("hex", text(hex::encode(bytes))),
        ("HEX", text(hex::encode_upper(bytes))),
        ("percent", text(percent.clone())),
        ("percent in lower case", text(percent.to_lowercase())),
        ("UTF-16LE", utf16(u16::to_le_bytes)),
        ("UTF-16BE", utf16(u16::to_be_bytes)),
        ("JSON", text(json)),
        ("JSON with slashes", text(slashed)),
        ("XML", text(xml.clone())),
        (
            "XML with quotes",
            text(xml.replace('"', "&quot;").replace('\'', "&apos;")),
        ),
        ("shell", text(shell)),
        ("shell in quotes", text(secret.replace('\'', "'\\''"))),
        ("backwards", text(reversed)),
    ];
    // Base64 of the middle, at each of its three offsets.
    for skip in 0..3 {
        let whole = (bytes.len() - skip) / 3 * 3;
        let standard = base64(&bytes[skip..skip + whole]);
        let url = standard.iter().map(|b| match b {
            b'+' => b'-',
            b'/' => b'_',
            b => *b,
        });
        forms.push(("base64 for addresses", url.collect()));
        forms.push(("base64", standard));
    }
    forms
        .into_iter()
        .map(|(form, bytes)| (format!("{form} of {secret}"), bytes))
        .collect()
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
        [18, 12, 6, 0].map(|shift| LETTERS[number >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(letters).collect()
}

pub fn assert_secretless(what: &str, bytes: &[u8]) {
    for (form, secret) in forms() {
        assert!(
            !bytes.windows(secret.len()).any(|window| window == secret),
            "{what} holds the {form}"
        );
    }
}
