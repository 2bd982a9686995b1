//! Builds values from the events of a document that was checked before.

use std::collections::BTreeMap;

use super::check::Measure;
use super::event::{Event, ScalarTag};
use super::events::Events;
use super::input::Input;
use super::problem::YamlError;
use super::resolve;
use super::value::YamlValue;

/// A list or map that is not complete.
struct OpenCollection<'a> {
    collected: Collected,
    anchor: Option<Anchor<'a>>,
}

enum Collected {
    List(Vec<YamlValue>),
    Map { entries: BTreeMap<String, YamlValue>, unusable: Option<&'static str>, next: Next },
}

/// What comes next in a map.
enum Next {
    Key,
    Value(String),
    /// The value of a key that JSON cannot have, which is dropped.
    Lost,
    /// The value of the key `<<`.
    Merged,
}

/// The name of an anchor, and its number among all anchors.
type Anchor<'a> = (&'a str, usize);

struct Build<'a, 'm> {
    measure: &'m Measure,
    open: Vec<OpenCollection<'a>>,
    /// The value of each name: that of the last anchor of this name, null until its node is complete.
    names: BTreeMap<&'a str, (usize, YamlValue)>,
    anchors: usize,
    root: YamlValue,
}

/// Builds the value of the first document of a text.
pub(super) fn build(input: Input<'_>, measure: &Measure) -> Result<YamlValue, YamlError> {
    let mut build =
        Build { measure, open: Vec::new(), names: BTreeMap::new(), anchors: 0, root: YamlValue::Null };
    let mut events = Events::new(input)?;
    while let Some(event) = events.next()? {
        match event {
            Event::Scalar(scalar, anchor) => {
                let anchor = build.name(anchor);
                let merges = scalar.text == "<<" && (scalar.plain || scalar.tag == ScalarTag::Merge);
                let value = resolve::resolve(scalar).map_err(|problem| events.problem(problem))?;
                build.keep(anchor, &value);
                if !(merges && build.merge()) {
                    build.add(value);
                }
            }
            Event::List(anchor) => build.begin(Collected::List(Vec::new()), anchor),
            Event::Map(anchor) => {
                let map = Collected::Map { entries: BTreeMap::new(), unusable: None, next: Next::Key };
                build.begin(map, anchor);
            }
            Event::Alias(name) => {
                let value = build.names.get(name).map_or(YamlValue::Null, |(_, value)| value.clone());
                build.add(value);
            }
            Event::End => build.end(),
        }
    }
    Ok(build.root)
}

impl<'a> Build<'a, '_> {
    /// Lets the name stand for the node that follows, if an alias uses this anchor.
    fn name(&mut self, name: Option<&'a str>) -> Option<Anchor<'a>> {
        let (name, number) = (name?, self.anchors);
        self.anchors += 1;
        if !self.measure.is_wanted(number) {
            return None;
        }
        self.names.insert(name, (number, YamlValue::Null));
        Some((name, number))
    }

    /// Keeps a copy of a complete node that has an anchor.
    fn keep(&mut self, anchor: Option<Anchor<'a>>, value: &YamlValue) {
        if let Some((name, number)) = anchor
            && let Some(kept) = self.names.get_mut(name).filter(|(last, _)| *last == number)
        {
            kept.1 = value.clone();
        }
    }

    fn begin(&mut self, collected: Collected, anchor: Option<&'a str>) {
        let anchor = self.name(anchor);
        self.open.push(OpenCollection { collected, anchor });
    }

    fn end(&mut self) {
        let Some(OpenCollection { collected, anchor }) = self.open.pop() else { return };
        let value = match collected {
            Collected::List(list) => YamlValue::List(list),
            Collected::Map { unusable: Some(key), .. } => YamlValue::Unusable(key),
            Collected::Map { entries, .. } => YamlValue::Map(entries.into_iter().collect()),
        };
        self.keep(anchor, &value);
        self.add(value);
    }

    /// Handles a `<<`. Returns whether it is a key of a map.
    fn merge(&mut self) -> bool {
        match self.open.last_mut() {
            Some(OpenCollection { collected: Collected::Map { next: next @ Next::Key, .. }, .. }) => {
                *next = Next::Merged;
                true
            }
            _ => false,
        }
    }

    /// Adds a complete value to the innermost open collection.
    fn add(&mut self, value: YamlValue) {
        let Some(outer) = self.open.last_mut() else {
            self.root = value;
            return;
        };
        let (entries, unusable, next) = match &mut outer.collected {
            Collected::List(list) => return list.push(value),
            Collected::Map { entries, unusable, next } => (entries, unusable, next),
        };
        match std::mem::replace(next, Next::Key) {
            Next::Key => {
                *next = match value.into_key() {
                    Ok(key) => Next::Value(key),
                    Err(kind) => {
                        *unusable = Some(kind);
                        Next::Lost
                    }
                };
            }
            Next::Value(key) => {
                entries.insert(key, value);
            }
            Next::Lost => {}
            Next::Merged => {
                // go-yaml merges at the place of the `<<`: it replaces values of keys before it, and keys after it
                // replace its values. Of several maps the first one has precedence, so it is merged last.
                let maps = if let YamlValue::List(maps) = value { maps } else { vec![value] };
                for map in maps.into_iter().rev() {
                    match map {
                        YamlValue::Map(map) => entries.extend(map),
                        YamlValue::Unusable(key) => *unusable = Some(key),
                        _ => {}
                    }
                }
            }
        }
    }
}
