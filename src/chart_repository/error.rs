//! What can go wrong between us and a classic chart repository.

use std::io;

use crate::http::{self, HttpFault, RedirectRefusal, RequestLine};

/// Why a repository did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// It did not get there and back, or what came is not what was asked for.
    #[error(transparent)]
    Http(#[from] http::HttpError),
    /// The repository's own URL is none.
    #[error("the URL of the repository cannot be used")]
    Address {
        /// Why not.
        source: RedirectRefusal,
    },
    /// A chart's URL is none that can be fetched from.
    #[error("the URL {url} cannot be used")]
    Url {
        /// Without its query.
        url: String,
        /// Why not.
        source: RedirectRefusal,
    },
    /// 404 or 410.
    #[error("{request}: {status}")]
    NotFound {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
    },
    /// 401, or 403: somebody else may have it, with a login or with another one.
    #[error("{request}: {status}")]
    Unauthorized {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// Whether a login was shown.
        shown: bool,
        /// Whether it was the repository itself that was asked, and not another host, which sees no login.
        from_repository: bool,
    },
    /// Any other answer that is not what was asked for.
    #[error("{request}: {status}")]
    Refused {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
    },
    /// The index is compressed in a way that was not asked for, or wrongly.
    #[error("{request}: the index cannot be decompressed")]
    Compressed {
        /// The request.
        request: RequestLine,
        /// What is wrong.
        source: io::Error,
    },
    /// What came cannot be kept.
    #[error("cannot keep what {request} brings")]
    Kept {
        /// The request.
        request: RequestLine,
        /// What the system said.
        source: io::Error,
    },
}

impl HttpFault for RepositoryError {
    fn http(&self) -> Option<&http::HttpError> {
        match self {
            Self::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl RepositoryError {
    /// Whether the server says that there is no such file. Storage whose files must not be listed says so with a 403.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Unauthorized { status: 403, .. })
    }

    /// Whether another place may have what this one has not: anything but our own disk's fault.
    pub fn is_about_the_place(&self) -> bool {
        !matches!(self, Self::Kept { .. } | Self::Http(http::HttpError::Sink { .. }))
    }

    /// Whether what came has another digest than it should.
    pub fn is_mismatched(&self) -> bool {
        self.is_mismatch()
    }
}
