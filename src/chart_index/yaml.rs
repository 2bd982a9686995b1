//! Reads an index in YAML.

use std::io::BufRead;

use super::entry::{IndexEntry, IndexItem, WANTED};
use super::error::IndexError;
use super::head::IndexHead;
use super::pieces::{IndexPiece, IndexPieces, MAX_PIECE, PieceKind};
use crate::chart::yaml::{YamlValue, pluck, read_whole};
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
    if is_linked { None } else { Some(read_whole(text, budget).ok()?.value) }
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
