//! YAML as Helm reads it: by go-yaml 2 and sigs.k8s.io/yaml, which are in every Helm 3 and 4. It is YAML 1.1 with Go's
//! numbers, the first document only, the last of duplicate keys.
//!
//! `decode` and `input` give characters, `scan` makes tokens of characters, `events` nodes of tokens, `resolve` types of
//! scalars. `check` goes
//! through the events of a file and keeps nothing; `build` makes a [`YamlValue`] of what has been checked. Each step is written
//! here because no library has go-yaml's rules: of generated documents a port of libyaml takes or refuses one in 25
//! otherwise, a reader of YAML 1.2 one in ten, and none says beforehand how much it will hold.

mod build;
mod check;
mod decode;
mod document;
pub(super) mod emit;
mod event;
mod events;
mod input;
mod pluck;
mod problem;
mod resolve;
mod scan;
#[cfg(test)]
mod tests;
mod timestamp;
mod value;

pub(crate) use self::pluck::pluck;
pub(super) use self::timestamp::is_rfc3339;
pub(crate) use document::read_whole;
#[cfg(any(test, fuzzing))]
pub(super) use document::steps;
pub(super) use document::{check_metadata, check_values, read, read_values};
pub use problem::YamlError;
pub(super) use value::YamlDocument;
pub(crate) use value::YamlValue;
