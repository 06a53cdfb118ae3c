//! Makes and compares fingerprints of archive keys (SPEC#state).

use std::num::NonZeroU32;

use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::secret::Secret;

/// What OWASP recommends for PBKDF2 with HMAC-SHA-256 since 2023: a guess at a weak key costs a
/// tenth of a second. 7-Zip's zip format uses 1,000 rounds, so this is not the easier way in.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(600_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// A fingerprint with more rounds was not made by this program, and would take minutes to compare.
const MOST_ROUNDS: u32 = 10_000_000;

/// The fingerprint of a key, with a salt of its own.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn make(key: &Secret) -> Result<KeyFingerprint, getrandom::Error> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    Ok(KeyFingerprint {
        salt: hex::encode(salt),
        rounds: ROUNDS.get(),
        digest: digest(key, &salt, ROUNDS),
    })
}

/// Whether a fingerprint is that of this key. `None` when it cannot be read.
pub fn is_of(fingerprint: &KeyFingerprint, key: &Secret) -> Option<bool> {
    let salt = hex::decode(&fingerprint.salt).ok()?;
    let rounds =
        NonZeroU32::new(fingerprint.rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS)?;
    let digest = hex::decode(&fingerprint.digest).ok()?;
    let key = key.expose().as_bytes();
    Some(pbkdf2::verify(PBKDF2_HMAC_SHA256, rounds, &salt, key, &digest).is_ok())
}

fn digest(key: &Secret, salt: &[u8], rounds: NonZeroU32) -> String {
    let mut digest = [0; 32];
    let key = key.expose().as_bytes();
    pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, salt, key, &mut digest);
    hex::encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_one_key_and_does_not_tell_it() {
        let key = Secret::new("correct horse");
        let one = KeyFingerprint {
            rounds: 1,
            digest: digest(&key, b"salt", NonZeroU32::MIN),
            salt: hex::encode("salt"),
        };
        assert_eq!(is_of(&one, &key), Some(true));
        assert_eq!(is_of(&one, &Secret::new("correct hors")), Some(false));
        let other = KeyFingerprint {
            salt: hex::encode("tlas"),
            ..one.clone()
        };
        assert_eq!(is_of(&other, &key), Some(false), "the salt counts");
        for wrong in [
            KeyFingerprint {
                rounds: 0,
                ..one.clone()
            },
            KeyFingerprint {
                salt: "x".into(),
                ..one.clone()
            },
        ] {
            assert_eq!(is_of(&wrong, &key), None);
        }
        assert!(!format!("{one:?}").contains("horse"));
    }
}
