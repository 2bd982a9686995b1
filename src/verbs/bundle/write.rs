//! Writes collected charts into one file.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;

use super::bundling::{Bundled, BundledChart, Bundling};
use super::error::BundlingError;
use super::gather::Gathered;
use super::origin::BlobOrigin;
use super::since::Since;
use crate::bundle::{BundleOutput, BundleWriter};
use crate::digest::Digest;
use crate::layout::{BundlePlan, MARKER};
use crate::verbs::outcome::{OnProgress, Progress};

impl Bundling<'_> {
    /// Writes a bundle of these charts, without what older ones have. A file gets its name when it is complete; a pipe
    /// is written piece by piece. `progress` is called with the number of bytes to write, and then with those that were
    /// written.
    pub fn write(
        &self,
        gathered: Vec<Gathered<'_>>,
        mut since: Since<'_>,
        to: BundleOutput,
        progress: OnProgress<'_>,
    ) -> Result<Bundled, BundlingError> {
        let mut bytes = HashMap::<Digest, Vec<u8>>::new();
        let mut origins = HashMap::<Digest, BlobOrigin<'_>>::new();
        since.know(&gathered);
        let mut all = HashSet::new();
        let (mut charts, mut rows, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for Gathered { chart, manifests, origins: own, looked, _held } in gathered {
            let is_new = !since.has_chart(&chart);
            let attached = chart.attached.iter();
            let manifests_of = attached.clone().map(|one| &one.manifest).chain([&chart.manifest]);
            let blobs = attached.flat_map(|one| &one.blobs).chain(&chart.blobs).chain(manifests_of);
            all.extend(blobs.map(|blob| blob.digest.clone()));
            rows.push(BundledChart {
                reference: chart.reference.clone(),
                digest: chart.manifest.digest.clone(),
                attached: chart.attached.len(),
                looked,
                is_new,
            });
            held.push(_held);
            if !is_new {
                continue;
            }
            charts.push(chart);
            bytes.extend(manifests);
            for (digest, origin) in own {
                // A blob that the cache has need not be fetched, even if another chart would take it from a registry.
                match origins.get(&digest) {
                    Some(BlobOrigin::Memory(_) | BlobOrigin::Cache | BlobOrigin::Layer(..)) => {}
                    _ => drop(origins.insert(digest, origin)),
                }
            }
        }
        let plan = BundlePlan::new(charts, since.indexes.clone(), |digest| since.has_blob(digest));
        let index = plan.index.to_text()?;
        let mut writer = BundleWriter::new(to);
        progress(Progress::Whole(plan.blobs.iter().map(|blob| blob.size).sum()));
        writer.file("oci-layout", MARKER.len() as u64, &mut MARKER.as_bytes())?;
        writer.file("index.json", index.len() as u64, &mut Cursor::new(&index))?;
        for manifest in &plan.manifests {
            let bytes = bytes.get(&manifest.digest).map(Vec::as_slice).unwrap_or_default();
            writer.blob(manifest, &mut Cursor::new(bytes))?;
        }
        for blob in &plan.blobs {
            let origin = origins.get(&blob.digest).unwrap_or(&BlobOrigin::Cache);
            origin.write(self.cache, blob, &mut writer)?;
            progress(Progress::Done(blob.size));
        }
        let (digest, size) = writer.finish()?;
        rows.sort_by_cached_key(|row| row.reference.to_string());
        let blobs = plan.manifests.len() + plan.blobs.len();
        Ok(Bundled { digest, size, charts: rows, blobs, left_out: all.len().saturating_sub(blobs) })
    }
}
