//! Secrets as a type that cannot be printed, compared or serialized by accident (SPEC#credentials).

use std::fmt;

use zeroize::Zeroizing;

/// A password or access key in memory. `Debug` and `Display` show `***`; there is no `Serialize`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret out of the text that carried it.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The secret itself: only for a child's standard input or environment, and for request
    /// signing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text from elsewhere, such as a server's answer, with `***` for every occurrence of the
    /// secret. A secret of a few characters occurs in many words (`S` in `TLS`), so only whole
    /// words are replaced.
    pub fn masked(&self, text: &str) -> String {
        let secret: &str = &self.0;
        if secret.is_empty() {
            return text.to_owned();
        }
        let short = secret.chars().count() < WORTH_HIDING;
        let mut masked = String::new();
        let mut rest = 0;
        for (start, found) in text.match_indices(secret) {
            let end = start + found.len();
            let before = text[..start]
                .chars()
                .next_back()
                .is_some_and(char::is_alphanumeric);
            let after = text[end..]
                .chars()
                .next()
                .is_some_and(char::is_alphanumeric);
            if short && (before || after) {
                continue;
            }
            masked.push_str(&text[rest..start]);
            masked.push_str("***");
            rest = end;
        }
        masked.push_str(&text[rest..]);
        masked
    }
}

/// No service issues access keys shorter than this, and a shorter secret can be guessed anyway.
const WORTH_HIDING: usize = 8;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_and_the_text_stays_readable() {
        for (secret, text, masked) in [
            (
                "hunter-two",
                "hunter-two=hunter-twohunter-two",
                "***=******",
            ),
            ("hunter-two", "xhunter-twoy is refused", "x***y is refused"),
            ("größe+größe", "<größe+größe>", "<***>"),
            (
                "S",
                "TLS: S is not a key (S)",
                "TLS: *** is not a key (***)",
            ),
            ("S", "S", "***"),
            ("a a", "a a a", "*** a"),
            (
                "key",
                "keyring, monkey, key=key1",
                "keyring, monkey, ***=key1",
            ),
            ("", "nothing", "nothing"),
        ] {
            assert_eq!(Secret::new(secret).masked(text), masked, "{secret}");
        }
    }
}
