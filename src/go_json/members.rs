//! Objects of which only some members are read, as Go reads them into a struct.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::read::is_field;

/// The members of an object, of which the values are not read yet.
pub type JsonMembers<'a> = BTreeMap<String, &'a RawValue>;

/// The members of the first JSON value in a text, and what stands behind it, which Go does not look at
/// (`json.Decoder.Decode`). `null` is an object without members.
pub fn members(text: &str) -> Result<(JsonMembers<'_>, &str), serde_json::Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Option<JsonMembers<'_>>>();
    let members = match values.next() {
        Some(first) => first?.unwrap_or_default(),
        // Nothing but spaces, which is an error.
        None => serde_json::from_str(text)?,
    };
    let rest = text.get(values.byte_offset()..).unwrap_or_default();
    Ok((members, rest))
}

/// The value of a field, whose key need not have its letter case: docker reads its file into a struct of Go.
pub fn field_of<'a, T>(members: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    members.get(&key_of(members, name))
}

/// The key that a field has among members, or is to have.
pub fn key_of<T>(members: &BTreeMap<String, T>, name: &str) -> String {
    let other = || members.keys().rfind(|key| is_field(key, name));
    members
        .get_key_value(name)
        .map(|(key, _)| key)
        .or_else(other)
        .map_or_else(|| name.to_owned(), String::clone)
}
