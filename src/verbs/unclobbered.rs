//! Makes sure that a push overwrites nothing else: what a tag stands for is checked before a manifest is put under it,
//! and again if the registry refuses that.
//!
//! No registry makes this atomic. `If-None-Match: *` on the PUT of a manifest is ignored by those that were tried
//! (docker-registry 2.8.2, crane's). A tag that cannot be set is reported in many ways: 400 TAG_INVALID (ECR), 403
//! (Docker Hub), 409 TAG_IMMUTABLE (Quay), 412 (Harbor). So the refusal is not interpreted; what the tag stands for
//! afterwards decides.

use crate::digest::Digest;
use crate::manifest::{ChartManifest, ManifestDocument};
use crate::reference::Target;
use crate::registry::{self, ManifestAnswer, RawManifest, RepositoryClient};

/// What a tag or digest stands for in a registry.
#[derive(Debug)]
pub(super) enum Standing {
    /// Nothing: there is no such tag or digest.
    Free,
    /// The manifest that it should stand for.
    Manifest,
    /// Another manifest of the same chart, pushed by another client or at another time.
    Chart(RawManifest),
    /// Something else, with this digest.
    Other(Digest),
}

/// Checks what a tag stands for. `manifest` is the digest that it should stand for, if that is known already, and
/// `is_chart` recognises the digest of the chart that should be under it.
pub(super) fn standing(
    client: &RepositoryClient,
    target: Target<'_>,
    manifest: Option<&Digest>,
    is_chart: &dyn Fn(&Digest) -> bool,
) -> Result<Standing, registry::RegistryError> {
    // If the manifest is known, a HEAD is enough; otherwise its layers are needed anyway.
    let there = match manifest {
        Some(manifest) => match client.head_manifest(target)? {
            None => return Ok(Standing::Free),
            Some(head) if head.digest == *manifest => return Ok(Standing::Manifest),
            Some(_) => client.get_manifest(target, None),
        },
        None => client.get_manifest(target, None),
    };
    match there {
        Ok(ManifestAnswer::Manifest(there)) if manifest == Some(&there.digest) => Ok(Standing::Manifest),
        Ok(ManifestAnswer::Manifest(there)) => {
            Ok(match chart_of(&there).is_some_and(|chart| is_chart(&chart)) {
                true => Standing::Chart(there),
                false => Standing::Other(there.digest),
            })
        }
        Ok(ManifestAnswer::NotModified) | Err(registry::RegistryError::NotFound { .. }) => Ok(Standing::Free),
        Err(error) => Err(error),
    }
}

/// Checks what a tag stands for after the registry has refused to put a manifest under it. Returns the refusal as an
/// error if the tag stands for nothing, or if the reason was another one.
pub(super) fn standing_after(
    refusal: registry::RegistryError,
    client: &RepositoryClient,
    target: Target<'_>,
    manifest: &Digest,
    is_chart: &dyn Fn(&Digest) -> bool,
) -> Result<Standing, registry::RegistryError> {
    let may_be_taken = match &refusal {
        registry::RegistryError::Refused { status, .. } => matches!(status, 400..=499),
        registry::RegistryError::Forbidden { .. } => true,
        _ => false,
    };
    if !may_be_taken {
        return Err(refusal);
    }
    match standing(client, target, Some(manifest), is_chart) {
        Ok(Standing::Free) => Err(refusal),
        Ok(standing) => Ok(standing),
        Err(error) => {
            log::debug!("{error}; the registry does not say what is there instead");
            Err(refusal)
        }
    }
}

/// The digest of the chart archive in a manifest, if it is a manifest of a chart with one archive.
pub(super) fn chart_of(manifest: &RawManifest) -> Option<Digest> {
    let ManifestDocument::Manifest(parsed) =
        ManifestDocument::parse(&manifest.bytes, &manifest.content_type).ok()?
    else {
        return None;
    };
    match ChartManifest::new(&parsed).ok()? {
        ChartManifest::Whole { chart, .. } => Some(chart.digest),
        ChartManifest::Split { .. } => None,
    }
}
