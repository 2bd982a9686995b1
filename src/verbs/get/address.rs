//! Parses `chart-cache://` URLs, by which Helm asks the downloader of a chart repository for files. Without I/O.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::reference::{Host, Reference, ReferenceError, Repository, Tag};
use crate::version::Version;

const SCHEME: &str = "chart-cache://";

/// What a URL asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The index of a place, `chart-cache://HOST/PREFIX/index.yaml`.
    Index(RegistryPlace),
    /// The package of a chart.
    Chart(Candidates),
    /// The provenance file of a chart: the chart's URL with `.prov` appended.
    Provenance(Candidates),
}

/// The references that a URL may stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    pub(super) likeliest: Reference,
    pub(super) others: Vec<Reference>,
}

impl Candidates {
    fn only(reference: Reference) -> Self {
        Self { likeliest: reference, others: Vec::new() }
    }

    /// All references, the most likely one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Reference> {
        std::iter::once(&self.likeliest).chain(&self.others)
    }
}

impl Address {
    /// The references that it may stand for; empty for an index.
    pub fn references(&self) -> Vec<Reference> {
        match self {
            Self::Index(_) => Vec::new(),
            Self::Chart(candidates) | Self::Provenance(candidates) => candidates.iter().cloned().collect(),
        }
    }
}

/// A part of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryPlace {
    /// The registry.
    pub host: Host,
    /// A repository, or the beginning of the names of several; `None` for the whole registry.
    pub prefix: Option<Repository>,
}

/// Why a URL cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has another scheme, or parts that a chart repository's URL never has.
    #[error("invalid URL `{0}`: expected chart-cache://host[:port]/repository[:tag]")]
    Url(String),
    /// Its file name is not NAME-VERSION.tgz.
    #[error("invalid URL `{0}`: the file is not called NAME-VERSION.tgz")]
    File(String),
    /// It contains no valid reference.
    #[error("{0}")]
    Reference(#[from] ReferenceError),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError::Url(given.to_owned());
        let rest = given.strip_prefix(SCHEME).filter(|rest| !rest.contains(['?', '#'])).ok_or_else(wrong)?;
        // Helm passes `:` and `+` on unescaped; other callers need not.
        let rest = percent_decode_str(rest).decode_utf8().map_err(|_| wrong())?;
        let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
        let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
        if file == "index.yaml" {
            let prefix = if directory.is_empty() { None } else { Some(directory.parse()?) };
            return Ok(Self::Index(RegistryPlace { host: host.parse()?, prefix }));
        }
        match path.strip_suffix(".prov") {
            Some(path) => Ok(Self::Provenance(candidates(given, host, path)?)),
            None => Ok(Self::Chart(candidates(given, host, path)?)),
        }
    }
}

/// The references that a path may stand for.
fn candidates(given: &str, host: &str, path: &str) -> Result<Candidates, AddressError> {
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(stem) = file.strip_suffix(".tgz") else {
        return Ok(Candidates::only(format!("oci://{host}/{path}").parse()?));
    };
    // A URL of our own index: REPOSITORY:TAG, followed by a file name for Helm.
    if directory.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) {
        return Ok(Candidates::only(format!("oci://{host}/{directory}").parse()?));
    }
    let host: Host = host.parse()?;
    let mut found = Vec::new();
    // A name may end like a version, and a version may contain dashes. The longest version is the most likely one.
    for (dash, _) in stem.match_indices('-') {
        let (name, version) = (&stem[..dash], &stem[dash + 1..]);
        let repository = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
        // Helm also names packages after versions like v1.2.3.
        if Version::parse_strict(version.strip_prefix('v').unwrap_or(version)).is_ok()
            && let (Ok(repository), Ok(tag)) = (repository.parse(), Tag::of_version(version))
        {
            found.push(Reference { host: host.clone(), repository, tag: Some(tag), digest: None });
        }
    }
    let mut found = found.into_iter();
    let likeliest = found.next().ok_or_else(|| AddressError::File(given.to_owned()))?;
    Ok(Candidates { likeliest, others: found.collect() })
}

