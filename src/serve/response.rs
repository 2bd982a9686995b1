//! Responses and their bodies.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{Either, Full};
use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use crate::disk::uninterrupted;

/// What every handler gives.
pub(super) type Response = hyper::Response<Either<Full<Bytes>, FileBody>>;

/// What was pushed, as docker has always called it.
pub(super) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The id of an upload, as docker has always called it.
pub(super) const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// What tells a registry from any other server, since before the OCI.
pub(super) const DOCKER_DISTRIBUTION_API_VERSION: HeaderName =
    HeaderName::from_static("docker-distribution-api-version");
/// Says that the registry took note of a manifest's subject.
pub(super) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// Says that a list of referrers was filtered.
pub(super) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    bytes(status, Bytes::new())
}

/// A response with a body that is in memory.
pub(super) fn bytes(status: StatusCode, body: Bytes) -> Response {
    let mut response = hyper::Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    response
}

/// A response with a JSON document.
pub(super) fn json(status: StatusCode, document: &impl Serialize) -> Response {
    // Only maps with keys that are not text cannot be written as JSON, and there are none.
    let mut response = bytes(status, serde_json::to_vec(document).unwrap_or_default().into());
    set(&mut response, CONTENT_TYPE, "application/json");
    response
}

/// A response with a part of a file, or with all of it.
pub(super) fn file(status: StatusCode, file: File, length: u64) -> Response {
    let mut response = hyper::Response::new(Either::Right(FileBody { file, remaining: length }));
    *response.status_mut() = status;
    response
}

/// Sets a header. Values are made of what the grammars of names, tags and digests allow; anything else is left out.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// How far an upload is, as `Range` says it: both ends inclusive, so that nothing and one byte are the same.
pub(super) fn progress(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

/// A file's next `remaining` bytes, read as the client takes them.
#[derive(Debug)]
pub(super) struct FileBody {
    file: File,
    remaining: u64,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        const PIECE: usize = 128 << 10;
        let this = self.get_mut();
        if this.remaining == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(this.remaining).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; length];
        let read = uninterrupted(|| this.file.read(&mut piece))?;
        if read == 0 {
            // Shorter than it was a moment ago. The client sees the connection break, never a short blob.
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        this.remaining -= read as u64;
        piece.truncate(read);
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
