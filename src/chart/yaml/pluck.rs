//! Reads a few fields of the maps in a list in one pass. All else in these maps is read by the rules of go-yaml, but
//! not kept.

use super::check::Limits;
use super::decode::Decoded;
use super::event::{Event, ScalarTag};
use super::events::Events;
use super::input::Input;
use super::problem::YamlError;
use super::resolve;
use super::value::YamlValue;
use crate::limits::Budget;

/// The limits on what is kept of one text.
const KEPT: Limits = Limits { values: 10_000, bytes: 1 << 20, depth: 100 };

/// The state of reading a text.
struct Pluck<'a> {
    events: Events<'a>,
    values: usize,
    bytes: u64,
}

/// The items of a text that is a list. Of each map, only the keys in `wanted` are kept, which are compared by `is`; of
/// duplicate keys the last one counts. A map inside of such a value is empty in the result. `None` if the text is not a
/// list, or has anchors, aliases or merged maps, so that it means something only within its document.
pub(crate) fn pluck(
    bytes: &[u8],
    wanted: &[&'static str],
    is: fn(&str, &str) -> bool,
    budget: &Budget,
) -> Result<Option<Vec<YamlValue>>, YamlError> {
    let decoded = Decoded::new(bytes, budget)?;
    let mut pluck = Pluck { events: Events::new(Input::new(&decoded))?, values: 0, bytes: 0 };
    let Some(Event::List(None)) = pluck.events.next()? else { return Ok(None) };
    let mut all = Vec::new();
    loop {
        let Some(event) = pluck.events.next()? else { return Ok(None) };
        let value = match event {
            Event::End => break,
            Event::Map(None) => pluck.map(wanted, is)?,
            event => pluck.value(event, 0)?,
        };
        let Some(value) = value else { return Ok(None) };
        all.push(value);
    }
    // Nothing may follow the list.
    Ok((pluck.events.next()?.is_none() && pluck.events.is_at_end()?).then_some(all))
}

impl Pluck<'_> {
    /// Reads a map, of which only the wanted keys are kept. `None` if it has anchors, aliases or merged maps.
    fn map(
        &mut self,
        wanted: &[&'static str],
        is: fn(&str, &str) -> bool,
    ) -> Result<Option<YamlValue>, YamlError> {
        let mut fields = Vec::<(String, YamlValue)>::new();
        loop {
            let key = match self.events.next()? {
                Some(Event::End) => {
                    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
                    return Ok(Some(YamlValue::Map(fields)));
                }
                Some(Event::Scalar(scalar, None)) if scalar.text != "<<" && scalar.tag == ScalarTag::None => {
                    wanted.iter().find(|name| is(&scalar.text, name))
                }
                _ => return Ok(None),
            };
            let Some(event) = self.events.next()? else { return Ok(None) };
            match key {
                None => {
                    if !self.skip(&event)? {
                        return Ok(None);
                    }
                }
                Some(key) => {
                    let Some(value) = self.value(event, 0)? else { return Ok(None) };
                    fields.retain(|(name, _)| name != key);
                    fields.push(((*key).to_owned(), value));
                }
            }
        }
    }

    /// Skips a value. Returns false if it has anchors, aliases or merged maps.
    fn skip(&mut self, event: &Event<'_>) -> Result<bool, YamlError> {
        let mut depth = match event {
            Event::Scalar(_, None) => 0,
            Event::List(None) | Event::Map(None) => 1,
            _ => return Ok(false),
        };
        while depth > 0 {
            match self.events.next()? {
                Some(Event::Scalar(scalar, None)) if scalar.text != "<<" => {}
                Some(Event::List(None) | Event::Map(None)) => depth += 1,
                Some(Event::End) => depth -= 1,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Reads a value that is kept. `None` if it has anchors, aliases or merged maps.
    fn value(&mut self, event: Event<'_>, depth: usize) -> Result<Option<YamlValue>, YamlError> {
        self.values += 1;
        if self.values > KEPT.values {
            return Err(YamlError::Values(KEPT.values));
        }
        if depth > KEPT.depth {
            return Err(YamlError::Depth(KEPT.depth));
        }
        match event {
            Event::Scalar(scalar, None) => {
                self.bytes += scalar.text.len() as u64;
                if self.bytes > KEPT.bytes {
                    return Err(YamlError::Size(KEPT.bytes));
                }
                let value = resolve::resolve(scalar).map_err(|problem| self.events.problem(problem))?;
                Ok(Some(value))
            }
            Event::List(None) => {
                let mut list = Vec::new();
                loop {
                    match self.events.next()? {
                        Some(Event::End) => return Ok(Some(YamlValue::List(list))),
                        Some(event) => {
                            let Some(value) = self.value(event, depth + 1)? else { return Ok(None) };
                            list.push(value);
                        }
                        None => return Ok(None),
                    }
                }
            }
            // No wanted field is a map, so a map is read and dropped.
            Event::Map(None) => Ok(self.skip(&event)?.then(|| YamlValue::Map(Vec::new()))),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plucked(text: &str) -> Option<Vec<YamlValue>> {
        pluck(text.as_bytes(), &["name", "urls"], |key, name| key == name, &Budget::default()).unwrap()
    }

    fn string(text: &str) -> YamlValue {
        YamlValue::String(text.to_owned())
    }

    #[test]
    fn wanted_fields_are_kept_and_the_others_are_passed() {
        let text = "- a: {b: [c, {d: e}]}\n  name: x\n  urls:\n  - u: 1\n  - 2\n- null\n\n- name: 1\n  name: \"y\"\n";
        let found = plucked(text).unwrap();
        let urls = YamlValue::List(vec![YamlValue::Map(Vec::new()), YamlValue::Int(2)]);
        let first = YamlValue::Map(vec![("name".to_owned(), string("x")), ("urls".to_owned(), urls)]);
        let last = YamlValue::Map(vec![("name".to_owned(), string("y"))]);
        assert_eq!(found, [first, YamlValue::Null, last]);
    }

    #[test]
    fn what_takes_the_whole_document_is_not_guessed() {
        for text in [
            "a: b\n",
            "",
            "- &a b\n- *a\n",
            "- name: *a\n",
            "- other: *a\n",
            "- <<: {name: x}\n",
            "- other: {<<: {name: x}}\n",
            "- ? [a]\n  : b\n",
            "- !!str name: b\n",
        ] {
            assert_eq!(plucked(text), None, "{text}");
        }
        assert!(pluck(b"- \"a\n", &[], |_, _| false, &Budget::default()).is_err());
    }
}
