//! The values of a YAML document.

use super::problem::YamlError;
use crate::go_json::{format_g32, number};
use crate::limits::HeldBudget;

/// A YAML value with the type that go-yaml gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum YamlValue {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// An integer that fits in 64 bits with a sign.
    Int(i64),
    /// A positive integer of 64 bits that does not fit in `Int`.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Anything else, and everything in quotes.
    String(String),
    /// A list.
    List(Vec<Self>),
    /// A map, sorted by key. The keys are spelled as Go's conversion to JSON spells them. Of duplicate keys the last
    /// one counts.
    Map(Vec<(String, Self)>),
    /// A map with a key that JSON cannot have. Helm does not notice it if another value replaces the map.
    Unusable(&'static str),
}

/// The value of a document, and the memory that it takes.
pub(crate) struct YamlDocument<'b> {
    pub(crate) value: YamlValue,
    /// Must be kept as long as the value, or what is made of its parts.
    pub(crate) held: HeldBudget<'b>,
}

impl YamlValue {
    /// What the value is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Unusable(_) => "a map",
        }
    }

    /// The text that this scalar becomes in a field of type string (sigs.k8s.io/yaml, convertToJSONableObject). The
    /// error is the value itself, if it is not such a scalar.
    pub(crate) fn into_text(self) -> Result<String, Self> {
        Ok(match self {
            Self::Bool(bool) => bool.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Uint(int) => int.to_string(),
            Self::Float(float) => format_g32(float),
            Self::String(string) => string,
            Self::Null | Self::List(_) | Self::Map(_) | Self::Unusable(_) => return Err(self),
        })
    }

    /// The text that this scalar becomes as the key of a map, by the same function of Go. The error is what it is, for
    /// a message.
    pub(super) fn into_key(self) -> Result<String, &'static str> {
        match self {
            // Of the types that go-yaml makes, the conversion omits this one.
            Self::Uint(_) => Err("an integer of more than 63 bits"),
            Self::Float(float) => Ok(match format_g32(float).as_str() {
                "NaN" => ".nan".to_owned(),
                "+Inf" => ".inf".to_owned(),
                "-Inf" => "-.inf".to_owned(),
                text => text.to_owned(),
            }),
            other => other.into_text().map_err(|other| other.kind()),
        }
    }

    /// The value as JSON. An error if it has a number or a key that JSON does not have.
    pub(crate) fn into_json(self) -> Result<serde_json::Value, YamlError> {
        use serde_json::Value as Json;
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(bool) => Json::Bool(bool),
            Self::Int(int) => Json::from(int),
            Self::Uint(int) => Json::from(int),
            // The number must stay the same when it is written and read again.
            Self::Float(float) => Json::Number(number(float).ok_or(YamlError::NotFinite(float))?),
            Self::String(string) => Json::String(string),
            Self::List(list) => list.into_iter().map(Self::into_json).collect::<Result<_, _>>()?,
            Self::Map(map) => {
                let mut object = serde_json::Map::new();
                for (key, value) in map {
                    object.insert(key, value.into_json()?);
                }
                Json::Object(object)
            }
            Self::Unusable(key) => return Err(YamlError::Key(key)),
        })
    }

    /// An error if the value has a number or a key that JSON does not have.
    pub(crate) fn check_json(&self) -> Result<(), YamlError> {
        match self {
            Self::Float(float) if !float.is_finite() => Err(YamlError::NotFinite(*float)),
            Self::Unusable(key) => Err(YamlError::Key(key)),
            Self::List(list) => list.iter().try_for_each(Self::check_json),
            Self::Map(map) => map.iter().try_for_each(|(_, value)| value.check_json()),
            _ => Ok(()),
        }
    }
}
