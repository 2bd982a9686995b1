//! Uploads blobs: end-4a, end-4b, end-5, end-6, end-11, end-13, and cancelling (end-14).

use std::sync::Arc;

use hyper::header::{CONTENT_RANGE, LOCATION, RANGE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use super::append::Append;
use super::refusal::RequestRefusal;
use super::registry::{ServedRegistry, blocking, work};
use super::request::{RequestBody, parameter};
use super::response::{self, DOCKER_CONTENT_DIGEST, DOCKER_UPLOAD_UUID, HandlerResult};
use super::route;
use super::sessions::Sessions;
use crate::digest::Digest;
use crate::disk::AtPath as _;
use crate::reference::Repository;

/// `POST /v2/<name>/blobs/uploads/`: mounts a blob (end-11), takes all of its content (end-4b), or opens a session
/// (end-4a).
pub(super) async fn post(
    registry: &ServedRegistry,
    repository: Repository,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<HandlerResult, RequestRefusal> {
    let query = parts.uri.query();
    if let Some(digest) = parameter(query, "mount") {
        let from = parameter(query, "from").map(|from| route::name(&from)).transpose();
        // "unable to mount the requested blob, it SHOULD return a 202": also if the parameters are invalid.
        if let (Ok(digest), Ok(from)) = (route::digest(&digest), from)
            && mount(registry, &repository, &digest, from).await?
        {
            return Ok(created(&repository, &digest));
        }
    } else if let Some(digest) = parameter(query, "digest") {
        let digest = route::digest(&digest)?;
        let mut append = registry.sessions.whole(&registry.store).await?;
        append.announce(&digest);
        let append = receive(registry, append, None, body).await?;
        finish(registry, append, &repository, &digest).await?;
        return Ok(created(&repository, &digest));
    }
    let id = registry.sessions.open(&repository)?;
    Ok(progress(StatusCode::ACCEPTED, &repository, &id, 0))
}

/// Mounts a blob, and returns whether that was possible. "The registry MAY treat the from parameter as optional":
/// without it, a blob of any repository is taken.
async fn mount(
    registry: &ServedRegistry,
    repository: &Repository,
    digest: &Digest,
    from: Option<Repository>,
) -> Result<bool, RequestRefusal> {
    let (store, sessions) = (Arc::clone(&registry.store), Arc::clone(&registry.sessions));
    let (repository, digest) = (repository.clone(), digest.clone());
    blocking(move || {
        let found = match from {
            Some(from) => store.has_blob(&from, &digest),
            None => store.has_blob(&repository, &digest) || store.is_blob(&digest)?,
        };
        if found {
            sessions.with_room(|| store.add_blob(&repository, &digest))?;
        }
        Ok(found)
    })
    .await
}

/// end-5: `PATCH /v2/<name>/blobs/uploads/<reference>`
pub(super) async fn patch(
    registry: &ServedRegistry,
    repository: Repository,
    id: &str,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<HandlerResult, RequestRefusal> {
    let append = registry.sessions.append(&registry.store, &repository, id).await?;
    let chunk = chunk(&parts.headers, body, append.size(), || location(&repository, id))?;
    let append = receive(registry, append, chunk, body).await?;
    let size = append.size();
    registry.sessions.accept(append);
    Ok(progress(StatusCode::ACCEPTED, &repository, id, size))
}

/// end-6: `PUT /v2/<name>/blobs/uploads/<reference>?digest=<digest>`
pub(super) async fn put(
    registry: &ServedRegistry,
    repository: Repository,
    id: &str,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<HandlerResult, RequestRefusal> {
    let digest = parameter(parts.uri.query(), "digest").ok_or(RequestRefusal::DigestMissing)?;
    let digest = route::digest(&digest)?;
    let mut append = registry.sessions.append(&registry.store, &repository, id).await?;
    let chunk = chunk(&parts.headers, body, append.size(), || location(&repository, id))?;
    append.announce(&digest);
    let append = receive(registry, append, chunk, body).await?;
    // The session ends even if the digest is wrong, as nothing says which bytes are.
    let _end = SessionEnd { sessions: &registry.sessions, repository: &repository, id };
    finish(registry, append, &repository, &digest).await?;
    Ok(created(&repository, &digest))
}

/// Ends a session when it is dropped, whether the request succeeded or not.
struct SessionEnd<'a> {
    sessions: &'a Sessions,
    repository: &'a Repository,
    id: &'a str,
}

impl Drop for SessionEnd<'_> {
    fn drop(&mut self) {
        self.sessions.close(self.repository, self.id);
    }
}

/// Makes the upload a blob of the repository, if it has this digest.
async fn finish(
    registry: &ServedRegistry,
    append: Append,
    repository: &Repository,
    digest: &Digest,
) -> Result<(), RequestRefusal> {
    let (store, sessions) = (Arc::clone(&registry.store), Arc::clone(&registry.sessions));
    let (repository, provided) = (repository.clone(), digest.clone());
    work(move || {
        let complete = append.complete(Some(&provided))?;
        sessions.with_room(|| complete.file.sync_all().at("sync", &complete.path))?;
        store.keep(complete.path, &provided, || {
            sessions.with_room(|| store.add_blob(&repository, &provided)).map_err(RequestRefusal::from)
        })
    })
    .await
}

/// end-13: `GET /v2/<name>/blobs/uploads/<reference>`
pub(super) async fn get(
    registry: &ServedRegistry,
    repository: Repository,
    id: &str,
) -> Result<HandlerResult, RequestRefusal> {
    let size = registry.sessions.size(&repository, id).await?;
    Ok(progress(StatusCode::NO_CONTENT, &repository, id, size))
}

/// end-14: `DELETE /v2/<name>/blobs/uploads/<reference>`
pub(super) fn delete(
    registry: &ServedRegistry,
    repository: &Repository,
    id: &str,
) -> Result<HandlerResult, RequestRefusal> {
    match registry.sessions.close(repository, id) {
        true => Ok(response::empty(StatusCode::NO_CONTENT)),
        false => Err(RequestRefusal::BlobUploadUnknown),
    }
}

/// Receives a body, piece by piece. `chunk` is the length in bytes that it must have, if the client sent Content-Range.
async fn receive(
    registry: &ServedRegistry,
    mut append: Append,
    chunk: Option<u64>,
    body: &mut RequestBody,
) -> Result<Append, RequestRefusal> {
    let before = append.size();
    while let Some(piece) = body.piece().await? {
        registry.sessions.write(&mut append, &piece)?;
        if chunk.is_some_and(|chunk| append.size() - before > chunk) {
            return Err(RequestRefusal::SizeInvalid);
        }
    }
    if chunk.is_some_and(|chunk| append.size() - before != chunk) {
        return Err(RequestRefusal::SizeInvalid);
    }
    Ok(append)
}

/// Reads Content-Range, and returns the chunk's length. "If a chunk is uploaded out of order, the registry MUST respond
/// with a 416"; so does one that is not of the form `^[0-9]+-[0-9]+$`.
fn chunk(
    headers: &HeaderMap,
    body: &RequestBody,
    size: u64,
    location: impl Fn() -> String,
) -> Result<Option<u64>, RequestRefusal> {
    let Some(range) = headers.get(CONTENT_RANGE) else { return Ok(None) };
    let number = |text: &str| -> Option<u64> {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    let (start, end) = range
        .to_str()
        .ok()
        .and_then(|range| range.split_once('-'))
        .and_then(|(start, end)| Some((number(start)?, number(end)?)))
        .filter(|(start, end)| *start == size && start <= end && *end < u64::MAX)
        .ok_or_else(|| RequestRefusal::OutOfOrder { location: location(), size })?;
    let chunk = end - start + 1;
    match body.length() {
        Some(length) if length != chunk => Err(RequestRefusal::SizeInvalid),
        _ => Ok(Some(chunk)),
    }
}

fn location(repository: &Repository, id: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/{id}")
}

fn progress(status: StatusCode, repository: &Repository, id: &str, size: u64) -> HandlerResult {
    let mut response = response::empty(status);
    response::set(&mut response, LOCATION, &location(repository, id));
    response::set(&mut response, RANGE, &response::progress(size));
    response::set(&mut response, DOCKER_UPLOAD_UUID, id);
    response
}

fn created(repository: &Repository, digest: &Digest) -> HandlerResult {
    let mut response = response::empty(StatusCode::CREATED);
    response::set(&mut response, LOCATION, &format!("/v2/{repository}/blobs/{digest}"));
    response::set(&mut response, DOCKER_CONTENT_DIGEST, &digest.to_string());
    response
}
