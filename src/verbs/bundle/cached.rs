//! Reads a chart of the cache in the form that it has in a registry.

use super::error::BundlingError;
use super::origin::{BlobOrigin, FoundChart};
use crate::cache::{Cache, CacheEntry, CacheError};
use crate::digest::Digest;
use crate::graph::Node;
use crate::manifest::{ChartManifest, Descriptor, ManifestDocument};
use crate::media_type;
use crate::reference::Reference;
use crate::verbs::layer::Layer;
use crate::verbs::push::Planned;

/// A chart of the cache.
pub(super) struct CachedChart<'a> {
    pub(super) found: FoundChart<'a>,
    pub(super) entry: CacheEntry,
}

/// The chart that the cache has under a reference, with the manifest that it was pushed or pulled as, or the one that a
/// push will make. `None` if there is no such chart. A chart of an early generation of which the cache does not keep
/// all bytes is an error that names the blob.
pub(super) fn cached<'a>(
    cache: &Cache,
    reference: &Reference,
) -> Result<Option<CachedChart<'a>>, BundlingError> {
    let layer = match Layer::open(cache, reference) {
        Err(CacheError::NotFound(_)) => return Ok(None),
        layer => layer?,
    };
    let entry = layer.entry.clone();
    let found = match (&layer.pushed, &layer.origin) {
        (None, Some(origin)) => early(cache, &layer, origin.digest(), origin.bytes()?)?,
        _ => {
            let planned = Planned::new(&layer)?;
            let node = Node::parse(&planned.form.manifest, &planned.media_type)?;
            let mut origins = vec![
                (planned.config.digest.clone(), BlobOrigin::Memory(planned.form.config.clone().into())),
                (planned.chart.digest.clone(), BlobOrigin::Layer(layer.head(), layer.entry.content.clone())),
            ];
            origins.extend(layer.provenance.as_ref().map(|file| (file.digest().clone(), BlobOrigin::Cache)));
            let digest = match &layer.pushed {
                Some(pushed) => pushed.manifest.digest().clone(),
                None => Digest::of(&planned.form.manifest),
            };
            FoundChart { digest, bytes: planned.form.manifest, node, origins }
        }
    };
    Ok(Some(CachedChart { found, entry }))
}

/// Reads a chart of an early generation, whose kind of manifest Helm no longer writes.
fn early<'a>(
    cache: &Cache,
    layer: &Layer,
    digest: &Digest,
    bytes: Vec<u8>,
) -> Result<FoundChart<'a>, BundlingError> {
    let missing = |blob: &Descriptor| BundlingError::from(CacheError::Missing(blob.digest.clone()));
    let ManifestDocument::Manifest(manifest) = ManifestDocument::parse(&bytes, "")? else {
        return Err(BundlingError::Index);
    };
    let (config, chart, provenance) = match ChartManifest::new(&manifest)? {
        ChartManifest::Whole { config, chart, provenance, .. } => (config, chart, provenance),
        ChartManifest::Split { meta, .. } => return Err(missing(&meta)),
    };
    let config_origin = match layer.metadata.to_config()? {
        _ if cache.blob(&config.digest).is_ok() => BlobOrigin::Cache,
        made if Digest::of(&made) == config.digest => BlobOrigin::Memory(made.into()),
        _ => return Err(missing(&config)),
    };
    if layer.part()?.digest != chart.digest {
        return Err(missing(&chart));
    }
    let mut origins = vec![
        (config.digest, config_origin),
        (chart.digest, BlobOrigin::Layer(layer.head(), layer.entry.content.clone())),
    ];
    if let Some(provenance) = provenance {
        cache.blob(&provenance.digest)?;
        origins.push((provenance.digest, BlobOrigin::Cache));
    }
    let node = Node::parse(&bytes, media_type::MANIFEST)?;
    if let Some(blob) = node.blobs.iter().find(|blob| origins.iter().all(|(known, _)| *known != blob.digest))
    {
        return Err(missing(blob));
    }
    Ok(FoundChart { digest: digest.clone(), bytes, node, origins })
}
