//! Reads JSON as Go reads it, and writes JSON and numbers byte for byte as Go writes them.
//!
//! Helm's config blob is `json.Marshal` of the chart's metadata, and its digest is part of every manifest. Equal
//! digests need equal bytes. Go escapes `<`, `>` and `&`, uses fewer short escapes than serde_json, and has rules of
//! its own for when a number has an exponent (encoding/json/encode.go and strconv/ftoa.go, Go 1.18).

mod members;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use self::members::{JsonMembers, field_of, key_of, members};
pub use self::read::{Unexpected, indented, is_field, readable, string_map, strings};
pub use self::write::{GoFormatter, format_g32, is_within, number, to_vec, to_vec_within};
