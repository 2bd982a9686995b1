//! Error responses: a status, an error code of the spec, and a message.

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_RANGE, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::response::{self, HandlerResult};
use crate::digest::{Digest, DigestError};
use crate::disk::PathError;
use crate::limits::MAX_MANIFEST;

/// The longest password that is accepted, in bytes. bcrypt ignores the rest, so all longer ones with the same beginning
/// would match.
pub(super) const MAX_PASSWORD: usize = 72;

/// Why a request is refused. The codes are the distribution spec's ("Error Codes").
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestRefusal {
    /// No endpoint has this path.
    #[error("no such endpoint")]
    NotFound,
    /// The endpoint does not support the method.
    #[error("the operation is unsupported")]
    Unsupported {
        /// The methods that it supports, as `Allow` lists them.
        allow: &'static str,
    },
    /// The value of this parameter is invalid.
    #[error("invalid parameter `{0}`")]
    Parameter(&'static str),
    /// The name is not valid for a repository.
    #[error("invalid repository name")]
    NameInvalid,
    /// Nothing was ever pushed to this repository.
    #[error("repository name not known to registry")]
    NameUnknown,
    /// The repository does not have this blob.
    #[error("blob unknown to registry")]
    BlobUnknown(Digest),
    /// The upload was never begun, or is finished, cancelled or abandoned.
    #[error("blob upload unknown to registry")]
    BlobUploadUnknown,
    /// The request's body broke off.
    #[error("the body broke off")]
    BodyBroken,
    /// The request's body stopped coming, or came too slowly.
    #[error("the body came too slowly")]
    BodyLate,
    /// A chunk does not begin where the last one ended.
    #[error("blob upload invalid: the chunk does not follow on the last one")]
    OutOfOrder {
        /// The URL at which the upload continues.
        location: String,
        /// How many bytes the upload has.
        size: u64,
    },
    /// The range is outside the blob.
    #[error("the range is outside the blob")]
    OutsideBlob {
        /// The size of the blob in bytes.
        size: u64,
    },
    /// The text is not a digest.
    #[error("provided digest is invalid")]
    DigestSyntax(#[source] DigestError),
    /// The parameter `digest` is missing.
    #[error("the parameter `digest` is missing")]
    DigestMissing,
    /// The content has another digest than the client said.
    #[error("provided digest did not match uploaded content")]
    DigestMismatch {
        /// The digest that the client named.
        provided: Digest,
        /// The digest of the content that came.
        found: Digest,
    },
    /// The body is longer or shorter than the client said.
    #[error("provided length did not match content length")]
    SizeInvalid,
    /// The manifest is larger than the limit.
    #[error("the manifest is larger than {MAX_MANIFEST} bytes")]
    ManifestTooLarge,
    /// The document is not a valid manifest. The text says why.
    #[error("manifest invalid: {0}")]
    ManifestInvalid(String),
    /// The repository has no manifest with this tag or digest.
    #[error("manifest unknown to registry")]
    ManifestUnknown(String),
    /// The repository lacks these parts of the manifest.
    #[error("manifest references a manifest or blob unknown to registry")]
    ManifestBlobUnknown(Vec<Digest>),
    /// The `tag` parameter of a manifest that is pushed by digest is not a valid tag.
    #[error("`{0}` is no tag")]
    TagInvalid(String),
    /// The password is missing or wrong.
    #[error("authentication required")]
    Unauthorized,
    /// The password is longer than [`MAX_PASSWORD`], so it cannot be right.
    #[error("authentication required: no password of more than {MAX_PASSWORD} bytes is accepted")]
    PasswordTooLong,
    /// There are too many requests at once for the memory or the file descriptors.
    #[error("the registry is busy")]
    Busy,
    /// The disk has no space left.
    #[error("the registry has no space left")]
    Full(#[source] PathError),
    /// Some other error of the registry's files.
    #[error("the registry failed")]
    Failed(#[source] PathError),
    /// The registry is being stopped.
    #[error("the registry is stopping")]
    Stopping,
}

impl From<PathError> for RequestRefusal {
    fn from(error: PathError) -> Self {
        match () {
            () if error.is_full() || error.is_too_large() => Self::Full(error),
            () if error.lacks_descriptors() => Self::Busy,
            () => Self::Failed(error),
        }
    }
}

/// The beginning of a text from the client, of at most 300 characters, for a message.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl RequestRefusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound
            | Self::NameUnknown
            | Self::BlobUnknown(_)
            | Self::BlobUploadUnknown
            | Self::ManifestUnknown(_) => StatusCode::NOT_FOUND,
            Self::Unsupported { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::OutOfOrder { .. } | Self::OutsideBlob { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::ManifestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyLate => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthorized | Self::PasswordTooLong => StatusCode::UNAUTHORIZED,
            Self::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Parameter(_)
            | Self::NameInvalid
            | Self::BodyBroken
            | Self::TagInvalid(_)
            | Self::DigestSyntax(_)
            | Self::DigestMissing
            | Self::DigestMismatch { .. }
            | Self::SizeInvalid
            | Self::ManifestInvalid(_)
            | Self::ManifestBlobUnknown(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::Unsupported { .. } | Self::Parameter(_) => "UNSUPPORTED",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::BlobUnknown(_) => "BLOB_UNKNOWN",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::BodyBroken | Self::BodyLate | Self::OutOfOrder { .. } => "BLOB_UPLOAD_INVALID",
            Self::DigestSyntax(_) | Self::DigestMissing | Self::DigestMismatch { .. } => "DIGEST_INVALID",
            Self::OutsideBlob { .. } | Self::SizeInvalid | Self::ManifestTooLarge => "SIZE_INVALID",
            Self::ManifestInvalid(_) => "MANIFEST_INVALID",
            Self::ManifestUnknown(_) => "MANIFEST_UNKNOWN",
            Self::ManifestBlobUnknown(_) => "MANIFEST_BLOB_UNKNOWN",
            Self::Unauthorized | Self::PasswordTooLong => "UNAUTHORIZED",
            Self::Busy => "TOOMANYREQUESTS",
            // The spec has no codes for these; distribution uses these two.
            Self::TagInvalid(_) => "TAG_INVALID",
            Self::Full(_) | Self::Failed(_) | Self::Stopping => "UNKNOWN",
        }
    }

    /// The `detail` of each error in the response: one for each missing blob, otherwise a single one.
    fn details(&self) -> Vec<Value> {
        match self {
            Self::ManifestBlobUnknown(missing) => {
                missing.iter().map(|digest| json!({ "digest": digest })).collect()
            }
            Self::BlobUnknown(digest) => vec![json!({ "digest": digest })],
            Self::DigestMismatch { provided, found } => vec![json!({ "digest": provided, "found": found })],
            Self::DigestSyntax(cause) => vec![json!({ "reason": shorten(&cause.to_string()) })],
            Self::ManifestUnknown(target) => vec![json!({ "reference": shorten(target) })],
            Self::PasswordTooLong => {
                vec![
                    json!({ "reason": format!("of a longer one, bcrypt reads the first {MAX_PASSWORD} bytes alone") }),
                ]
            }
            _ => vec![Value::Null],
        }
    }

    /// The response for the client.
    pub(super) fn into_response(self) -> HandlerResult {
        let errors: Vec<_> = self
            .details()
            .into_iter()
            .map(|detail| match detail {
                Value::Null => json!({ "code": self.code(), "message": self.to_string() }),
                _ => json!({ "code": self.code(), "message": self.to_string(), "detail": detail }),
            })
            .collect();
        let mut response = response::json(self.status(), &json!({ "errors": errors }));
        match &self {
            Self::Unsupported { allow } => response::set(&mut response, ALLOW, allow),
            Self::Busy => response::set(&mut response, RETRY_AFTER, "2"),
            Self::Unauthorized | Self::PasswordTooLong => {
                response::set(&mut response, WWW_AUTHENTICATE, "Basic realm=\"helm-registry-serve\"");
            }
            Self::OutOfOrder { location, size } => {
                response::set(&mut response, LOCATION, location);
                response::set(&mut response, RANGE, &response::progress(*size));
            }
            Self::OutsideBlob { size } => {
                response::set(&mut response, CONTENT_RANGE, &format!("bytes */{size}"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_passes_is_to_be_tried_again_and_what_does_not_is_told() {
        for (number, status, retry) in [(24, 503, true), (23, 503, true), (28, 507, false), (5, 500, false)] {
            let source = io::Error::from_raw_os_error(number);
            let refusal = RequestRefusal::from(PathError { verb: "open", path: "x".into(), source });
            let response = refusal.into_response();
            assert_eq!(response.status().as_u16(), status, "{number}");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), retry, "{number}");
        }
    }
}
