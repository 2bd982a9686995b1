//! The JSON of a credential file as Go reads and writes it: what is not ours to know is passed over, and kept letter for
//! letter.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::value::{RawValue, to_raw_value};
use zeroize::{Zeroize as _, Zeroizing};

pub(super) use crate::go_json::{JsonMembers, field_of, key_of, members};

/// The members of a value, if it is an object, and none if it is `null`.
pub(super) fn object(value: &RawValue) -> Option<JsonMembers<'_>> {
    Option::<JsonMembers<'_>>::deserialize(value).ok().map(Option::unwrap_or_default)
}

/// A value, if it is a text. `null` is an empty one, as Go's strings have it.
pub(super) fn text(value: &RawValue) -> Option<Zeroizing<String>> {
    let text = Option::<String>::deserialize(value).ok()?;
    Some(Zeroizing::new(text.unwrap_or_default()))
}

/// An object that is being changed. It is wiped when it is dropped: any part of it may be a secret.
#[derive(Default)]
pub(super) struct Object(pub(super) BTreeMap<String, Box<RawValue>>);

impl Object {
    pub(super) fn of(members: &JsonMembers<'_>) -> Self {
        Self(members.iter().map(|(key, value)| (key.clone(), (*value).to_owned())).collect())
    }

    /// As JSON, every value letter for letter.
    pub(super) fn to_json(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        Ok(Zeroizing::new(serde_json::to_string(&self.0)?))
    }

    /// Gives a member this value.
    pub(super) fn set(&mut self, key: String, value: &serde_json::Value) -> Result<(), serde_json::Error> {
        let old = self.0.insert(key, to_raw_value(value)?);
        old.into_iter().for_each(wipe);
        Ok(())
    }

    /// Takes members out. Whether there were any.
    pub(super) fn take_out(&mut self, which: impl Fn(&str, &RawValue) -> bool) -> bool {
        let gone: Vec<String> =
            self.0.iter().filter(|(key, value)| which(key, value)).map(|(key, _)| key.clone()).collect();
        gone.iter().filter_map(|key| self.0.remove(key)).for_each(wipe);
        !gone.is_empty()
    }

    /// Gives a member the value that this object is.
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
