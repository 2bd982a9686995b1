//! Imports the chart cache of Helm 3.0 to 3.6: an OCI image layout, whose index names each chart by the reference under
//! which it was saved, valid or not (internal/experimental/registry/cache.go at v3.6.2).

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::outcome::{Import, ImportError, ImportOptions, ImportRow, Taken};
use super::take::{Claimed, Package, below};
use crate::cache::Cache;
use crate::digest::VerifiedReader;
use crate::disk::{AtPath as _, Directory};
use crate::layout::{REF_NAME, blob_path, written_reference};
use crate::limits::{MAX_CONFIG, MAX_MANIFEST};
use crate::manifest::{ChartManifest, Descriptor, ManifestDocument, ManifestError};
use crate::reference::{Reference, ReferenceError};

/// How many bytes of memory the entries of an index take, for each byte of its text.
const HELD: u64 = 2;

/// The index of a layout. An invalid entry does not affect the others.
#[derive(Deserialize)]
struct Helm3Index {
    manifests: Option<Vec<Helm3Entry>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Helm3Entry {
    Good(Descriptor),
    Bad(IgnoredAny),
}

/// Imports the chart cache of Helm 3.0 to 3.6 at `path`, each chart under its reference there. A chart whose reference
/// is not valid in a registry goes below the prefix, if there is one. `told` is called with the result for each chart.
pub fn import_helm3(
    cache: &Cache,
    path: &Path,
    options: &ImportOptions,
    mut told: impl FnMut(ImportRow),
) -> Result<(), ImportError> {
    let layout = Directory::open_existing(path.to_path_buf())?;
    let index = path.join("index.json");
    let gone = || std::io::ErrorKind::NotFound.into();
    let (mut file, size) = layout.file("index.json")?.ok_or_else(gone).at("read", &index)?;
    let _held = cache.budget().hold(size * HELD)?;
    let mut text = Vec::new();
    file.by_ref().take(size).read_to_end(&mut text).at("read", &index)?;
    let entries: Helm3Index = serde_json::from_slice(&text).map_err(ImportError::Index)?;
    drop(text);
    let import = Import { cache, options };
    for entry in entries.manifests.into_iter().flatten() {
        told(match entry {
            Helm3Entry::Good(descriptor) => import.entry(&layout, &descriptor),
            Helm3Entry::Bad(IgnoredAny) => ImportRow {
                from: "an entry of index.json".to_owned(),
                reference: None,
                old_manifest: None,
                note: None,
                outcome: Err(ImportError::Entry),
            },
        });
    }
    Ok(())
}

impl Import<'_> {
    fn entry(&self, layout: &Directory, descriptor: &Descriptor) -> ImportRow {
        let name = descriptor.annotations.get(REF_NAME).cloned();
        let mut row = ImportRow {
            from: name.clone().unwrap_or_else(|| descriptor.digest.to_string()),
            reference: None,
            old_manifest: Some(descriptor.digest.clone()),
            note: None,
            outcome: Err(ImportError::Entry),
        };
        let Some(name) = name else { return row };
        row.outcome = self.chart(layout, descriptor, &name, &mut row.reference);
        row
    }

    fn chart(
        &self,
        layout: &Directory,
        descriptor: &Descriptor,
        name: &str,
        under: &mut Option<Reference>,
    ) -> Result<Taken, ImportError> {
        let odd = match reference(name) {
            Ok(reference) => {
                let reference = under.insert(reference).clone();
                return self.put(&reference, self.package(layout, descriptor)?);
            }
            Err(source) => ImportError::Odd(source),
        };
        let Some(prefix) = &self.options.prefix else { return Err(odd) };
        let package = self.package(layout, descriptor)?;
        let reference = under.insert(below(prefix, &package.metadata)?).clone();
        self.put(&reference, package)
    }

    /// The package that a manifest describes. All of its blobs are verified.
    fn package(&self, layout: &Directory, descriptor: &Descriptor) -> Result<Package, ImportError> {
        let manifest = small(layout, descriptor, MAX_MANIFEST)?;
        let ManifestDocument::Manifest(manifest) =
            ManifestDocument::parse(&manifest, &descriptor.media_type)?
        else {
            return Err(ManifestError::Neither.into());
        };
        let ChartManifest::Whole { config, chart, provenance, .. } = ChartManifest::new(&manifest)? else {
            return Err(ManifestError::Neither.into());
        };
        small(layout, &config, MAX_CONFIG)?;
        let claimed = |descriptor: Descriptor| {
            let path = layout.path().join(blob_path(&descriptor.digest));
            let file = blob(layout, &descriptor)?;
            Ok::<_, ImportError>(Claimed { file, path, digest: Some(descriptor.digest) })
        };
        self.read(claimed(chart)?, provenance.map(claimed).transpose()?)
    }
}

/// Parses the reference that Helm has recorded, which must have a tag and no digest.
fn reference(name: &str) -> Result<Reference, ReferenceError> {
    let reference = written_reference(name)?;
    match (&reference.tag, &reference.digest) {
        (Some(_), None) => Ok(reference),
        _ => Err(ReferenceError::NoTag(name.to_owned())),
    }
}

/// Opens a blob of a layout. An error if it is missing or does not have the size in its descriptor.
fn blob(layout: &Directory, descriptor: &Descriptor) -> Result<File, ImportError> {
    let missing = || ImportError::Missing(descriptor.digest.clone());
    let path = blob_path(&descriptor.digest);
    let parent = Path::new(&path).parent();
    let directory = parent.map_or(Ok(None), |parent| layout.below(parent))?.ok_or_else(missing)?;
    match directory.file(descriptor.digest.hex())?.ok_or_else(missing)? {
        (file, size) if size == descriptor.size => Ok(file),
        _ => Err(ImportError::Damaged(descriptor.digest.clone())),
    }
}

/// Reads and verifies a small blob.
fn small(layout: &Directory, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImportError> {
    if descriptor.size > limit {
        return Err(ImportError::TooLarge(limit >> 20));
    }
    let mut bytes = Vec::new();
    let file = blob(layout, descriptor)?;
    VerifiedReader::new(file, descriptor.digest.clone(), descriptor.size)
        .read_to_end(&mut bytes)
        .map_err(|_| ImportError::Damaged(descriptor.digest.clone()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_helm_become_ours_or_are_odd() {
        for (name, expected) in [
            ("localhost:5000/a/b:1.0.0+b1", Some("localhost:5000/a/b:1.0.0_b1")),
            ("myrepo:1/x:1.0.0", Some("myrepo:1/x:1.0.0")),
            ("localhost:5000/x", None),
            ("w2:1.0.0+b1", None),
            ("myrepo/x:1:1.0.0+b1", None),
            ("UPPER/x:1.0", None),
            ("localhost:5000/UPPER:1.0", None),
            ("myrepo/noport:1", None),
            ("", None),
        ] {
            assert_eq!(reference(name).ok().map(|r| r.to_string()).as_deref(), expected, "{name}");
        }
    }
}
