//! What an index says of one version of a chart (ChartVersion in pkg/repo/v1/index.go of Helm 4).

use crate::chart::yaml::YamlValue;
use crate::digest::Digest;

/// The keys of an entry that are read. Whatever else it has is the chart's own metadata, or unknown to Helm.
pub(super) const WANTED: [&str; 8] =
    ["name", "version", "appVersion", "deprecated", "urls", "created", "removed", "digest"];

/// A version of a chart, as an index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The key that the entry stands under: the chart's name, in Harbor's index of all projects `PROJECT/NAME`.
    pub chart: String,
    /// The name that the entry itself has.
    pub name: String,
    /// The version, as it is written.
    pub version: String,
    /// The version of what the chart is about; empty if it has none.
    pub app_version: String,
    /// The SHA-256 of the package, if the entry has one.
    pub digest: Option<Digest>,
    /// Where the package is: absolute, relative to the repository, or of a scheme that only some servers know.
    pub urls: Vec<String>,
    /// When the entry was made, which is when the index was for many; empty if it does not say.
    pub created: String,
    /// Whether the chart says that it is no longer maintained.
    pub deprecated: bool,
    /// Whether the repository says that the version is gone.
    pub removed: bool,
    /// The line of the index that the entry begins in, from 1 on; 0 if that is not known.
    pub line: u64,
}

/// An entry that names nothing which could be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{chart}{}: {why}", at(*line))]
pub struct InvalidEntry {
    /// The key that it stands under.
    pub chart: String,
    /// Where it begins, from 1 on; 0 if that is not known.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// What an index consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexItem {
    /// A version of a chart.
    Entry(IndexEntry),
    /// An entry that names nothing which could be fetched.
    Invalid(InvalidEntry),
    /// What came so far does not count: the index is read again from its beginning, in another way.
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
    /// Reads an entry as Helm does. One that has a wrong type costs itself alone.
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

/// Whether Go takes a key for the name of a field: in any case (encoding/json).
pub(super) fn is_field(key: &str, name: &str) -> bool {
    key.eq_ignore_ascii_case(name)
}

fn bool(name: &str, value: &YamlValue) -> Result<bool, String> {
    match value {
        YamlValue::Bool(bool) => Ok(*bool),
        other => Err(format!("{name} is {}", other.kind())),
    }
}

/// A digest as real indexes have it: the hex alone as Helm writes it, or behind `sha256:`.
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
        // Numbers become what Go makes of them.
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
