//! Reads an index in any of its forms.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::entry::IndexItem;
use super::error::IndexError;
use super::json::read_json;
use super::yaml::{MAX_WHOLE, read_pieces, read_whole_index};
use crate::limits::Budget;

/// The largest index that is read, in bytes. The largest public one has 52 MB.
pub const MAX_INDEX: u64 = 256 << 20;

/// Reads an index in YAML or JSON, as Helm does. But unknown fields and duplicate keys, for which Helm refuses a whole
/// index, are accepted. `take` is called with each item as it comes; its errors end the reading. At most a few hundred
/// kilobytes are in memory at once, unless the index has anchors, or brackets or quotes over several lines: then it is
/// read as a whole, and must not be larger than 4 MiB.
pub fn read_index(
    from: &mut (impl Read + Seek),
    budget: &Budget,
    take: &mut dyn FnMut(IndexItem) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let size = from.seek(SeekFrom::End(0))?;
    if size > MAX_INDEX {
        return Err(IndexError::TooLarge(MAX_INDEX));
    }
    from.rewind()?;
    let mut told = false;
    let mut counted = |item| {
        told = true;
        take(item)
    };
    let error = if begins_with_brace(from)? {
        match read_json(&mut *from, &mut counted) {
            Err(error @ IndexError::Json(_)) => error,
            result => return result,
        }
    } else {
        match read_pieces(BufReader::with_capacity(64 << 10, &mut *from), budget, &mut counted) {
            Err(error @ IndexError::Unusual { .. }) => error,
            result => return result,
        }
    };
    if size > MAX_WHOLE {
        return Err(error);
    }
    if told {
        take(IndexItem::Again)?;
    }
    from.rewind()?;
    let held = budget.hold(size)?;
    let mut text = Vec::new();
    from.take(MAX_WHOLE + 1).read_to_end(&mut text)?;
    let read = read_whole_index(&text, budget, take);
    drop(held);
    match (read, error) {
        // If the document begins as JSON, the error about it as JSON is the useful one.
        (Err(IndexError::Yaml(_)), error @ IndexError::Json(_)) => Err(error),
        (read, _) => read,
    }
}

