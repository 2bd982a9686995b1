//! Writes Chart.yaml from metadata, for exports and as the first member of a chart layer.
//!
//! The text is part of the layer's digest; `yaml_text` says how it is written. The fields are in the order of Helm's
//! documentation.

use serde_json::Value as Json;

use super::metadata::Metadata;
use crate::yaml_text::entry;

/// The fields in the order of Helm's documentation (docs/topics/charts, "The Chart.yaml File"). The others follow in
/// the order of the JSON.
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

/// The text of Chart.yaml. The dependencies of a chart with `apiVersion: v1` are left out, because they are in
/// requirements.yaml.
pub(super) fn write(metadata: &Metadata) -> String {
    // Serialising plain strings, lists and maps cannot fail.
    let Ok(Json::Object(mut known)) = serde_json::to_value(metadata.known()) else { return String::new() };
    if metadata.api_version == "v1" {
        known.remove("dependencies");
    }
    let mut out = String::new();
    for key in ORDER {
        if let Some(value) = known.remove(key) {
            entry(&mut out, 0, key, &value);
        }
    }
    for (key, value) in known.iter().chain(&metadata.unknown) {
        entry(&mut out, 0, key, value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;
    use crate::limits::Budget;

    fn load(yaml: &str) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.take(yaml::read(yaml.as_bytes(), &Budget::default()).unwrap().value).unwrap();
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
