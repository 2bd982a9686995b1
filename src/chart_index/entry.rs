//! The entry of a chart's version in an index (ChartVersion in pkg/repo/v1/index.go of Helm 4).

use crate::chart::yaml::YamlValue;
use crate::digest::Digest;
use crate::go_json::is_field;

/// The keys of an entry that are read. All others are the chart's own metadata, or unknown to Helm.
pub(super) const WANTED: [&str; 8] =
    ["name", "version", "appVersion", "deprecated", "urls", "created", "removed", "digest"];

/// A version of a chart, as an index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The key in `entries` under which the version is listed. It is the chart's name; Harbor's index of all projects
    /// has `PROJECT/NAME`.
    pub chart: String,
    /// The chart's name in the entry itself.
    pub name: String,
    /// The version, as it is spelled.
    pub version: String,
    /// The version of the application that the chart installs; empty if there is none.
    pub app_version: String,
    /// The SHA-256 of the package; None if the entry has none.
    pub digest: Option<Digest>,
    /// The URLs of the package: absolute, relative to the repository, or of a scheme that only some servers know.
    pub urls: Vec<String>,
    /// The time in the entry, as it is spelled. For many indexes it is the time of the index. Empty if there is none.
    pub created: String,
    /// Whether the chart is marked as no longer maintained.
    pub deprecated: bool,
    /// Whether the repository has marked the version as removed.
    pub removed: bool,
    /// The line of the index in which the entry begins, from 1; 0 if that is unknown.
    pub line: u64,
}

/// An entry that is wrong, or lacks what is needed to fetch the chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{chart}{}: {why}", at(*line))]
pub struct InvalidEntry {
    /// The key in `entries` under which it is listed.
    pub chart: String,
    /// The line of the index in which it begins, from 1; 0 if that is unknown.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// A result of reading an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexItem {
    /// A version of a chart.
    Entry(IndexEntry),
    /// An entry that cannot be used.
    Invalid(InvalidEntry),
    /// All items so far are void: the index is read again from its beginning, in another way.
    Again,
}

impl IndexItem {
    pub(super) fn of(entry: Result<IndexEntry, InvalidEntry>) -> Self {
        entry.map_or_else(Self::Invalid, Self::Entry)
    }
}

fn at(line: u64) -> String {
    if line == 0 { String::new() } else { format!(", line {line} of the index") }
}

impl IndexEntry {
    /// Reads an entry as Helm does. An error if a value has a wrong type, or the name, the version or the URL is
    /// missing.
    pub(super) fn of(chart: &str, line: u64, value: YamlValue) -> Result<Self, InvalidEntry> {
        let invalid = |why: String| InvalidEntry { chart: chart.to_owned(), line, why };
        let YamlValue::Map(fields) = value else {
            return Err(invalid(format!("the entry is {}", value.kind())));
        };
        let mut entry = Self {
            chart: chart.to_owned(),
            name: String::new(),
            version: String::new(),
            app_version: String::new(),
            digest: None,
            urls: Vec::new(),
            created: String::new(),
            deprecated: false,
            removed: false,
            line,
        };
        for (key, value) in fields {
            entry.take(&key, value).map_err(&invalid)?;
        }
        if entry.name.is_empty() {
            return Err(invalid("it has no name".to_owned()));
        }
        if entry.version.is_empty() {
            return Err(invalid("it has no version".to_owned()));
        }
        if entry.urls.is_empty() && !entry.removed {
            return Err(invalid("it has no URL".to_owned()));
        }
        Ok(entry)
    }

    fn take(&mut self, key: &str, value: YamlValue) -> Result<(), String> {
        if matches!(value, YamlValue::Null) {
            return Ok(());
        }
        let Some(name) = WANTED.iter().find(|name| is_field(key, name)) else { return Ok(()) };
        let text =
            |value: YamlValue| value.into_text().map_err(|value| format!("{name} is {}", value.kind()));
        match *name {
            "name" => self.name = text(value)?,
            "version" => self.version = text(value)?,
            "appVersion" => self.app_version = text(value)?,
            "created" => self.created = text(value)?,
            "digest" => self.digest = digest(&text(value)?)?,
            "deprecated" => self.deprecated = bool(name, &value)?,
            "removed" => self.removed = bool(name, &value)?,
            _ => {
                let YamlValue::List(list) = value else { return Err(format!("{name} is {}", value.kind())) };
                let urls = list.into_iter().filter(|value| !matches!(value, YamlValue::Null)).map(text);
                self.urls = urls.collect::<Result<_, _>>()?;
                self.urls.retain(|url| !url.trim().is_empty());
            }
        }
        Ok(())
    }
}

fn bool(name: &str, value: &YamlValue) -> Result<bool, String> {
    match value {
        YamlValue::Bool(bool) => Ok(*bool),
        other => Err(format!("{name} is {}", other.kind())),
    }
}

/// Reads a digest: the hexadecimal digits alone, as Helm writes it, or with `sha256:` in front. None if it is empty.
fn digest(text: &str) -> Result<Option<Digest>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    match format!("sha256:{hex}").parse() {
        Ok(digest) => Ok(Some(digest)),
        Err(_) => Err("its digest is no SHA-256".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::yaml::read_whole;
    use crate::limits::Budget;

    fn entry(text: &str) -> Result<IndexEntry, String> {
        let budget = Budget::default();
        let value = read_whole(text.as_bytes(), &budget).unwrap().value;
        IndexEntry::of("x", 7, value).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn an_entry_is_read_as_helm_reads_it() {
        let hex = "AB".repeat(32);
        let text = format!(
            "NAME: x\nversion: 1.10\nappVersion: 0x10\nurls: [a.tgz, null, '']\ndigest: sha256:{hex}\nremoved: yes\n\
             serverInfo: {{a: b}}\ndeprecated: null\n"
        );
        let found = entry(&text).unwrap();
        // Numbers are spelled as Go spells them.
        assert_eq!(
            (found.name.as_str(), found.version.as_str(), found.app_version.as_str()),
            ("x", "1.1", "16")
        );
        assert_eq!(
            (found.urls.as_slice(), found.removed, found.deprecated),
            (&["a.tgz".to_owned()][..], true, false)
        );
        assert_eq!(found.digest.unwrap().hex(), hex.to_lowercase());
        for (text, why) in [
            ("null", "the entry is null"),
            ("[]", "the entry is a list"),
            ("{version: 1.0.0, urls: [a]}", "it has no name"),
            ("{name: x, urls: [a]}", "it has no version"),
            ("{name: x, version: 1.0.0}", "it has no URL"),
            ("{name: x, version: [1], urls: [a]}", "version is a list"),
            ("{name: x, version: 1.0.0, urls: a}", "urls is a string"),
            ("{name: x, version: 1.0.0, urls: [a], digest: abc}", "its digest is no SHA-256"),
            ("{name: x, version: 1.0.0, urls: [a], deprecated: 'true'}", "deprecated is a string"),
        ] {
            assert_eq!(entry(text), Err(format!("x, line 7 of the index: {why}")), "{text}");
        }
    }
}
