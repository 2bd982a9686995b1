//! Responses and their headers.

use std::fs::File;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use super::body::ResponseBody;

/// What every handler gives.
pub(super) type HandlerResult = hyper::Response<ResponseBody>;

/// What was pushed, as docker has always called it.
pub(super) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The id of an upload, as docker has always called it.
pub(super) const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// What tells a registry from any other server, since before the OCI.
pub(super) const DOCKER_DISTRIBUTION_API_VERSION: HeaderName =
    HeaderName::from_static("docker-distribution-api-version");
/// Says that the registry took note of a manifest's subject.
pub(super) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// Names a tag that was given to a manifest which was pushed by its digest.
pub(super) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
/// Says that a list of referrers was filtered.
pub(super) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> HandlerResult {
    bytes(status, Bytes::new())
}

/// A response with a body that is in memory.
pub(super) fn bytes(status: StatusCode, body: Bytes) -> HandlerResult {
    let mut response = hyper::Response::new(ResponseBody::bytes(body));
    *response.status_mut() = status;
    response
}

/// A response with a JSON document.
pub(super) fn json(status: StatusCode, document: &impl Serialize) -> HandlerResult {
    // Only maps with keys that are not text cannot be written as JSON, and there are none.
    let mut response = bytes(status, serde_json::to_vec(document).unwrap_or_default().into());
    set(&mut response, CONTENT_TYPE, "application/json");
    response
}

/// A response with a part of a file, or with all of it.
pub(super) fn file(status: StatusCode, file: File, length: u64) -> HandlerResult {
    let mut response = hyper::Response::new(ResponseBody::file(file, length));
    *response.status_mut() = status;
    response
}

/// Sets a header besides others of the same name.
pub(super) fn add(response: &mut HandlerResult, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// Sets a header. Values are made of what the grammars of names, tags and digests allow; anything else is left out.
pub(super) fn set(response: &mut HandlerResult, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// How far an upload is, as `Range` says it: both ends inclusive, so that nothing and one byte are the same.
pub(super) fn progress(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}
