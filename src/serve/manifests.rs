//! Reads, writes and deletes manifests (end-3, end-7 and end-9).

use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::sync::Arc;

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::conditions;
use super::document::{self, ServedManifest};
use super::naming::StoredManifest;
use super::refusal::{RequestRefusal, shorten};
use super::registry::{ServedRegistry, blocking, work};
use super::request::{RequestBody, parameter, parameters};
use super::response::{self, DOCKER_CONTENT_DIGEST, HandlerResult, OCI_SUBJECT, OCI_TAG};
use super::route::{self, ManifestTarget};
use super::store::RegistryStore;
use crate::digest::Digest;
use crate::disk::{AtPath as _, PathError};
use crate::limits::{MAX_MANIFEST, SERVER_HELD};
use crate::reference::{Repository, Tag};

/// How many bytes of memory it takes to process a manifest of this size.
const fn memory(size: u64) -> u64 {
    document::MEMORY * size + (64 << 10)
}

// A share that is larger than the whole budget would be waited for in vain.
const _: () = assert!(memory(MAX_MANIFEST) <= SERVER_HELD);

/// end-3: `GET` or `HEAD /v2/<name>/manifests/<reference>`
pub(super) fn get(
    registry: &ServedRegistry,
    repository: &Repository,
    target: ManifestTarget,
    parts: &Parts,
) -> Result<HandlerResult, RequestRefusal> {
    // `Accept` is ignored: a manifest exists in one form only, and a client that names it wants that form.
    let StoredManifest { digest, media_type, file, size } = find(&registry.store, repository, target)?;
    let mut response = if conditions::has_already(&parts.headers, &digest) {
        response::empty(StatusCode::NOT_MODIFIED)
    } else if parts.method == Method::HEAD {
        let mut response = response::empty(StatusCode::OK);
        response::set(&mut response, CONTENT_LENGTH, &size.to_string());
        response
    } else {
        response::file(StatusCode::OK, file, size)
    };
    response::set(&mut response, CONTENT_TYPE, &media_type);
    response::set(&mut response, ETAG, &conditions::etag(&digest));
    response::set(&mut response, DOCKER_CONTENT_DIGEST, &digest.to_string());
    Ok(response)
}

fn find(
    store: &RegistryStore,
    repository: &Repository,
    target: ManifestTarget,
) -> Result<StoredManifest, RequestRefusal> {
    let (digest, shown) = match target {
        ManifestTarget::Tag(tag) => (store.tag(repository, &tag)?, tag.to_string()),
        ManifestTarget::Digest(digest) => (Some(digest.clone()), digest.to_string()),
        ManifestTarget::Neither(text) => (None, text),
    };
    let manifest = match digest {
        Some(digest) => store.manifest(repository, &digest)?,
        None => None,
    };
    manifest.ok_or(RequestRefusal::ManifestUnknown(shown))
}

