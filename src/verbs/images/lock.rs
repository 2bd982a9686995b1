//! Makes an Images.lock: the images of a chart, each with its digests in the registry by platform
//! (distribution-tooling-for-helm 0.7, pkg/imagelock/lock.go and digest.go; HIP community#281).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::found::NamedImage;
use super::name::ImageName;
use crate::chart::Metadata;
use crate::digest::Digest;
use crate::manifest::{self, Descriptor};
use crate::media_type;
use crate::reference::{Reference, ReferenceError};
use crate::registry::{self, Client, ManifestAnswer, RawManifest, RepositoryClient};
use crate::threads::try_in_parallel;

/// The largest manifest or index of an image that is read, in bytes. Images for twenty platforms have some 20 KiB.
const MOST: u64 = 512 << 10;
/// How many images are requested at a time.
const AT_ONCE: usize = 8;

/// The contents of an Images.lock. They do not depend on the time at which it is made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagesLockDocument {
    api_version: &'static str,
    kind: &'static str,
    metadata: LockMetadata,
    chart: LockedChart,
    images: Vec<LockedImage>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LockMetadata {
    generated_by: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LockedChart {
    name: String,
    version: String,
    app_version: String,
}

/// An image with its digests.
#[derive(Clone, Debug, Serialize)]
struct LockedImage {
    name: String,
    image: String,
    chart: String,
    digests: Vec<PlatformDigest>,
}

#[derive(Clone, Debug, Serialize)]
struct PlatformDigest {
    digest: Digest,
    /// The platform, such as `linux/amd64`.
    arch: String,
}

/// Why the digests of an image cannot be determined.
#[derive(Debug, thiserror::Error)]
#[error("cannot lock {image}")]
pub struct ImagesLockError {
    /// The image.
    pub image: ImageName,
    /// The reason.
    #[source]
    pub source: LockedImageError,
}

/// Why one image cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockedImageError {
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// Its name is not valid in a registry.
    #[error("{0}")]
    Reference(#[from] ReferenceError),
    /// The manifest is neither that of an image nor an index.
    #[error("its manifest cannot be read")]
    Json(#[source] serde_json::Error),
    /// The manifest names no platform.
    #[error("it is for no platform")]
    NoPlatform,
}

/// A manifest or an index of images.
#[derive(Deserialize)]
struct ImageDocument {
    config: Option<Descriptor>,
    manifests: Option<Vec<IndexedImage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexedImage {
    digest: Digest,
    media_type: String,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

/// The platform in an index; a config has the same fields.
#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

impl Platform {
    fn arch(&self) -> String {
        format!("{}/{}", self.os, self.architecture)
    }
}

impl ImagesLockDocument {
    /// Requests the digests of all images of a chart from their registries. `client` returns the client for a
    /// reference.
    pub fn of<'c>(
        chart: &Metadata,
        images: &BTreeMap<ImageName, NamedImage>,
        client: impl Fn(&Reference) -> &'c Client + Sync,
    ) -> Result<Self, Box<ImagesLockError>> {
        let images: Vec<_> = images.iter().collect();
        let images = try_in_parallel(&images, AT_ONCE, |(name, image)| {
            let locked = locked(name, image, &client);
            locked.map_err(|source| Box::new(ImagesLockError { image: (*name).clone(), source }))
        })?;
        Ok(Self {
            api_version: "v0",
            kind: "ImagesLock",
            metadata: LockMetadata { generated_by: "helm-oci" },
            chart: LockedChart {
                name: chart.name.clone(),
                version: chart.version.clone(),
                app_version: chart.app_version.clone(),
            },
            images,
        })
    }
}

fn locked<'c>(
    name: &ImageName,
    image: &NamedImage,
    client: &impl Fn(&Reference) -> &'c Client,
) -> Result<LockedImage, LockedImageError> {
    let reference = name.in_registry()?;
    let repository = client(&reference).repository(&reference.host, &reference.repository)?;
    let repository = repository.reading_at_most(MOST);
    let target = reference.target().ok_or(LockedImageError::NoPlatform)?;
    let ManifestAnswer::Manifest(raw) = repository.get_manifest(target, None)? else {
        return Err(LockedImageError::NoPlatform);
    };
    let digests = digests(&repository, &raw)?;
    if digests.is_empty() {
        return Err(LockedImageError::NoPlatform);
    }
    let own = reference.repository.as_str().rsplit('/').next().unwrap_or_default();
    Ok(LockedImage {
        name: image.name.clone().unwrap_or_else(|| own.to_owned()),
        image: name.to_string(),
        chart: image.charts.first().cloned().unwrap_or_default(),
        digests,
    })
}

fn digests(
    repository: &RepositoryClient,
    raw: &RawManifest,
) -> Result<Vec<PlatformDigest>, LockedImageError> {
    let document: ImageDocument = manifest::from_json(&raw.bytes).map_err(LockedImageError::Json)?;
    if let Some(images) = document.manifests {
        let found = images.into_iter().filter(IndexedImage::is_image).filter_map(|image| {
            let arch = image.platform?.arch();
            Some(PlatformDigest { digest: image.digest, arch })
        });
        return Ok(found.collect());
    }
    let config = document.config.ok_or(LockedImageError::NoPlatform)?;
    let config = repository.get_small_blob(&config)?;
    let platform: Platform = manifest::from_json(&config).map_err(LockedImageError::Json)?;
    Ok(vec![PlatformDigest { digest: raw.digest.clone(), arch: platform.arch() }])
}

impl IndexedImage {
    /// Whether the entry is an image, and not an attestation by docker's builder.
    fn is_image(&self) -> bool {
        let is_attestation = self.annotations.as_ref().is_some_and(|annotations| {
            annotations.get("vnd.docker.reference.type").is_some_and(|kind| kind == "attestation-manifest")
        });
        let known = [media_type::MANIFEST, media_type::DOCKER_MANIFEST];
        known.contains(&media_type::essence(&self.media_type).as_str()) && !is_attestation
    }
}
