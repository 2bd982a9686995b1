//! Finds versions and charts in registries as the flags say, and prints them.

use std::io::{self, Write};

use serde::Serialize;

use super::failure::{CommandFailure, Failures};
use super::given;
use super::output::{Output, write_list};
use super::text::Table;
use crate::connect::{self, ConnectFlags};
use crate::digest::Digest;
use crate::environment;
use crate::kept_documents::KeptDocuments;
use crate::reference::Reference;
use crate::verbs::{Browser, ChartVersion};

/// The flags about where versions and charts are looked for.
#[derive(Debug)]
pub struct Browsing {
    /// The flags for the connection to the registry, and for credentials.
    pub connection: ConnectFlags,
    /// `--offline`
    pub offline: bool,
    /// `--concurrency`
    pub at_once: usize,
}

impl Browsing {
    /// Calls `work` with a browser for the registry of `reference`.
    pub fn browse<T>(
        &self,
        reference: &Reference,
        work: impl FnOnce(&Browser<'_>) -> Result<T, Failures>,
    ) -> Result<T, Failures> {
        let client = match self.offline {
            true => None,
            false => {
                let references = std::slice::from_ref(reference);
                Some(connect::connect(&self.connection, references).map_err(CommandFailure::from)?)
            }
        };
        let cache = given::cache()?;
        let kept = KeptDocuments::at(environment::helm_cache().map(|cache| cache.join("oci")));
        let done =
            work(&Browser { cache: &cache, client: client.as_ref(), kept: &kept, at_once: self.at_once });
        // Without a network, what was kept earlier must not be removed.
        if !self.offline {
            kept.tidy();
        }
        done
    }
}

/// A version in a document, with the keys of `helm search repo -o json` first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRow<'a> {
    /// The name as Helm has it: in a search the reference without its tag, otherwise the chart's name.
    pub name: String,
    /// The chart's version.
    pub version: &'a str,
    /// The version of the application that the chart installs.
    #[serde(rename = "app_version")]
    pub app_version: &'a str,
    /// The chart's description.
    pub description: &'a str,
    /// The tag of the version.
    pub tag: String,
    /// The reference, with its tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The digest of the manifest, which pins the version.
    pub digest: Option<&'a Digest>,
    /// When it was made or pushed in RFC 3339, if that is known.
    pub created: Option<&'a str>,
    /// The size of the package in bytes, if it is known.
    pub size: Option<u64>,
    /// `application` or `library`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Whether the chart is deprecated.
    pub deprecated: bool,
    /// The chart's constraint on the Kubernetes version.
    pub kube_version: &'a str,
}

impl<'a> VersionRow<'a> {
    fn of(version: &'a ChartVersion, is_search: bool) -> Self {
        let metadata = &version.metadata;
        let kind = if metadata.kind.is_empty() { "application" } else { &metadata.kind };
        Self {
            name: if is_search { version.reference.name() } else { metadata.name.clone() },
            version: &metadata.version,
            app_version: &metadata.app_version,
            description: &metadata.description,
            tag: version.reference.tag.as_ref().map(ToString::to_string).unwrap_or_default(),
            reference: version.reference.to_string(),
            digest: version.digest.as_ref(),
            created: version.created.as_deref(),
            size: version.size,
            kind,
            deprecated: metadata.deprecated,
            kube_version: &metadata.kube_version,
        }
    }
}

/// Prints only references, one in each line.
pub fn print_references<'a>(
    out: &mut dyn Write,
    references: impl Iterator<Item = &'a Reference>,
) -> io::Result<()> {
    let text: String = references.map(|reference| format!("{reference}\n")).collect();
    out.write_all(text.as_bytes())
}

/// Prints versions of one chart, as a table or as a document.
pub fn print_versions(
    out: &mut dyn Write,
    versions: &[ChartVersion],
    output: Output,
) -> Result<(), Failures> {
    if output != Output::Table {
        let rows = versions.iter().map(|version| Ok(VersionRow::of(version, false)));
        return Ok(write_list(out, output, rows)?);
    }
    let mut table = Table::new(&["VERSION", "APP VERSION", "CREATED", "DIGEST", "DESCRIPTION"]).cutting();
    for version in versions {
        let metadata = &version.metadata;
        // The date without the time is enough in a table.
        let created = version.created.as_deref().map_or("-", |text| text.get(..10).unwrap_or(text));
        let digest = version.digest.as_ref().map_or("-".to_owned(), shortened);
        let description = described(version);
        table.push(&[&metadata.version, or_dash(&metadata.app_version), created, &digest, &description]);
    }
    Ok(table.print(out)?)
}

/// Prints charts, as a table with Helm's columns or as a document.
pub fn print_charts(out: &mut dyn Write, versions: &[&ChartVersion], output: Output) -> Result<(), Failures> {
    if output != Output::Table {
        let rows = versions.iter().map(|version| Ok(VersionRow::of(version, true)));
        return Ok(write_list(out, output, rows)?);
    }
    let mut table = Table::new(&["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"]).cutting();
    for version in versions {
        let metadata = &version.metadata;
        let (name, description) = (version.reference.name(), described(version));
        table.push(&[&name, &metadata.version, or_dash(&metadata.app_version), &description]);
    }
    Ok(table.print(out)?)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// The first digits of a digest, enough to distinguish versions.
fn shortened(digest: &Digest) -> String {
    format!("{}:{}", digest.algorithm().name(), digest.short())
}

fn described(version: &ChartVersion) -> String {
    let description = version.metadata.description.as_str();
    // Many descriptions say so themselves.
    let says = description.get(..10).is_some_and(|begin| begin.eq_ignore_ascii_case("deprecated"));
    let mark = if version.metadata.deprecated && !says { "(deprecated) " } else { "" };
    match description {
        "" if mark.is_empty() => "-".to_owned(),
        text => format!("{mark}{text}").trim_end().to_owned(),
    }
}
