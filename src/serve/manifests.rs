//! Pulling, pushing and deleting manifests: end-3, end-7 and end-9.

use std::sync::Arc;

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::document::Document;
use super::naming::StoredManifest;
use super::refusal::Refusal;
use super::request::{RequestBody, parameter};
use super::response::{self, DOCKER_CONTENT_DIGEST, OCI_SUBJECT, Response};
use super::route::{self, Target};
use super::store::Store;
use super::{Registry, blocking, conditions, work};
use crate::digest::Digest;
use crate::limits::MAX_MANIFEST;
use crate::reference::Repository;

/// end-3: `GET` or `HEAD /v2/<name>/manifests/<reference>`
pub(super) fn get(
    registry: &Registry,
    repository: &Repository,
    target: Target,
    parts: &Parts,
) -> Result<Response, Refusal> {
    // Accept is not looked at: there is one form of a manifest, and a client that was given its name wants that one.
    let manifest = find(&registry.store, repository, target)?;
    let mut response = if conditions::has_already(&parts.headers, &manifest.digest) {
        response::empty(StatusCode::NOT_MODIFIED)
    } else if parts.method == Method::HEAD {
        let mut response = response::empty(StatusCode::OK);
        response::set(&mut response, CONTENT_LENGTH, &manifest.content.len().to_string());
        response
    } else {
        response::bytes(StatusCode::OK, manifest.content.into())
    };
    response::set(&mut response, CONTENT_TYPE, &manifest.media_type);
    response::set(&mut response, ETAG, &conditions::etag(&manifest.digest));
    response::set(&mut response, DOCKER_CONTENT_DIGEST, &manifest.digest.to_string());
    Ok(response)
}

fn find(store: &Store, repository: &Repository, target: Target) -> Result<StoredManifest, Refusal> {
    let (digest, shown) = match target {
        Target::Tag(tag) => (store.tag(repository, &tag)?, tag.to_string()),
        Target::Digest(digest) => (Some(digest.clone()), digest.to_string()),
        Target::Neither(text) => (None, text),
    };
    let manifest = match digest {
        Some(digest) => store.manifest(repository, &digest)?,
        None => None,
    };
    manifest.ok_or(Refusal::ManifestUnknown(shown))
}

/// end-7: `PUT /v2/<name>/manifests/<reference>`
pub(super) async fn put(
    registry: &Registry,
    repository: Repository,
    target: Target,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<Response, Refusal> {
    let (tag, provided) = match target {
        Target::Digest(digest) => (None, Some(digest)),
        Target::Tag(tag) => {
            // From version 1.2 of the spec: a tag's manifest may be addressed by another algorithm than SHA-256.
            let digest = parameter(parts.uri.query(), "digest");
            (Some(tag), digest.map(|digest| route::digest(&digest)).transpose()?)
        }
        Target::Neither(_) => {
            return Err(Refusal::ManifestInvalid("its reference is neither a tag nor a digest".to_owned()));
        }
    };
    let content = body.whole(MAX_MANIFEST).await?.ok_or(Refusal::ManifestTooLarge)?;
    let digest = match provided {
        Some(provided) => {
            let mut hasher = provided.hasher();
            hasher.update(&content);
            let found = hasher.finish();
            if found != provided {
                return Err(Refusal::DigestMismatch { provided, found });
            }
            found
        }
        None => Digest::of(&content),
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let document = Document::parse(&content, content_type, &digest)?;

    let mut response = response::empty(StatusCode::CREATED);
    response::set(&mut response, LOCATION, &format!("/v2/{repository}/manifests/{digest}"));
    response::set(&mut response, DOCKER_CONTENT_DIGEST, &digest.to_string());
    if let Some(referrer) = &document.referrer {
        response::set(&mut response, OCI_SUBJECT, &referrer.subject.to_string());
    }

    let store = Arc::clone(&registry.store);
    work(move || {
        let Document { media_type, parts, referrer } = document;
        let manifest = StoredManifest { digest, media_type, content: content.into() };
        store.add_manifest(&repository, &manifest, &parts, referrer.as_ref(), tag.as_ref())
    })
    .await?;
    Ok(response)
}

/// end-9: `DELETE /v2/<name>/manifests/<reference>`, a tag alone or a manifest with all its tags
pub(super) async fn delete(
    registry: &Registry,
    repository: Repository,
    target: Target,
) -> Result<Response, Refusal> {
    let store = Arc::clone(&registry.store);
    let (removed, shown) = match target {
        Target::Tag(tag) => {
            let shown = tag.to_string();
            (blocking(move || store.remove_tag(&repository, &tag)).await?, shown)
        }
        Target::Digest(digest) => {
            let shown = digest.to_string();
            let removed = blocking(move || {
                let manifest = store.manifest(&repository, &digest)?;
                let subject = manifest.and_then(|manifest| {
                    let document = Document::parse(&manifest.content, Some(&manifest.media_type), &digest);
                    document.ok()?.referrer.map(|referrer| referrer.subject)
                });
                store.remove_manifest(&repository, &digest, subject.as_ref())
            });
            (removed.await?, shown)
        }
        Target::Neither(text) => (false, text),
    };
    match removed {
        true => Ok(response::empty(StatusCode::ACCEPTED)),
        false => Err(Refusal::ManifestUnknown(shown)),
    }
}
