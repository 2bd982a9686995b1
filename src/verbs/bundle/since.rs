//! What older bundles contain, so that a new one can leave it out.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::BundlingError;
use super::gather::Gathered;
use crate::bundle::{BundleError, BundleReader};
use crate::cache::{Cache, CacheError};
use crate::digest::Digest;
use crate::disk::{AtPath as _, PathError};
use crate::graph::Node;
use crate::layout::{EntryName, LayoutIndex, PlannedChart, entry_name};
use crate::limits::{HeldBudget, MAX_MANIFEST};

/// How many bytes of memory a remembered blob takes.
const REMEMBERED: u64 = 256;
/// The largest `index.json` outside a bundle that is read, in bytes.
const MAX_INDEX: u64 = 16 << 20;

/// The contents of older bundles.
#[derive(Default)]
pub struct Since<'a> {
    /// The digests of their indexes.
    pub(super) indexes: Vec<Digest>,
    /// Their charts, by reference and digest.
    charts: HashSet<(String, Digest)>,
    /// The digests of their manifests.
    manifests: HashSet<Digest>,
    /// The digests of their blobs, and of those that they leave out because still older bundles have them.
    blobs: HashSet<Digest>,
    held: Vec<HeldBudget<'a>>,
}

impl<'a> Since<'a> {
    /// Adds the contents of a bundle, or of an `index.json` outside a bundle.
    pub fn read(&mut self, path: &Path, cache: &'a Cache) -> Result<(), BundlingError> {
        let mut held = cache.budget().hold(0)?;
        if let Some(text) = index_alone(path)? {
            held.grow(2 * text.len() as u64)?;
            let index = LayoutIndex::parse(&text).map_err(BundleError::from)?;
            self.indexes.push(Digest::of(&text));
            self.enter(&index);
            self.held.push(held);
            return Ok(());
        }
        let scratch = || cache.scratch().map_err(as_path_error(cache));
        let mut reader = BundleReader::open(path, cache.budget(), scratch)?;
        let (index, digest) = reader.index()?;
        held.grow(REMEMBERED * index.manifests.len() as u64)?;
        for entry in &index.manifests {
            // A bundle has all blobs of its manifests, or leaves them out because older ones have them.
            if let Some(bytes) = reader.small(entry, MAX_MANIFEST)? {
                let node = Node::parse(&bytes, &entry.media_type)?;
                held.grow(REMEMBERED * node.blobs.len() as u64)?;
                self.blobs.extend(node.blobs.into_iter().map(|blob| blob.digest));
            }
        }
        let there = reader.digests()?;
        held.grow(REMEMBERED * there.len() as u64)?;
        self.blobs.extend(there);
        self.indexes.push(digest);
        self.enter(&index);
        self.held.push(held);
        Ok(())
    }

    fn enter(&mut self, index: &LayoutIndex) {
        for entry in &index.manifests {
            if let EntryName::Full(reference) = entry_name(&entry.annotations) {
                self.charts.insert((reference.to_string(), entry.digest.clone()));
            }
            self.manifests.insert(entry.digest.clone());
        }
    }

    /// Adds the blobs of the given charts' manifests that the older bundles have: an index alone lists manifests and no
    /// blobs.
    pub(super) fn know(&mut self, gathered: &[Gathered<'_>]) {
        for chart in gathered.iter().map(|gathered| &gathered.chart) {
            let attached = chart.attached.iter().map(|attached| (&attached.manifest, &attached.blobs));
            for (manifest, blobs) in std::iter::once((&chart.manifest, &chart.blobs)).chain(attached) {
                if self.manifests.contains(&manifest.digest) {
                    self.blobs.extend(blobs.iter().map(|blob| blob.digest.clone()));
                }
            }
        }
    }

    /// Whether an older bundle has the same version of a chart, with all that is attached to it now.
    pub(super) fn has_chart(&self, chart: &PlannedChart) -> bool {
        self.charts.contains(&(chart.reference.to_string(), chart.manifest.digest.clone()))
            && chart.attached.iter().all(|attached| {
                // A manifest that is attached as a member of an index has no entry of its own.
                let has_none = attached.tags.is_empty() && !attached.has_subject;
                has_none || self.manifests.contains(&attached.manifest.digest)
            })
    }

    /// Whether an older bundle has this blob.
    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }
}

/// The content of a file that is an index and not a bundle; `None` for any other file.
fn index_alone(path: &Path) -> Result<Option<Vec<u8>>, PathError> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path).at("read", path)?.take(MAX_INDEX);
    let mut first = [0];
    if file.read(&mut first).at("read", path)? == 0 || first != *b"{" {
        return Ok(None);
    }
    let mut text = first.to_vec();
    file.read_to_end(&mut text).at("read", path)?;
    Ok(Some(text))
}

/// Converts an error of the cache about its temporary files.
pub(in crate::verbs) fn as_path_error(cache: &Cache) -> impl Fn(CacheError) -> PathError {
    let root: PathBuf = cache.root().to_owned();
    move |error| match error {
        CacheError::Disk(error) | CacheError::Foreign(error) => error,
        error => PathError { verb: "use", path: root.clone(), source: std::io::Error::other(error) },
    }
}
