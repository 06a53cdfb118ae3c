//! What shows that an archive key has changed, without revealing the key (SPEC#state).

use serde::{Deserialize, Serialize};

/// A salted, slow digest of an archive key. It is made and compared by
/// [`crate::adapters::key_fingerprint`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeyFingerprint {
    /// Chosen at random, lower-case hexadecimal.
    pub salt: String,
    /// Rounds of PBKDF2 with HMAC-SHA-256.
    pub rounds: u32,
    /// 32 bytes, lower-case hexadecimal.
    pub digest: String,
}