/// end-7: `PUT /v2/<name>/manifests/<reference>`. From version 1.2 of the spec also `PUT
/// /v2/<name>/manifests/<digest>?tag=<tag>`, with any number of tags.
pub(super) async fn put(
    registry: &ServedRegistry,
    repository: Repository,
    target: ManifestTarget,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<HandlerResult, RequestRefusal> {
    let query = parts.uri.query();
    let mut created = Vec::new();
    let (tags, provided) = match target {
        ManifestTarget::Digest(digest) => {
            created = tags(query)?;
            (created.clone(), Some(digest))
        }
        ManifestTarget::Tag(tag) => {
            // From version 1.2 of the spec, the manifest of a tag may have a digest of another algorithm than SHA-256.
            let digest = parameter(query, "digest");
            (vec![tag], digest.map(|digest| route::digest(&digest)).transpose()?)
        }
        ManifestTarget::Neither(_) => {
            return Err(RequestRefusal::ManifestInvalid(
                "its reference is neither a tag nor a digest".to_owned(),
            ));
        }
    };
    if body.length().is_some_and(|length| length > MAX_MANIFEST) {
        return Err(RequestRefusal::ManifestTooLarge);
    }
    let sessions = Arc::clone(&registry.sessions);
    let mut append = sessions.whole(&registry.store).await?;
    if let Some(provided) = &provided {
        append.announce(provided);
    }
    while let Some(piece) = body.piece().await? {
        sessions.write(&mut append, &piece)?;
        if append.size() > MAX_MANIFEST {
            return Err(RequestRefusal::ManifestTooLarge);
        }
    }

    // The memory is requested after the body has come: a client may take its time to send it.
    let share = registry.memory.share(memory(append.size())).await?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let (store, name) = (Arc::clone(&registry.store), repository.clone());
    let (digest, subject) = work(move || {
        // The share is released when the work is done, even if the request has been cancelled by then.
        let mut share = share;
        let complete = append.complete(provided.as_ref())?;
        let (digest, mut file) = (complete.digest, complete.file);
        file.rewind().at("read", &complete.path)?;
        let mut content = Vec::with_capacity(usize::try_from(complete.size).unwrap_or_default());
        (&file).take(complete.size).read_to_end(&mut content).at("read", &complete.path)?;
        let document = ServedManifest::parse(content, content_type.as_deref(), &digest)?;
        // The document has been parsed and dropped. To sync the file may take longer than all of that.
        share.shrink(document.memory());
        let ServedManifest { media_type, parts, referrer } = document;
        // Checked now, to not sync a manifest that is refused; and again below, when no other request can remove a
        // blob.
        store.check(&name, &parts)?;
        sessions.with_room(|| file.sync_all().at("sync", &complete.path))?;
        store.keep(complete.path, &digest, || {
            let _naming = store.naming();
            store.check(&name, &parts)?;
            let add = || store.add_manifest(&name, &digest, &media_type, referrer.as_ref(), &tags);
            sessions.with_room(add).map_err(RequestRefusal::from)
        })?;
        Ok((digest, referrer.map(|referrer| referrer.subject)))
    })
    .await?;

    let mut response = response::empty(StatusCode::CREATED);
    response::set(&mut response, LOCATION, &format!("/v2/{repository}/manifests/{digest}"));
    response::set(&mut response, DOCKER_CONTENT_DIGEST, &digest.to_string());
    // If the endpoint that lists referrers is off, clients have to maintain the list: then the header must be absent.
    if let Some(subject) = subject.filter(|_| registry.referrers) {
        response::set(&mut response, OCI_SUBJECT, &subject.to_string());
    }
    for tag in created {
        response::add(&mut response, OCI_TAG, tag.as_str());
    }
    Ok(response)
}

/// The tags in the query that the manifest gets besides its digest, each once.
fn tags(query: Option<&str>) -> Result<Vec<Tag>, RequestRefusal> {
    let mut tags = Vec::new();
    for text in parameters(query, "tag") {
        let tag: Tag = text.parse().map_err(|_| RequestRefusal::TagInvalid(shorten(&text)))?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// end-9: `DELETE /v2/<name>/manifests/<reference>`, which deletes only a tag, or a manifest with all its tags.
pub(super) async fn delete(
    registry: &ServedRegistry,
    repository: Repository,
    target: ManifestTarget,
) -> Result<HandlerResult, RequestRefusal> {
    let store = Arc::clone(&registry.store);
    let (removed, shown) = match target {
        ManifestTarget::Tag(tag) => {
            let shown = tag.to_string();
            (blocking(move || store.remove_tag(&repository, &tag)).await?, shown)
        }
        ManifestTarget::Digest(digest) => {
            let shown = digest.to_string();
            let manifest = find(&store, &repository, ManifestTarget::Digest(digest.clone()))?;
            let share = registry.memory.share(memory(manifest.size)).await?;
            let removed = blocking(move || {
                let _share = share;
                let subject = subject(manifest)?;
                store.remove_manifest(&repository, &digest, subject.as_ref())
            });
            (removed.await?, shown)
        }
        ManifestTarget::Neither(text) => (false, text),
    };
    match removed {
        true => Ok(response::empty(StatusCode::ACCEPTED)),
        false => Err(RequestRefusal::ManifestUnknown(shown)),
    }
}

/// The subject of a stored manifest, if it has one.
fn subject(manifest: StoredManifest) -> Result<Option<Digest>, PathError> {
    let mut content = Vec::new();
    manifest.file.take(manifest.size).read_to_end(&mut content).at("read", Path::new("a manifest"))?;
    Ok(ServedManifest::subject(&content))
}
