//! YAML as Helm reads it: by go-yaml 2 and sigs.k8s.io/yaml, which are in every Helm 3 and 4. It is YAML 1.1 with Go's
//! numbers, the first document only, the last of duplicate keys.
//!
//! `decode` and `input` give characters, `scan` makes tokens of characters, `events` nodes of tokens, `resolve` types of
//! scalars. `check` goes
//! through the events of a file and keeps nothing; `build` makes a [`Value`] of what has been checked. Each step is written
//! here because no library has go-yaml's rules: of generated documents a port of libyaml takes or refuses one in 25
//! otherwise, a reader of YAML 1.2 one in ten, and none says beforehand how much it will hold.

mod build;
mod check;
mod decode;
mod event;
mod events;
mod input;
mod resolve;
mod scan;
mod timestamp;

pub(super) use self::timestamp::is_rfc3339;

use self::check::{Limits, Measure};
use self::decode::Decoded;
use self::input::Input;
use crate::go_json::{format_g32, number};
use crate::limits::{Budget, Held, MAX_METADATA, MAX_VALUES, OverBudget};

/// What a file that becomes metadata may hold. The largest of 282 real charts has 51 values. JSON of the cache is read back
/// to a depth of 128 (serde_json).
const METADATA: Limits = Limits { values: 10_000, bytes: MAX_METADATA, depth: 100 };

/// What values.yaml may hold: 1,486 values in the largest of 282 real charts. Go reads JSON, which Helm makes of it, to this
/// depth (maxNestingDepth in encoding/json).
const VALUES: Limits = Limits { values: 30_000, bytes: MAX_VALUES, depth: 10_000 };

/// How deep values.yaml may be nested where values have to be built to know whether Helm reads it. What goes through them
/// calls itself.
const MAX_DOUBTFUL: usize = 1000;

/// A YAML value with the type that Go gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// One that is too large for that by one bit.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Everything else, and everything quoted.
    String(String),
    /// A list.
    List(Vec<Self>),
    /// A map, sorted by its keys; these as Go's JSON conversion spells them, each once, the last one's value.
    Map(Vec<(String, Self)>),
    /// A map with a key that JSON cannot have. Helm does not notice where another value takes its place.
    Unusable(&'static str),
}

/// A value, and what it takes of the budget.
pub(super) struct Document<'b> {
    pub(super) value: Value,
    /// As long as the value, or what is made of its parts.
    pub(super) held: Held<'b>,
}

/// Why a text is not YAML that Helm reads.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Not YAML, or not go-yaml's.
    #[error("{problem} at line {line} column {column}")]
    Syntax {
        /// What is wrong, as far as Helm has words for it in these: they are what people look for.
        problem: &'static str,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Nested beyond reason.
    #[error("it is nested more than {0} deep")]
    Depth(usize),
    /// More values than any chart needs, or aliases that stand for so many.
    #[error("it holds more than {0} values")]
    Values(usize),
    /// Aliases that stand for more text than any chart needs.
    #[error("it holds more than {} MiB, with what its aliases stand for", .0 >> 20)]
    Size(u64),
    /// A number that JSON, which Helm turns YAML into, does not have.
    #[error("{0} is not a number that a chart can hold")]
    NotFinite(f64),
    /// A key that JSON does not have.
    #[error("{0} cannot be the key of a map")]
    Key(&'static str),
    /// More than the command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
}

/// What is wrong at a place of a text.
#[derive(Clone, Copy, Debug)]
struct Problem {
    what: &'static str,
    /// From 1.
    line: usize,
    /// From 1.
    column: usize,
}

impl From<Problem> for YamlError {
    fn from(problem: Problem) -> Self {
        let Problem { what, line, column } = problem;
        Self::Syntax { problem: what, line, column }
    }
}

/// Reads the first document of a file that is metadata. A text without a document is null.
pub(super) fn read<'b>(bytes: &[u8], budget: &'b Budget) -> Result<Document<'b>, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = check::check(Input::new(&decoded), &METADATA)?;
    build(&decoded, &measure, budget)
}

/// How many steps it takes to check a document: characters, tokens and events. A figure for tests, which measure no time.
#[cfg(any(test, fuzzing))]
pub(super) fn steps(bytes: &[u8]) -> u64 {
    let budget = Budget::default();
    Decoded::new(bytes, &budget).map_or(0, |decoded| check::steps(Input::new(&decoded), &VALUES))
}

/// Checks whether a document is one that [`read`] takes.
pub(super) fn check_metadata(bytes: &[u8], budget: &Budget) -> Result<(), YamlError> {
    check::check(Input::new(&Decoded::new(bytes, budget)?), &METADATA).map(|_| ())
}

/// Checks whether the first document of values.yaml is one that Helm reads, and what it is: "a map", "null".
pub(super) fn check_values(bytes: &[u8], budget: &Budget) -> Result<&'static str, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let measure = check::check(Input::new(&decoded), &VALUES)?;
    if measure.doubtful {
        if measure.depth > MAX_DOUBTFUL {
            return Err(YamlError::Depth(MAX_DOUBTFUL));
        }
        build(&decoded, &measure, budget)?.value.check_json()?;
    }
    Ok(measure.kind)
}

fn build<'b>(
    decoded: &Decoded<'_, '_>,
    measure: &Measure,
    budget: &'b Budget,
) -> Result<Document<'b>, YamlError> {
    let held = budget.hold(measure.memory())?;
    Ok(Document { value: build::build(Input::new(decoded), measure)?, held })
}

impl Value {
    /// What the value is called in a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Unusable(_) => "a map",
        }
    }

    /// The text that this scalar becomes in a field of type string (sigs.k8s.io/yaml, convertToJSONableObject).
    pub(super) fn into_text(self) -> Result<String, Self> {
        Ok(match self {
            Self::Bool(bool) => bool.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Uint(int) => int.to_string(),
            Self::Float(float) => format_g32(float),
            Self::String(string) => string,
            Self::Null | Self::List(_) | Self::Map(_) | Self::Unusable(_) => return Err(self),
        })
    }

    /// The text that this scalar becomes as the key of a map (ibid.), or what it is that cannot be one.
    fn into_key(self) -> Result<String, &'static str> {
        match self {
            // Of the types that go-yaml makes the conversion forgets one.
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

    /// The same as JSON, its maps sorted.
    pub(super) fn into_json(self) -> Result<serde_json::Value, YamlError> {
        use serde_json::Value as Json;
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(bool) => Json::Bool(bool),
            Self::Int(int) => Json::from(int),
            Self::Uint(int) => Json::from(int),
            // Written and read again it has to be the same.
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

    /// Whether it can be JSON, where it is not made a string.
    pub(super) fn check_json(&self) -> Result<(), YamlError> {
        match self {
            Self::Float(float) if !float.is_finite() => Err(YamlError::NotFinite(*float)),
            Self::Unusable(key) => Err(YamlError::Key(key)),
            Self::List(list) => list.iter().try_for_each(Self::check_json),
            Self::Map(map) => map.iter().try_for_each(|(_, value)| value.check_json()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
