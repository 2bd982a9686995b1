//! Reads JSON objects of which only some members are needed, as Go reads them into a struct.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::read::is_field;

/// The members of a JSON object by key. The values are kept as their JSON text, not read yet.
pub type JsonMembers<'a> = BTreeMap<String, &'a RawValue>;

/// The members of the first JSON value in a text, and the text that follows that value, which Go does not look at
/// (`json.Decoder.Decode`). `null` gives no members. Any other value than an object is an error.
pub fn members(text: &str) -> Result<(JsonMembers<'_>, &str), serde_json::Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Option<JsonMembers<'_>>>();
    let members = match values.next() {
        Some(first) => first?.unwrap_or_default(),
        // There are only spaces, which is an error.
        None => serde_json::from_str(text)?,
    };
    let rest = text.get(values.byte_offset()..).unwrap_or_default();
    Ok((members, rest))
}

/// The value of a struct field. As when Go reads into a struct, a key with the same letter case counts first, then the
/// last one in byte order that differs in letter case alone. Docker reads its config.json so.
pub fn field_of<'a, T>(members: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    members.get(&key_of(members, name))
}

/// The key that a struct field has among these members (as in [`field_of`]), or else its name, for a key that is to be
/// added.
pub fn key_of<T>(members: &BTreeMap<String, T>, name: &str) -> String {
    let other = || members.keys().rfind(|key| is_field(key, name));
    members
        .get_key_value(name)
        .map(|(key, _)| key)
        .or_else(other)
        .map_or_else(|| name.to_owned(), String::clone)
}