/// Whether the first character that is not white space is a `{`. Goes back to the beginning.
fn begins_with_brace(from: &mut (impl Read + Seek)) -> Result<bool, IndexError> {
    let mut begins = false;
    for byte in BufReader::with_capacity(512, &mut *from).bytes() {
        let byte = byte?;
        if !byte.is_ascii_whitespace() {
            begins = byte == b'{';
            break;
        }
    }
    from.rewind()?;
    Ok(begins)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// What an index has: each version as `chart/version url`, and invalid entries with `!` in front.
    fn items(text: &[u8]) -> Result<Vec<String>, IndexError> {
        let mut items = Vec::new();
        let mut take = |item: IndexItem| {
            match item {
                IndexItem::Again => items.clear(),
                IndexItem::Entry(entry) => {
                    items.push(format!("{}/{} {}", entry.chart, entry.version, entry.urls.join(" ")));
                }
                IndexItem::Invalid(invalid) => items.push(format!("!{invalid}")),
            }
            Ok(())
        };
        read_index(&mut Cursor::new(text), &Budget::default(), &mut take)?;
        Ok(items)
    }

    const USUAL: &str = "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    description: |\n      text\n\n      # no\n    name: a\n    \
                         urls:\n    - a-2.tgz\n    version: 2.0.0\n  # a comment\n  - name: a\n    urls: [a-1.tgz]\n    version: 1.0.0\n  \
                         \"b\":\n    - name: b\n      urls:\n        - https://x/b.tgz\n        - b.tgz\n      version: \"1.10\"\n  c: []\n  \
                         d:\ngenerated: \"2024-01-01T00:00:00Z\"\nserverInfo:\n  contextPath: /x\n";

    const FOUND: [&str; 3] = ["a/2.0.0 a-2.tgz", "a/1.0.0 a-1.tgz", "b/1.10 https://x/b.tgz b.tgz"];

    #[test]
    fn the_usual_form_is_read_piece_by_piece() {
        assert_eq!(items(USUAL.as_bytes()).unwrap(), FOUND);
        let windows = USUAL.replace('\n', "\r\n");
        assert_eq!(items(windows.as_bytes()).unwrap(), FOUND);
        let behind = format!("\u{feff}---\n{USUAL}---\nentries:\n  no: [");
        assert_eq!(items(behind.as_bytes()).unwrap(), FOUND);
        // Too large to be read as a whole.
        let padding = format!("padding: \"{}\"\n", "x".repeat(5000));
        let padded = format!("{USUAL}{}", padding.repeat(900));
        assert_eq!(items(padded.as_bytes()).unwrap(), FOUND);
    }

    #[test]
    fn json_and_flow_style_are_read_as_well() {
        let json = r#" {"apiVersion":"v1","generated":"x","entries":{"a":[{"name":"a","version":"2.0.0","urls":["a-2.tgz"],
            "maintainers":[{"name":"x"}]},{"name":"a","version":"1.0.0","urls":["a-1.tgz"]}],"c":null,
            "b":[{"name":"b","version":"1.10","urls":["https://x/b.tgz","b.tgz"]}]}}"#;
        assert_eq!(items(json.as_bytes()).unwrap(), FOUND);
        // Brackets with a surplus comma are YAML, but not JSON.
        let flow = json.replace("}}", "},}");
        assert_eq!(items(flow.as_bytes()).unwrap(), FOUND);
        let numbers = r#"{"entries":{"a":[{"name":"a","version":1,"urls":["u"]},null,3]}}"#;
        assert_eq!(
            items(numbers.as_bytes()).unwrap(),
            ["!a: version is a list", "!a: the entry is null", "!a: the entry is a number"]
        );
    }

    #[test]
    fn what_the_pieces_cannot_tell_the_whole_does() {
        for text in [
            // A quoted text can go on over any lines, and an alias can be anywhere.
            "entries:\n  a:\n  - name: a\n    description: \"x\n  - y\n\"\n    version: 1.0.0\n    urls: [u]\n",
            "entries:\n  a:\n  - &x\n    name: a\n    version: 1.0.0\n    urls: [u]\n  b:\n  - *x\n",
            "x: &x [u]\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    urls: *x\n",
            "entries: {a: [{name: a, version: 1.0.0,\nurls: [u]}]}\n",
            "entries:\n  ? a\n  : - name: a\n      version: 1.0.0\n      urls: [u]\n",
            "  entries:\n    a:\n    - name: a\n      version: 1.0.0\n      urls: [u]\n",
            "entries:\n  a: [{name: a, version: 1.0.0, urls: [u]}]\n",
            "entries:\n  a:\n    [{name: a, version: 1.0.0, urls: [u]}]\n",
            "%YAML 1.1\n---\nentries:\n  a:\n  - {name: a, version: 1.0.0, urls: [u]}\n",
            "entries:\r  a:\r  - {name: a, version: 1.0.0, urls: [u]}\r",
        ] {
            let found = items(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            let first = found.first().map(String::as_str);
            assert_eq!(first, Some("a/1.0.0 u"), "{text}: {found:?}");
        }
        // The same index in UTF-16.
        let wide: Vec<u8> = "\u{feff}entries: {a: [{name: a, version: 1.0.0, urls: [u]}]}\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(items(&wide).unwrap(), ["a/1.0.0 u"]);
    }

    #[test]
    fn what_is_no_index_is_none() {
        for (text, wrong) in [
            ("", "it is no index of charts: it has neither `entries` nor an `apiVersion`"),
            (
                "<!DOCTYPE html>\n<html><head><title>x</title></head></html>\n",
                "it is no index of charts: it is no map",
            ),
            ("- a\n- b\n", "it is no index of charts: it is no map"),
            ("entries:\n- a\n", "it is no index of charts: its `entries` are no map"),
            ("a: b\n", "it is no index of charts: it has neither `entries` nor an `apiVersion`"),
            ("{\"a\": 1}", "it is no index of charts: it has neither `entries` nor an `apiVersion`"),
        ] {
            assert_eq!(items(text.as_bytes()).unwrap_err().to_string(), wrong, "{text}");
        }
        for text in
            ["entries:\n  a:\n  - \"x\n", "entries:\n  a:\n   x\n  - b\n", "{\"entries\":", "a: b: c\n"]
        {
            let error = items(text.as_bytes()).unwrap_err();
            assert!(matches!(error, IndexError::Yaml(_) | IndexError::Json(_)), "{text}: {error:?}");
        }
        let large = format!("entries:\n  a:\n  - \"x\n{}", "#\n".repeat(3 << 20));
        assert!(matches!(items(large.as_bytes()), Err(IndexError::Unusual { line: 3 })));
    }

    #[test]
    fn a_wrong_entry_costs_itself_alone() {
        let text =
            "entries:\n  a:\n  - null\n  - name: a\n    version: 1.0.0\n    urls: [u]\n  -\n  - name: [a]\n";
        assert_eq!(
            items(text.as_bytes()).unwrap(),
            [
                "!a, line 3 of the index: the entry is null",
                "a/1.0.0 u",
                "!a, line 7 of the index: the entry is null",
                "!a, line 8 of the index: name is a list"
            ]
        );
    }
}
