//! Secrets as a type that cannot be printed, compared or serialized by accident (SPEC §2).

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

    /// The secret itself: only for a child's standard input or environment, and for request signing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text without this secret in it, for messages that repeat what a person wrote. Shorter ones are in every text.
    pub fn blank(&self, text: &str) -> String {
        if self.0.chars().count() < 4 { text.to_owned() } else { text.replace(self.0.as_str(), "***") }
    }
}

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
