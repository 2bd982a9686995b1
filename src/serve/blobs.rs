//! Reads and deletes blobs (end-2 and end-10).

use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
};
use hyper::{Method, StatusCode};

use super::conditions;
use super::refusal::RequestRefusal;
use super::registry::{ServedRegistry, blocking};
use super::response::{self, DOCKER_CONTENT_DIGEST, HandlerResult};
use crate::digest::Digest;
use crate::disk::AtPath as _;
use crate::reference::Repository;

/// end-2: `GET` or `HEAD /v2/<name>/blobs/<digest>`
pub(super) fn get(
    registry: &ServedRegistry,
    repository: &Repository,
    digest: Digest,
    method: &Method,
    headers: &HeaderMap,
) -> Result<HandlerResult, RequestRefusal> {
    let found = registry.store.open_blob(repository, &digest)?;
    let Some((mut file, size)) = found else { return Err(RequestRefusal::BlobUnknown(digest)) };
    let mut response = if conditions::has_already(headers, &digest) {
        response::empty(StatusCode::NOT_MODIFIED)
    } else if method == Method::HEAD {
        // Ranges are defined for GET only (RFC 9110 14.2).
        let mut response = response::empty(StatusCode::OK);
        response::set(&mut response, CONTENT_LENGTH, &size.to_string());
        response
    } else if let Some((first, length)) = conditions::range(headers, &digest, size)? {
        file.seek(SeekFrom::Start(first)).at("seek in", Path::new("a blob"))?;
        let mut response = response::file(StatusCode::PARTIAL_CONTENT, file, length);
        let last = first + length - 1;
        response::set(&mut response, CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"));
        response
    } else {
        response::file(StatusCode::OK, file, size)
    };
    response::set(&mut response, CONTENT_TYPE, "application/octet-stream");
    response::set(&mut response, ACCEPT_RANGES, "bytes");
    response::set(&mut response, ETAG, &conditions::etag(&digest));
    response::set(&mut response, CACHE_CONTROL, "max-age=31536000, immutable");
    response::set(&mut response, DOCKER_CONTENT_DIGEST, &digest.to_string());
    Ok(response)
}

/// end-10: `DELETE /v2/<name>/blobs/<digest>`
pub(super) async fn delete(
    registry: &ServedRegistry,
    repository: Repository,
    digest: Digest,
) -> Result<HandlerResult, RequestRefusal> {
    let (store, unwanted) = (Arc::clone(&registry.store), digest.clone());
    match blocking(move || store.remove_blob(&repository, &unwanted)).await? {
        true => Ok(response::empty(StatusCode::ACCEPTED)),
        false => Err(RequestRefusal::BlobUnknown(digest)),
    }
}