/// The URL of a chart in an index. Helm stores charts under the last part of their URL, so that part is a file name
/// that every file system accepts; a reference itself contains a `:`.
pub(super) fn url(reference: &Reference, name: &str, version: &str) -> String {
    let reference = reference.to_string();
    format!("{SCHEME}{}/{name}-{version}.tgz", reference.strip_prefix("oci://").unwrap_or(&reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_charts_provenance_files_and_indexes() {
        let digest = crate::digest::Digest::of(b"");
        for (url, expected) in [
            ("localhost:5000/myrepo/mychart:2.7.0", "localhost:5000/myrepo/mychart:2.7.0"),
            ("localhost:5000/myrepo/mychart", "localhost:5000/myrepo/mychart"),
            ("localhost:5000/myrepo/mychart-2.7.0.tgz", "localhost:5000/myrepo/mychart:2.7.0"),
            ("localhost:5000/mychart-2.7.0+a.tgz", "localhost:5000/mychart:2.7.0_a"),
            ("localhost:5000/mychart-2.7.0%2Ba.tgz", "localhost:5000/mychart:2.7.0_a"),
            ("localhost:5000/mychart:latest/mychart-2.7.0.tgz", "localhost:5000/mychart:latest"),
            ("harbor/a/my-chart-1.0.0.tgz", "oci://harbor/a/my-chart:1.0.0"),
            ("localhost:5000/cert-manager-v1.13.1.tgz", "localhost:5000/cert-manager:v1.13.1"),
            (&format!("r.example/a@{digest}/a-1.0.0.tgz"), &format!("r.example/a@{digest}")),
        ] {
            let url = format!("{SCHEME}{url}");
            let expected = Candidates::only(expected.parse().unwrap());
            assert_eq!(url.parse(), Ok(Address::Chart(expected.clone())), "{url}");
            let provenance = format!("{url}.prov");
            assert_eq!(provenance.parse(), Ok(Address::Provenance(expected)));
        }
        let index = |host: &str, prefix: Option<&str>| {
            let prefix = prefix.map(|prefix| prefix.parse().unwrap());
            Ok(Address::Index(RegistryPlace { host: host.parse().unwrap(), prefix }))
        };
        assert_eq!("chart-cache://a.b/index.yaml".parse(), index("a.b", None));
        assert_eq!("chart-cache://a.b:1/x/y/index.yaml".parse(), index("a.b:1", Some("x/y")));
    }

    #[test]
    fn a_file_name_that_can_be_read_in_two_ways_is() {
        let Ok(Address::Chart(found)) = "chart-cache://a.b/x-1.0.0-2.0.0.tgz".parse() else { panic!() };
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a.b/x:1.0.0-2.0.0", "a.b/x-1.0.0:2.0.0"]);
    }

    #[test]
    fn what_is_none_is_refused() {
        for url in [
            "",
            "oci://a.b/c:1",
            "chart-cache://a.b",
            "chart-cache://a.b/",
            "chart-cache:///a/b:1",
            "chart-cache://a.b/c:1?x=y",
            "chart-cache://a.b/c:1#x",
            "chart-cache://a.b/c.tgz",
            "chart-cache://a.b/C-1.0.0.tgz",
            "chart-cache://a.b/%2e%2e/c:1",
            "chart-cache://u:p@a.b/c:1",
            "chart-cache://a.b/../index.yaml",
            "chart-cache://a.b/c:1/%ff.tgz",
        ] {
            assert!(url.parse::<Address>().is_err(), "{url}");
        }
    }

    #[test]
    fn the_urls_of_an_index_lead_back() {
        for text in ["localhost:5000/a/b:1.0.0_x", "oci://harbor/b:latest"] {
            let reference: Reference = text.parse().unwrap();
            let url = url(&reference, "b", "1.0.0+x");
            assert!(url.ends_with("/b-1.0.0+x.tgz"), "{url}");
            assert_eq!(url.parse(), Ok(Address::Chart(Candidates::only(reference))));
        }
    }
}
