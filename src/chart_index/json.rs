//! Reads an index in JSON as a stream, one version at a time.

use std::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::entry::{IndexEntry, IndexItem, WANTED};
use super::error::IndexError;
use super::head::IndexHead;
use crate::chart::yaml::YamlValue;
use crate::go_json::is_field;

/// How many levels of lists and maps the value of a key that is read may have. None of these values should have any but
/// lists of text.
const DEPTH: usize = 8;
/// How many bytes the values of one entry that are read may take in memory.
const KEPT: usize = 1 << 20;

/// The state of reading.
struct JsonIndexReading<'t> {
    take: &'t mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
    head: IndexHead,
    /// The error of `take`, kept here because the parser can only return its own errors.
    stopped: Option<IndexError>,
}

/// Reads an index. If it is not JSON, the error is [`IndexError::Json`], and the caller may read it as YAML.
pub(super) fn read_json(
    from: impl Read,
    take: &mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let mut reading = JsonIndexReading { take, head: IndexHead::default(), stopped: None };
    let mut parser = serde_json::Deserializer::from_reader(io::BufReader::with_capacity(64 << 10, from));
    let parsed = (&mut parser).deserialize_map(IndexVisitor(&mut reading)).and_then(|()| parser.end());
    match (reading.stopped, parsed) {
        (Some(stopped), _) => Err(stopped),
        (None, Err(error)) if error.is_io() => Err(IndexError::Read(error.into())),
        (None, Err(error)) => Err(IndexError::Json(error)),
        (None, Ok(())) => reading.head.check(),
    }
}

struct IndexVisitor<'r, 't>(&'r mut JsonIndexReading<'t>);

impl<'de> Visitor<'de> for IndexVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index of charts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if is_field(&key, "entries") {
                self.0.head.has_entries = true;
                map.next_value_seed(EntriesVisitor(self.0))?;
            } else {
                self.0.head.has_version |= is_field(&key, "apiVersion");
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads `entries`: for the name of each chart, a list of versions.
struct EntriesVisitor<'r, 't>(&'r mut JsonIndexReading<'t>);

impl<'de> DeserializeSeed<'de> for EntriesVisitor<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EntriesVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("charts by name")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(chart) = map.next_key::<String>()? {
            map.next_value_seed(IndexVersions { reading: self.0, chart: &chart })?;
        }
        Ok(())
    }
}

/// Reads the list of versions of one chart.
struct IndexVersions<'r, 't, 'c> {
    reading: &'r mut JsonIndexReading<'t>,
    chart: &'c str,
}

impl<'de> DeserializeSeed<'de> for IndexVersions<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IndexVersions<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of versions")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut left = KEPT;
        while let Some(value) =
            list.next_element_seed(KeptMember { names: &WANTED, depth: DEPTH, left: &mut left })?
        {
            left = KEPT;
            let item = IndexItem::of(IndexEntry::of(self.chart, 0, value));
            if let Err(stopped) = (self.reading.take)(item) {
                self.reading.stopped = Some(stopped);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Reads a value. Of its maps only the keys in `names` are kept.
struct KeptMember<'l> {
    names: &'static [&'static str],
    depth: usize,
    left: &'l mut usize,
}

impl KeptMember<'_> {
    fn pay<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        // A value takes this much memory besides its text.
        let rest = self.left.checked_sub(bytes + size_of::<YamlValue>());
        *self.left = rest.ok_or_else(|| E::custom("an entry holds more than 1 MiB of what is read of it"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for KeptMember<'_> {
    type Value = YamlValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<YamlValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeptMember<'_> {
    type Value = YamlValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<YamlValue, E> {
        Ok(YamlValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<YamlValue, E> {
        Ok(YamlValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<YamlValue, E> {
        Ok(YamlValue::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<YamlValue, E> {
        Ok(YamlValue::Uint(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<YamlValue, E> {
        Ok(YamlValue::Float(value))
    }

    fn visit_str<E: serde::de::Error>(mut self, value: &str) -> Result<YamlValue, E> {
        self.pay(value.len())?;
        Ok(YamlValue::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<YamlValue, A::Error> {
        let mut values = Vec::new();
        let Some(depth) = self.depth.checked_sub(1) else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(YamlValue::List(values));
        };
        while let Some(value) = list.next_element_seed(KeptMember { names: &[], depth, left: self.left })? {
            self.pay(0)?;
            values.push(value);
        }
        Ok(YamlValue::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<YamlValue, A::Error> {
        let mut fields = Vec::<(String, YamlValue)>::new();
        while let Some(key) = map.next_key::<String>()? {
            match self.names.iter().find(|name| is_field(&key, name)) {
                Some(name) => {
                    let value =
                        map.next_value_seed(KeptMember { names: &[], depth: DEPTH - 1, left: self.left })?;
                    // JSON numbers are not strings, and no value that is read is a number.
                    fields.retain(|(known, _)| known != name);
                    fields.push(((*name).to_owned(), text_or_other(value)));
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(YamlValue::Map(fields))
    }
}

/// Turns a number into a list, so that it is refused as a string: Go decodes no JSON number into a string, unlike those
/// of YAML.
fn text_or_other(value: YamlValue) -> YamlValue {
    match value {
        YamlValue::Int(_) | YamlValue::Uint(_) | YamlValue::Float(_) => YamlValue::List(vec![value]),
        other => other,
    }
}
