//! The entry for one version of a chart in an index (Helm's pkg/repo/v1/index.go, ChartVersion).

use serde_json::{Value, json};

use super::error::ClassicError;
use crate::verbs::browse::ChartVersion;

/// The entry: the chart's metadata, the URL of its package, and the time and digest as far as the registry has them.
pub(super) fn entry(version: &ChartVersion, url: &str) -> Result<Value, ClassicError> {
    let mut entry: Value = serde_json::from_slice(&version.metadata.to_config()?)?;
    entry["urls"] = json!([url]);
    if let Some(created) = &version.created {
        entry["created"] = json!(created);
    }
    if let Some(package) = &version.package {
        entry["digest"] = json!(package.hex());
    }
    Ok(entry)
}

/// The file name of a package, `NAME-VERSION.tgz`. Name and version come from the chart, so they are checked: the
/// result must not lead to another directory.
pub(super) fn file_name(version: &ChartVersion) -> Result<String, ClassicError> {
    let name = format!("{}-{}.tgz", version.metadata.name, version.metadata.version);
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.+".contains(&b);
    let is_good = !name.starts_with(['.', '-', '+']) && name.len() < 200 && name.bytes().all(is_plain);
    if is_good { Ok(name) } else { Err(ClassicError::Name(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Metadata;
    use crate::digest::Digest;

    fn version(name: &str, version: &str) -> ChartVersion {
        ChartVersion {
            reference: "a.b/c/web:1".parse().unwrap(),
            digest: None,
            created: Some("2026-01-02T03:04:05Z".to_owned()),
            size: None,
            package: Some(Digest::of(b"x")),
            provenance: None,
            metadata: Metadata { name: name.to_owned(), version: version.to_owned(), ..Metadata::default() },
        }
    }

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(file_name(&version("web", "1.0.0+b1")).unwrap(), "web-1.0.0+b1.tgz");
        for (name, other) in
            [("../web", "1.0.0"), (".web", "1.0.0"), ("web", "1/2"), ("a b", "1"), ("", "1"), ("w\n", "1")]
        {
            assert!(file_name(&version(name, other)).is_err(), "{name:?} {other:?}");
        }
    }

    #[test]
    fn an_entry_is_what_helm_reads() {
        let entry = entry(&version("web", "1.0.0"), "web-1.0.0.tgz").unwrap();
        assert_eq!(entry["urls"], json!(["web-1.0.0.tgz"]));
        assert_eq!(entry["digest"], Digest::of(b"x").hex());
        assert_eq!((&entry["name"], &entry["created"]), (&json!("web"), &json!("2026-01-02T03:04:05Z")));
    }
}
