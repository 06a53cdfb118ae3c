//! Answers as JSON: the version in each, and no integer that a program could round (SPEC#programs).

use serde::Serialize;
use serde_json::{Number, Value};

/// Of every answer. It is raised when a key is removed or changes its meaning; a new key does not
/// raise it.
pub const VERSION: u32 = 1;

/// The largest integer that every reader of JSON takes exactly: 2^53 - 1.
pub const EXACT: u64 = (1 << 53) - 1;

/// An answer as JSON: its version beside its own keys, and no integer that a program could round.
///
/// # Errors
/// If a value has no form in JSON.
pub fn to_value(answer: &impl Serialize) -> serde_json::Result<Value> {
    let mut value = exact(serde_json::to_value(answer)?);
    if let Value::Object(keys) = &mut value {
        keys.insert("version".to_owned(), VERSION.into());
    }
    Ok(value)
}

/// Integers beyond [`EXACT`] as text.
fn exact(value: Value) -> Value {
    let is_exact = |number: &Number| match (number.as_i64(), number.as_u64()) {
        (None, None) => true,
        (signed, unsigned) => unsigned
            .or(signed.map(i64::unsigned_abs))
            .is_some_and(|size| size <= EXACT),
    };
    match value {
        Value::Number(number) if !is_exact(&number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(exact).collect(),
        Value::Object(keys) => keys.into_iter().map(|(key, v)| (key, exact(v))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_integer_is_rounded_by_a_reader() {
        for (number, written) in [
            (json!(0), json!(0)),
            (
                json!(9_007_199_254_740_991_u64),
                json!(9_007_199_254_740_991_u64),
            ),
            (json!(9_007_199_254_740_992_u64), json!("9007199254740992")),
            (
                json!(-9_007_199_254_740_992_i64),
                json!("-9007199254740992"),
            ),
            (json!(u64::MAX), json!("18446744073709551615")),
            (json!(1.5), json!(1.5)),
        ] {
            assert_eq!(
                to_value(&json!({"a": [number]})).unwrap(),
                json!({"a": [written], "version": 1})
            );
        }
    }
}
