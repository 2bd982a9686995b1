//! Reads YAML as Helm does, with go-yaml 2 and sigs.k8s.io/yaml, which all versions of Helm 3 and 4 have. That is YAML
//! 1.1 with Go's numbers. Only the first document is read, and of duplicate keys the last one counts.
//!
//! `decode` and `input` give characters, `scan` turns them into tokens, `events` turns tokens into nodes, and `resolve`
//! finds the types of scalars. `check` goes through the events of a file and keeps nothing; `build` then makes a
//! [`YamlValue`]. All steps are written here because no library has the rules of go-yaml: of generated documents, a
//! port of libyaml judges one in 25 differently, and a reader of YAML 1.2 one in ten. And none tells beforehand how
//! much memory a document takes.

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
#[cfg(any(test, fuzzing))]
pub(super) use document::steps;
pub(super) use document::{check_metadata, check_values, read, read_values};
pub(crate) use document::{is_one_document, read_whole};
pub use problem::YamlError;
pub(super) use value::YamlDocument;
pub(crate) use value::YamlValue;
