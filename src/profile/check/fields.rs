//! Names, addresses and references: what a single text must look like.

use super::{Checker, Mistake};
use crate::model::path::FullPath;
use crate::model::policy::Credentials;
use crate::model::policy::Reference;
use crate::profile::document::S3Credentials;

/// The longest profile name and location: names of objects and files begin with them, and a file
/// name has 255 bytes at most.
const MAX_NAME: usize = 64;

impl Checker<'_> {
    /// The name becomes part of file names and task names.
    pub(super) fn name(&mut self, name: &str) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if name.len() > MAX_NAME
            || !name.chars().all(allowed)
            || !edge(name.chars().next())
            || !edge(name.chars().last())
        {
            let message = format!("'{}' is not a profile name", name.escape_debug());
            self.report(
                Mistake::value("/name", message)
                    .hint("use 1 to 64 letters, digits, `.`, `_` and `-`, with a letter or digit at both ends"),
            );
        }
    }

    /// The location is the first field of every object name, and `_` ends the field (SPEC#names).
    pub(super) fn location(&mut self, location: &str) {
        // v1.0 took any text: what it wrote is continued.
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ' ' | '\'');
        let is_spaced = location.starts_with(' ') || location.ends_with(' ');
        let is_place = matches!(location, "." | "..");
        if location.contains('_') {
            let message = format!(
                "the location '{}' contains an underscore",
                location.escape_debug()
            );
            let hint = "underscores separate the fields of object names: write `-` instead";
            self.report(Mistake::value("/location", message).hint(hint));
        } else if location.is_empty()
            || location.chars().count() > MAX_NAME
            || is_spaced
            || is_place
            || !location.chars().all(allowed)
        {
            let message = format!("'{}' is not a location", location.escape_debug());
            self.report(
                Mistake::value("/location", message)
                    .hint("use 1 to 64 letters, digits, `.`, `-`, `'` and spaces inside"),
            );
        }
    }

    pub(super) fn region(&mut self, pointer: &str, region: &str) -> String {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(allowed) {
            let message = format!("'{}' is not a region", region.escape_debug());
            self.report(Mistake::value(pointer, message).hint("write it like `us-east-1`"));
        }
        region.to_owned()
    }

    /// The value is not repeated, because it may contain a user name and password.
    pub(super) fn endpoint(&mut self, pointer: &str, endpoint: Option<&str>) -> Option<String> {
        let text = endpoint?;
        let hint = "write `https://host` or `http://host:port`";
        match text.parse::<http::Uri>() {
            Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
                self.report(Mistake::value(pointer, "is not an http or https address").hint(hint));
            }
            Ok(uri) if uri.authority().is_some_and(|a| a.as_str().contains('@')) => {
                self.report(
                    Mistake::value(pointer, "contains a user name")
                        .hint("use `credentials` for that"),
                );
            }
            Ok(uri) if uri.authority().is_some_and(has_bad_port) => {
                self.report(Mistake::value(pointer, "has a port that is not a number").hint(hint));
            }
            Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none() => {
            }
            _ => self.report(Mistake::value(pointer, "is not an http or https address").hint(hint)),
        }
        Some(text.to_owned())
    }

    pub(super) fn credentials(
        &mut self,
        pointer: &str,
        given: Option<&S3Credentials>,
    ) -> Option<Credentials> {
        let S3Credentials {
            access_key_id,
            secret_access_key,
            session_token,
        } = given?;
        self.reference(&format!("{pointer}/access-key-id"), access_key_id);
        self.reference(&format!("{pointer}/secret-access-key"), secret_access_key);
        if let Some(token) = session_token {
            self.reference(&format!("{pointer}/session-token"), token);
        }
        Some(Credentials {
            access_key_id: access_key_id.clone(),
            secret_access_key: secret_access_key.clone(),
            session_token: session_token.clone(),
        })
    }

    /// No message repeats any part of a reference: someone may have put the secret there.
    pub(super) fn reference(&mut self, pointer: &str, reference: &Reference) {
        match reference {
            Reference::Env(name) => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty()
                    || name.starts_with(|c: char| c.is_ascii_digit())
                    || !name.chars().all(word)
                {
                    let message = "is not the name of an environment variable";
                    let hint =
                        "write the name of the variable (letters, digits, `_`), not the secret";
                    self.report(Mistake::value(format!("{pointer}/env"), message).hint(hint));
                }
            }
            Reference::File(path) => {
                let family = self.family;
                if FullPath::parse(path).is_ok_and(|path| path.family() == family) {
                    return;
                }
                let message = format!("is not the full path of a file on {family}");
                self.report(
                    Mistake::value(format!("{pointer}/file"), message).hint("write the whole path"),
                );
            }
            Reference::Command(words) => {
                let pointer = format!("{pointer}/command");
                if words
                    .first()
                    .is_none_or(|program| program.trim().is_empty())
                {
                    self.report(Mistake::value(pointer, "names no program"));
                } else if words.iter().any(|word| word.contains('\0')) {
                    self.report(Mistake::value(pointer, "contains a NUL character"));
                }
            }
            Reference::Keyring(entry) => {
                for (key, text) in [("service", &entry.service), ("user", &entry.user)] {
                    if text.trim().is_empty() {
                        self.report(Mistake::value(
                            format!("{pointer}/keyring/{key}"),
                            "is empty",
                        ));
                    }
                }
            }
        }
    }
}

/// Whether the port is not a number.
fn has_bad_port(authority: &http::uri::Authority) -> bool {
    let text = authority.as_str();
    let after_host = text.rsplit_once(']').map_or(text, |(_, after)| after);
    after_host.contains(':') && authority.port_u16().is_none()
}

#[cfg(test)]
mod tests {
    use super::has_bad_port;

    #[test]
    fn a_port_is_a_number() {
        for (authority, is_bad) in [
            ("host", false),
            ("host:9000", false),
            ("127.0.0.1:abc", true),
            ("host:", true),
            ("host:70000", true),
            ("[::1]", false),
            ("[::1]:9000", false),
            ("[::1]:x", true),
        ] {
            // What the parser itself refuses is refused anyway.
            let Ok(parsed) = authority.parse() else {
                assert!(is_bad, "{authority}");
                continue;
            };
            assert_eq!(has_bad_port(&parsed), is_bad, "{authority}");
        }
    }
}
