//! Names of the directories that runs keep their work files in: `home_20240531_020000_3f9a01c2`.

use crate::model::stamp::Stamp;

/// The name for a run of `location`. The `nonce`, if there is one, keeps others from making the
/// directory first.
pub fn work_name(location: &str, stamp: Stamp, nonce: &str) -> String {
    match nonce {
        "" => format!("{location}_{stamp}"),
        nonce => format!("{location}_{stamp}_{nonce}"),
    }
}

/// The run of `location` whose work directory has this name.
pub fn run_of(name: &str, location: &str) -> Option<Stamp> {
    let rest = name.strip_prefix(location)?.strip_prefix('_')?;
    let without_nonce = || {
        let (stamp, nonce) = rest.rsplit_once('_')?;
        let is_nonce = nonce.len() == NONCE && nonce.chars().all(|c| c.is_ascii_hexdigit());
        is_nonce.then(|| stamp.parse().ok()).flatten()
    };
    rest.parse().ok().or_else(without_nonce)
}

/// Characters of a nonce: four random bytes. An existing directory stops a run, so guessing
/// the name is useless.
const NONCE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_run() {
        let stamp: Stamp = "20240531_020000".parse().unwrap();
        for nonce in ["", "0123abcd"] {
            let name = work_name("my_home", stamp, nonce);
            assert_eq!(run_of(&name, "my_home"), Some(stamp), "{name}");
            assert_eq!(run_of(&name, "my"), None, "{name}");
        }
        for name in [
            "my_home_20240531_020000_0123abc",
            "my_home_20240531_020000_0123abcx",
            "my_home_20240531_020000_0123abcd_0123abcd",
            "my_home_20240531",
            "my_home",
        ] {
            assert_eq!(run_of(name, "my_home"), None, "{name}");
        }
    }
}
