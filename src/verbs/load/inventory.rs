//! Lists what a cache has as an index, so that a bundle for it can leave that out.

use super::error::LoadError;
use crate::cache::{Cache, CacheEntry, CacheError};
use crate::digest::Digest;
use crate::layout::{BundlePlan, PlannedAttachment, PlannedChart};
use crate::manifest::Descriptor;
use crate::media_type;

/// The index of all charts in the cache that were pushed, pulled or loaded, with what is attached to them, for `bundle
/// --since`. `missed` is called with what cannot be read, which is left out.
pub fn inventory(cache: &Cache, missed: impl Fn(&str, &CacheError)) -> Result<Vec<u8>, LoadError> {
    let listing = cache.list()?;
    listing.unreadable.iter().for_each(|unreadable| missed(&unreadable.references(), &unreadable.error));
    let mut charts = Vec::new();
    for listed in listing.entries {
        let chart = listed.found.and_then(|(stored, _)| described(cache, &stored.entry));
        match chart {
            Ok(Some((manifest, attached))) => {
                let (reference, blobs) = (listed.reference, Vec::new());
                charts.push(PlannedChart { reference, manifest, blobs, attached });
            }
            // A chart that was never in a registry cannot be in a bundle made elsewhere.
            Ok(None) => {}
            Err(error) => missed(&listed.reference.to_string(), &error),
        }
    }
    Ok(BundlePlan::new(charts, Vec::new(), |_| false).index.to_text()?)
}

type DescribedBlob = (Descriptor, Vec<PlannedAttachment>);

fn described(cache: &Cache, entry: &CacheEntry) -> Result<Option<DescribedBlob>, CacheError> {
    let descriptor = |digest: &Digest| {
        let size = cache.blob(digest)?.size();
        Ok::<_, CacheError>(Descriptor::new(media_type::MANIFEST, digest.clone(), size))
    };
    let Some(manifest) = entry.as_in_registry() else { return Ok(None) };
    let mut attached = Vec::new();
    for digest in &entry.attached.manifests {
        let (manifest, blobs, tags) = (descriptor(digest)?, Vec::new(), Vec::new());
        attached.push(PlannedAttachment { manifest, blobs, tags, has_subject: true });
    }
    for (tag, digest) in &entry.attached.tags {
        let (manifest, blobs, tags) = (descriptor(digest)?, Vec::new(), vec![tag.clone()]);
        attached.push(PlannedAttachment { manifest, blobs, tags, has_subject: false });
    }
    Ok(Some((descriptor(manifest)?, attached)))
}
