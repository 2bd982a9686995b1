//! Builds responses and sets their headers.

use std::fs::File;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use super::body::ResponseBody;

/// The response that every handler returns.
pub(super) type HandlerResult = hyper::Response<ResponseBody>;

/// The digest of what was pushed or read, in docker's header for it.
pub(super) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The id of an upload, in docker's header for it.
pub(super) const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// The header that identifies a registry since before the OCI specification.
pub(super) const DOCKER_DISTRIBUTION_API_VERSION: HeaderName =
    HeaderName::from_static("docker-distribution-api-version");
/// The header by which the registry says that it processed a manifest's subject.
pub(super) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// The header that names a tag which was given to a manifest pushed by digest.
pub(super) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
/// The header that says which filters were applied to a list of referrers.
pub(super) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> HandlerResult {
    bytes(status, Bytes::new())
}

/// A response with a body in memory.
pub(super) fn bytes(status: StatusCode, body: Bytes) -> HandlerResult {
    let mut response = hyper::Response::new(ResponseBody::bytes(body));
    *response.status_mut() = status;
    response
}

/// A response with a JSON document.
pub(super) fn json(status: StatusCode, document: &impl Serialize) -> HandlerResult {
    // Writing JSON only fails for maps whose keys are not strings, and there are none here.
    let mut response = bytes(status, serde_json::to_vec(document).unwrap_or_default().into());
    set(&mut response, CONTENT_TYPE, "application/json");
    response
}

/// A response with the next `length` bytes of a file.
pub(super) fn file(status: StatusCode, file: File, length: u64) -> HandlerResult {
    let mut response = hyper::Response::new(ResponseBody::file(file, length));
    *response.status_mut() = status;
    response
}

/// Adds a header, next to others of the same name.
pub(super) fn add(response: &mut HandlerResult, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// Sets a header. A value that cannot stand in a header is left out; names, tags and digests always can.
pub(super) fn set(response: &mut HandlerResult, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The progress of an upload in a `Range` header. Both ends are inclusive, so zero bytes and one byte look the same.
pub(super) fn progress(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}
