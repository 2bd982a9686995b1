//! Chart.yaml written back from metadata: what an export shows and what a chart layer's first member holds.
//!
//! The text is part of the layer's digest, so it is made here, by a rule that no update of a YAML library can change:
//! block style, two spaces, the field order of Helm's documentation, strings plain where every YAML reader takes them
//! for strings, else in JSON's double quotes, which YAML reads too.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::metadata::Metadata;

/// The order of Helm's documentation (docs/topics/charts, "The Chart.yaml File"); the rest follows in JSON's order.
const ORDER: [&str; 15] = [
    "apiVersion",
    "name",
    "version",
    "kubeVersion",
    "description",
    "type",
    "keywords",
    "home",
    "sources",
    "dependencies",
    "maintainers",
    "icon",
    "appVersion",
    "deprecated",
    "annotations",
];

/// The text of Chart.yaml. The dependencies of a version 1 chart are in requirements.yaml and stay there.
pub(super) fn write(metadata: &Metadata) -> String {
    let mut metadata = metadata.clone();
    if metadata.api_version == "v1" {
        metadata.dependencies.clear();
    }
    let unknown = std::mem::take(&mut metadata.unknown);
    // Serialising plain strings, lists and maps cannot fail.
    let Ok(Json::Object(mut known)) = serde_json::to_value(&metadata) else { return String::new() };
    let mut out = String::new();
    for key in ORDER {
        if let Some(value) = known.remove(key) {
            entry(&mut out, 0, key, &value);
        }
    }
    for (key, value) in known.into_iter().chain(unknown) {
        entry(&mut out, 0, &key, &value);
    }
    out
}

fn entry(out: &mut String, indent: usize, key: &str, value: &Json) {
    let _ = write!(out, "{:indent$}{}:", "", scalar(key));
    nested(out, indent, value);
}

/// What follows `key:`.
fn nested(out: &mut String, indent: usize, value: &Json) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            out.push('\n');
            map.iter().for_each(|(key, value)| entry(out, indent + 2, key, value));
        }
        Json::Array(list) if !list.is_empty() => {
            out.push('\n');
            list.iter().for_each(|value| item(out, indent, value));
        }
        value => {
            out.push(' ');
            out.push_str(&flat(value));
            out.push('\n');
        }
    }
}

fn item(out: &mut String, indent: usize, value: &Json) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            let mut text = String::new();
            // Dependencies and maintainers begin with their name.
            let (names, others): (Vec<_>, Vec<_>) = map.iter().partition(|(key, _)| *key == "name");
            names.into_iter().chain(others).for_each(|(key, value)| entry(&mut text, indent + 2, key, value));
            // The first key stands behind the dash.
            let _ = write!(out, "{:indent$}- {}", "", &text[indent + 2..]);
        }
        // Lists in lists are rare enough for one line.
        value => {
            let _ = writeln!(out, "{:indent$}- {}", "", flat(value));
        }
    }
}

fn flat(value: &Json) -> String {
    match value {
        Json::String(string) => scalar(string),
        Json::Array(list) => format!("[{}]", list.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => flat_map(map),
        // JSON's null, booleans and numbers are YAML's.
        other => other.to_string(),
    }
}

fn flat_map(map: &Map<String, Json>) -> String {
    let entries: Vec<_> =
        map.iter().map(|(key, value)| format!("{}: {}", quoted(key), flat(value))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// Plain, if no reader can take it for anything but a string, here or inside `[…]`.
fn scalar(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '/' | '-' | '+' | '@' | '(' | ')')
    };
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && is_plain_with_colons(text, plain)
        && !is_word_of_another_type(text);
    if safe || is_plain_version(text) { text.to_owned() } else { quoted(text) }
}

/// A colon is harmless where no white space follows: `https://example.com`.
fn is_plain_with_colons(text: &str, plain: impl Fn(char) -> bool) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ':' {
            if !chars.peek().is_some_and(|c| *c == '/' || c.is_ascii_alphanumeric()) {
                return false;
            }
        } else if !plain(c) {
            return false;
        }
    }
    true
}

/// `1.2.3` has one dot too many for a number.
fn is_plain_version(text: &str) -> bool {
    let mut parts = text.split('.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.clone().count() == 3 && parts.all(digits)
}

fn is_word_of_another_type(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Double quotes with JSON's escapes. YAML takes everything else as it is, but for a few characters that it treats as
/// line breaks or does not print (YAML 1.1, 4.1 and 5.4).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Value;
    use super::*;

    fn load(yaml: &str) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.take(&Value::parse(yaml).unwrap()).unwrap();
        metadata
    }

    #[test]
    fn reads_like_a_chart_yaml() {
        let text = "apiVersion: v2\nname: mychart\nversion: 2.7.0\ndescription: \"a: b, c #d\"\nkeywords:\n- web\n- \"on\"\n\
                    home: https://example.com/a\ndependencies:\n- name: redis\n  \
                    import-values:\n  - child: a\n    parent: b\n  - data\n  repository: \"\"\n  version: \"~1\"\nmaintainers:\n- name: Jane Doe\n  \
                    email: jane@example.com\nappVersion: \"1.10\"\ndeprecated: true\nannotations:\n  \
                    example.com/x: \"line\\nbreak\"\nalpha:\n- [1, \"2\", {\"a\": null}]\n- 2.5\nbeta: {}\n";
        let written = write(&load(text));
        assert_eq!(written, text);
    }

    #[test]
    fn every_string_survives() {
        for string in [
            "",
            " ",
            "a",
            "a ",
            " a",
            "yes",
            "No",
            "null",
            "~",
            "1.10",
            "1.2.3",
            "0777",
            "1e5",
            "-",
            "- a",
            "a: b",
            "a:b",
            "a:",
            "#",
            "a #b",
            "\"",
            "'",
            "\\",
            "{a}",
            "[a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "|",
            ">",
            "?",
            "a\tb",
            "a\nb",
            "\u{e9}",
            "\u{1f600}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}x",
            "\u{7f}",
            "\u{0}",
            "true",
            "<<",
            "=",
            "0x1f",
            "https://x.y:80/z?q=1",
            ".inf",
            "2019-01-01",
            "12:30:45",
            "a\u{a0}b",
        ] {
            let mut metadata = Metadata { api_version: "v2".into(), ..Metadata::default() };
            metadata.description = string.into();
            metadata.keywords = vec![string.into(), "x".into()];
            metadata.annotations.insert(string.into(), string.into());
            metadata.unknown.insert("x".into(), serde_json::json!([[string], {string: [{string: string}]}]));
            if string.is_empty() {
                metadata.annotations.clear();
            }
            let written = write(&metadata);
            assert_eq!(load(&written), metadata, "{written}");
        }
    }
}
