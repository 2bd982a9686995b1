//! Writes maps and lists in block style.

use serde_json::{Map, Value as Json};

use super::looks::{is_simple_key, style};
use super::order::compare;
use super::scalar::YamlPage;

/// The text of a whole document.
pub(in crate::chart) fn emit(value: &Json) -> String {
    let mut page = YamlPage::default();
    match value {
        Json::Object(map) if !map.is_empty() => entries(&mut page, map, 0),
        Json::Array(list) if !list.is_empty() => items(&mut page, list, 0),
        value => {
            scalar(&mut page, value, 0);
            end(&mut page);
        }
    }
    page.text
}

/// Ends the line of a scalar, unless the scalar has ended it.
fn end(page: &mut YamlPage) {
    if !page.text.ends_with('\n') {
        page.push('\n');
    }
}

fn spaces(page: &mut YamlPage, indent: usize) {
    (0..indent).for_each(|_| page.push(' '));
}

fn entries(page: &mut YamlPage, map: &Map<String, Json>, indent: usize) {
    let mut sorted: Vec<_> = map.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| compare(a, b));
    for (number, (key, value)) in sorted.into_iter().enumerate() {
        // After the `- ` of a list, the first entry stands on the same line.
        if number > 0 || page.text.is_empty() || page.text.ends_with('\n') {
            spaces(page, indent);
        }
        if is_simple_key(key) {
            page.scalar(key, style(key, true), indent + 2, false);
        } else {
            page.push_str("? ");
            page.scalar(key, style(key, false), indent + 2, true);
            end(page);
            spaces(page, indent);
        }
        page.push(':');
        match value {
            Json::Object(map) if !map.is_empty() => {
                page.push('\n');
                entries(page, map, indent + 2);
            }
            Json::Array(list) if !list.is_empty() => {
                page.push('\n');
                items(page, list, indent);
            }
            value => {
                page.push(' ');
                scalar(page, value, indent + 2);
                end(page);
            }
        }
    }
}

fn items(page: &mut YamlPage, list: &[Json], indent: usize) {
    for (number, value) in list.iter().enumerate() {
        if number > 0 || page.text.is_empty() || page.text.ends_with('\n') {
            spaces(page, indent);
        }
        page.push_str("- ");
        match value {
            Json::Object(map) if !map.is_empty() => entries(page, map, indent + 2),
            Json::Array(list) if !list.is_empty() => items(page, list, indent + 2),
            value => {
                scalar(page, value, indent + 2);
                end(page);
            }
        }
    }
}

fn scalar(page: &mut YamlPage, value: &Json, indent: usize) {
    match value {
        Json::String(text) => page.scalar(text, style(text, false), indent, true),
        Json::Object(_) => page.push_str("{}"),
        Json::Array(_) => page.push_str("[]"),
        // Null, booleans and numbers are written as in JSON.
        other => page.push_str(&other.to_string()),
    }
}
