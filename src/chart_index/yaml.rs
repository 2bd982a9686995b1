//! Reads an index in YAML.

use std::io::BufRead;

use super::entry::{IndexEntry, IndexItem, WANTED};
use super::error::IndexError;
use super::head::IndexHead;
use super::pieces::{IndexPiece, IndexPieces, MAX_PIECE, PieceKind};
use crate::chart::yaml::{YamlValue, is_one_document, pluck, read_whole};
use crate::go_json::is_field;
use crate::limits::Budget;

/// Reads an index piece by piece. If the error is [`IndexError::Unusual`], the caller may read it as a whole.
pub(super) fn read_pieces(
    from: impl BufRead,
    budget: &Budget,
    take: &mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let (mut pieces, mut head, mut chart) = (IndexPieces::new(from), IndexHead::default(), String::new());
    let mut held = budget.hold(0)?;
    while let Some(IndexPiece { what, line, text }) = pieces.next()? {
        let unusual = || IndexError::Unusual { line };
        held.grow(text.len() as u64)?;
        match what {
            PieceKind::Entries if head.has_entries => return Err(unusual()),
            PieceKind::Entries => head.has_entries = true,
            PieceKind::Top => {
                let YamlValue::Map(fields) = whole(&text, budget).ok_or_else(unusual)? else {
                    return Err(unusual());
                };
                for (key, value) in fields {
                    if is_field(&key, "entries") && head.has_entries {
                        return Err(unusual());
                    }
                    take_field(&mut head, &key, value, line, take)?;
                }
            }
            PieceKind::Chart => {
                let YamlValue::Map(fields) = whole(&text, budget).ok_or_else(unusual)? else {
                    return Err(unusual());
                };
                let mut fields = fields.into_iter();
                let (Some((name, versions)), None) = (fields.next(), fields.next()) else {
                    return Err(unusual());
                };
                chart.clone_from(&name);
                take_versions(&name, line, versions, take)?;
            }
            PieceKind::Version => {
                let plucked = pluck(&text, &WANTED, is_field, budget).map_err(|_| unusual())?;
                for value in plucked.ok_or_else(unusual)? {
                    take(IndexItem::of(IndexEntry::of(&chart, line, value)))?;
                }
            }
        }
        held.shrink(text.len() as u64);
    }
    head.check()
}

/// The value of a piece; None if it cannot be read by itself.
fn whole(text: &[u8], budget: &Budget) -> Option<YamlValue> {
    // An anchor may be used in another piece, and an alias may need one.
    let is_linked = text.iter().any(|byte| matches!(byte, b'&' | b'*'));
    if is_linked || !is_one_document(text, budget).ok()? {
        return None;
    }
    Some(read_whole(text, budget).ok()?.value)
}

/// Reads an index as a whole, which must not be large.
pub(super) fn read_whole_index(
    text: &[u8],
    budget: &Budget,
    take: &mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let mut head = IndexHead::default();
    match read_whole(text, budget).map_err(IndexError::Yaml)?.value {
        YamlValue::Map(fields) => {
            for (key, value) in fields {
                take_field(&mut head, &key, value, 0, take)?;
            }
            head.check()
        }
        YamlValue::Null => Err(IndexError::NoIndex("it is empty")),
        _ => Err(IndexError::NoIndex("it is no map")),
    }
}

fn take_field(
    head: &mut IndexHead,
    key: &str,
    value: YamlValue,
    line: u64,
    take: &mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    if is_field(key, "apiVersion") {
        head.has_version = true;
    } else if is_field(key, "entries") {
        head.has_entries = true;
        match value {
            YamlValue::Null => {}
            YamlValue::Map(charts) => {
                for (name, versions) in charts {
                    take_versions(&name, line, versions, take)?;
                }
            }
            _ => return Err(IndexError::NoIndex("its `entries` are no map")),
        }
    }
    Ok(())
}

