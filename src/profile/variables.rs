//! `~/` and `${NAME}` in the paths of a profile (SPEC#profile).

use std::env;

use serde_json::Value;

use super::mistake::Mistake;
use super::yaml::child;

/// The key that declares variables.
const VARIABLES: &str = "variables";

/// Keys whose texts are paths or lists of paths.
const PATHS: [&str; 13] = [
    "path",
    "sources",
    "directories",
    "files",
    "directory",
    "work-directory",
    "mount",
    "program",
    "7z",
    "robocopy",
    "rsync",
    "config",
    "file",
];

/// Replaces them. What is not defined is a mistake, and gets a name of its own, so that nothing
/// else is said about it.
pub fn expand(value: &mut Value) -> Vec<Mistake> {
    let declared = value.get(VARIABLES).cloned().unwrap_or_default();
    let mut expansion = Expansion {
        declared: &Value::Null,
        mistakes: Vec::new(),
    };
    // A declared value can have variables of the environment.
    let mut own = declared;
    if let Value::Object(texts) = &mut own {
        for (name, text) in texts {
            let pointer = child(&child("", VARIABLES), name);
            expansion.text(text, &pointer);
        }
    }
    let mut expansion = Expansion {
        declared: &own,
        mistakes: expansion.mistakes,
    };
    expansion.walk(value, "", false);
    expansion.mistakes
}

struct Expansion<'v> {
    declared: &'v Value,
    mistakes: Vec<Mistake>,
}

impl Expansion<'_> {
    fn walk(&mut self, value: &mut Value, pointer: &str, is_path: bool) {
        match value {
            Value::Object(keys) => {
                for (key, value) in keys {
                    let pointer = child(pointer, key);
                    if pointer != child("", VARIABLES) {
                        self.walk(value, &pointer, PATHS.contains(&key.as_str()));
                    }
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    self.walk(item, &child(pointer, &number.to_string()), is_path);
                }
            }
            Value::String(_) if is_path => self.text(value, pointer),
            _ => {}
        }
    }

    fn text(&mut self, value: &mut Value, pointer: &str) {
        let Value::String(text) = value else { return };
        let mut made = String::new();
        let mut rest = text.as_str();
        if let Some(below) = rest.strip_prefix("~/").or_else(|| rest.strip_prefix("~\\")) {
            match env::home_dir() {
                Some(home) => made.push_str(&home.to_string_lossy()),
                None => made.push_str(&self.undefined(pointer, "HOME", true)),
            }
            made.push_str(&rest[1..2]);
            rest = below;
        }
        while let Some((before, after)) = rest.split_once("${") {
            // `$${` is written for `${`.
            if let Some(before) = before.strip_suffix('$') {
                made.push_str(before);
                made.push_str("${");
                rest = after;
                continue;
            }
            made.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                let text = "a variable is not closed: `}` is missing after `${`";
                let mistake = Mistake::value(pointer, text);
                self.mistakes
                    .push(mistake.hint("write `$${` for a name with `${` in it"));
                rest = "";
                break;
            };
            match self.value_of(name) {
                Some(text) => made.push_str(&text),
                None => made.push_str(&self.undefined(pointer, name, made.is_empty())),
            }
            rest = after;
        }
        made.push_str(rest);
        *text = made;
    }

    fn value_of(&self, name: &str) -> Option<String> {
        let own = self.declared.get(name).and_then(Value::as_str);
        own.map(str::to_owned).or_else(|| env::var(name).ok())
    }

    /// Reports the variable. What stands for it.
    fn undefined(&mut self, pointer: &str, name: &str, is_first: bool) -> String {
        let text = format!("the variable '{}' is not defined", name.escape_debug());
        let hint = "define it under `variables`, or set it in the environment of the backup";
        self.mistakes.push(Mistake::value(pointer, text).hint(hint));
        let root = if is_first { "/" } else { "" };
        format!("{root}undefined-{}", self.mistakes.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_have_variables_and_nothing_else_has() {
        let home = env::home_dir().unwrap_or_default().display().to_string();
        let path = env::var("PATH").unwrap_or_default();
        let mut value = json!({
            "variables": {"DATA": "/srv/data", "DEEP": "${PATH}/x"},
            "name": "${DATA}",
            "sources": ["~/docs", "${DATA}/a", {"path": "${DEEP}"}, "/x/$${DATA}", "/$HOME/~/x"],
            "exclude": {"files": ["~$*", "~WRL*.tmp", "${DATA}/b"]},
            "hooks": {"before": ["echo", "${DATA}"]},
            "archive": {"encryption-key": {"file": "${DATA}/key"}},
        });
        assert_eq!(expand(&mut value), []);
        assert_eq!(
            value,
            json!({
                "variables": {"DATA": "/srv/data", "DEEP": "${PATH}/x"},
                "name": "${DATA}",
                "sources": [
                    format!("{home}/docs"),
                    "/srv/data/a",
                    {"path": format!("{path}/x")},
                    "/x/${DATA}",
                    "/$HOME/~/x",
                ],
                "exclude": {"files": ["~$*", "~WRL*.tmp", "/srv/data/b"]},
                "hooks": {"before": ["echo", "${DATA}"]},
                "archive": {"encryption-key": {"file": "/srv/data/key"}},
            })
        );
    }

    #[test]
    fn what_is_not_defined_is_a_mistake() {
        let mut value = json!({"sources": ["${AAM_NO_SUCH}/a", "/b/${AAM_NO_SUCH", "/c"]});
        let mistakes = expand(&mut value);
        let found: Vec<&str> = mistakes.iter().map(|m| m.pointer.as_str()).collect();
        assert_eq!(found, ["/sources/0", "/sources/1"]);
        assert_eq!(value["sources"][0], "/undefined-1/a");
    }
}
