//! The JSON of a credential file, as Go reads and writes it. Members that we do not know are kept, each value with its
//! spelling.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::value::{RawValue, to_raw_value};
use zeroize::{Zeroize as _, Zeroizing};

pub(super) use crate::go_json::{JsonMembers, field_of, key_of, members};

/// The members of a value that is an object; empty for `null`, None for any other value.
pub(super) fn object(value: &RawValue) -> Option<JsonMembers<'_>> {
    Option::<JsonMembers<'_>>::deserialize(value).ok().map(Option::unwrap_or_default)
}

/// The text of a value that is a string; empty for `null`, as for a string in Go, and None for any other value.
pub(super) fn text(value: &RawValue) -> Option<Zeroizing<String>> {
    let text = Option::<String>::deserialize(value).ok()?;
    Some(Zeroizing::new(text.unwrap_or_default()))
}

/// An object that is being changed. It is wiped when it is dropped, because any part of it may be a secret.
#[derive(Default)]
pub(super) struct Object(pub(super) BTreeMap<String, Box<RawValue>>);

impl Object {
    pub(super) fn of(members: &JsonMembers<'_>) -> Self {
        Self(members.iter().map(|(key, value)| (key.clone(), (*value).to_owned())).collect())
    }

    /// The object as JSON. Each value keeps its spelling.
    pub(super) fn to_json(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        Ok(Zeroizing::new(serde_json::to_string(&self.0)?))
    }

    /// Sets the value of a member.
    pub(super) fn set(&mut self, key: String, value: &serde_json::Value) -> Result<(), serde_json::Error> {
        let old = self.0.insert(key, to_raw_value(value)?);
        old.into_iter().for_each(wipe);
        Ok(())
    }

    /// Removes the members for which `which` is true. Returns whether there were any.
    pub(super) fn take_out(&mut self, which: impl Fn(&str, &RawValue) -> bool) -> bool {
        let gone: Vec<String> =
            self.0.iter().filter(|(key, value)| which(key, value)).map(|(key, _)| key.clone()).collect();
        gone.iter().filter_map(|key| self.0.remove(key)).for_each(wipe);
        !gone.is_empty()
    }

    /// Sets the value of a member to this object.
    pub(super) fn set_object(&mut self, key: String, object: &Self) -> Result<(), serde_json::Error> {
        let old = self.0.insert(key, to_raw_value(&object.0)?);
        old.into_iter().for_each(wipe);
        Ok(())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).into_values().for_each(wipe);
    }
}

fn wipe(value: Box<RawValue>) {
    Box::<str>::from(value).zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_to_know_is_passed_over_and_kept() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for foreign in
            ["1e999", "12345678901234567890123", "1.0", r#""\ud800 \u00e9""#, r#"{"b":1,"a":[]}"#, &deep]
        {
            let json = format!(r#" {{"z":{foreign},"auths":{{"h":{{"x":{foreign}}}}}}} behind it"#);
            let (found, rest) = members(&json).unwrap();
            assert_eq!((found["z"].get(), rest), (foreign, " behind it"));
            let kept = Object::of(&found).to_json().unwrap();
            assert_eq!(*kept, format!(r#"{{"auths":{{"h":{{"x":{foreign}}}}},"z":{foreign}}}"#));
        }
        for text in ["", "{ no JSON", "[]", "7", r#"{"a":1e}"#, r#"{"a":[}"#, "\u{feff}{}", r#"{"a":tru}"#] {
            assert!(members(text).is_err(), "{text}");
        }
        assert!(members("null").unwrap().0.is_empty());
    }
}