fn take_versions(
    chart: &str,
    line: u64,
    versions: YamlValue,
    take: &mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    match versions {
        YamlValue::Null => Ok(()),
        YamlValue::List(list) => {
            list.into_iter().try_for_each(|value| take(IndexItem::of(IndexEntry::of(chart, line, value))))
        }
        // It is an entry that cannot be used.
        other => take(IndexItem::of(IndexEntry::of(chart, line, YamlValue::List(vec![other])))),
    }
}

/// The largest index that is read as a whole, in bytes: as large as one piece may be.
pub(super) const MAX_WHOLE: u64 = MAX_PIECE as u64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines that mean different things in different places.
    const LINES: [&str; 34] = [
        "entries:",
        "apiVersion: v1",
        "a:",
        "b: []",
        "\"c\":",
        "- name: a",
        "-",
        "- null",
        "name: a",
        "version: 1.0.0",
        "urls: [u]",
        "urls:",
        "- u",
        "description: |",
        "description: >-",
        "description: |2",
        "description: \"x",
        "y\"",
        "description: 'x",
        "y'",
        "text",
        "# comment",
        "",
        "{",
        "}",
        "x: {a: [b,",
        "c]}",
        "---",
        "...",
        "- - a",
        "? a",
        ": b",
        "d: # comment",
        "'e': f",
    ];

    fn items(
        read: impl FnOnce(&mut dyn FnMut(IndexItem) -> Result<(), IndexError>) -> Result<(), IndexError>,
    ) -> Result<Vec<IndexItem>, IndexError> {
        let mut found = Vec::new();
        read(&mut |item| {
            // Where it stands is known to who reads pieces alone.
            found.push(match item {
                IndexItem::Entry(entry) => IndexItem::Entry(IndexEntry { line: 0, ..entry }),
                IndexItem::Invalid(invalid) => {
                    IndexItem::Invalid(super::super::InvalidEntry { line: 0, ..invalid })
                }
                other => other,
            });
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn what_is_read_in_pieces_is_what_the_whole_says() {
        let budget = Budget::default();
        let mut state = 2700_u64;
        let mut random = |below: usize| {
            // Knuth's multiplier for 64 bits.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        let (mut read, mut with_items) = (0, 0);
        for _ in 0..40_000 {
            let mut text = if random(4) > 0 { "entries:\n".to_owned() } else { String::new() };
            let mut indent = 0_usize;
            for _ in 0..random(12) {
                // Mostly what is likely to follow.
                indent = match random(6) {
                    0 => random(8),
                    1 | 2 => indent + 2,
                    3 => indent.saturating_sub(2),
                    _ => indent,
                };
                text.push_str(&" ".repeat(indent));
                text.push_str(LINES[random(LINES.len())]);
                text.push('\n');
            }
            let Ok(pieces) = items(|take| read_pieces(text.as_bytes(), &budget, take)) else { continue };
            read += 1;
            with_items += usize::from(!pieces.is_empty());
            // Keys that come twice are the last one's to the whole, and everybody's to the pieces: Helm refuses both.
            match items(|take| read_whole_index(text.as_bytes(), &budget, take)) {
                Ok(whole) => {
                    let mut missing = whole.iter().filter(|item| !pieces.contains(item));
                    assert_eq!(missing.next(), None, "{text}\n{pieces:?}");
                    let is_twice = pieces.len() > whole.len();
                    assert!(!is_twice || has_twice(&text), "{text}\n{pieces:?}\n{whole:?}");
                }
                Err(error) => panic!("{error}: {text}\n{pieces:?}"),
            }
        }
        assert!(read > 1000 && with_items > 100, "{read} {with_items}");
    }

    /// Whether a line that is a key comes twice.
    fn has_twice(text: &str) -> bool {
        let mut keys: Vec<_> =
            text.lines().filter_map(|line| line.trim().split_once(':')).map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }
}
