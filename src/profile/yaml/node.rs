//! A YAML node as the parser gives it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::Spanned;

/// A YAML node before it is JSON: maps keep equal keys.
pub(super) enum YamlNode {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<YamlNode>>),
    Map(Vec<(Spanned<String>, Spanned<YamlNode>)>),
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<YamlNode, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = YamlNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }

    fn visit_none<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<YamlNode, E> {
        Ok(YamlNode::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<YamlNode, E> {
        Ok(YamlNode::Number(n.into()))
    }

    fn visit_u64<E>(self, n: u64) -> Result<YamlNode, E> {
        Ok(YamlNode::Number(n.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, n: f64) -> Result<YamlNode, E> {
        // `1.0` and `4e9` are whole numbers for people; up to here every one has its own f64.
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        if n.fract() == 0.0 && n.abs() <= LARGEST {
            return Ok(YamlNode::Number((n as i64).into()));
        }
        Number::from_f64(n)
            .map(YamlNode::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<YamlNode, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(YamlNode::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<YamlNode, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            if map.len() > 10_000 {
                return Err(A::Error::custom("too many keys"));
            }
            map.push(entry);
        }
        Ok(YamlNode::Map(map))
    }
}
