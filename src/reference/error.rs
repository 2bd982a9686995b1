//! Why a text is not a reference.

use crate::digest::DigestError;

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing at all.
    #[error("the reference is empty")]
    Empty,
    /// A scheme other than `oci://`.
    #[error("invalid reference `{0}`: the only scheme is oci://")]
    Scheme(String),
    /// `user:password@host`.
    #[error("invalid reference: credentials do not belong into a reference")]
    Userinfo,
    /// The first part cannot be a host.
    #[error("the reference `{0}` has no registry host: expected host[:port]/repository:tag")]
    NoHost(String),
    /// A host that is neither a name nor an address, or a port that is none.
    #[error(
        "invalid registry host `{0}`: expected a name or an address, and a port between 1 and 65535 if any"
    )]
    Host(String),
    /// A host without a repository.
    #[error("the reference `{0}` has no repository: expected host[:port]/repository:tag")]
    NoRepository(String),
    /// Upper case in the repository, which is the commonest slip.
    #[error("invalid repository `{0}`: a repository must be lowercase")]
    UpperCase(String),
    /// Anything else that the distribution spec does not allow in a repository name.
    #[error(
        "invalid repository `{0}`: expected components of a-z and 0-9, joined by one of . _ __ or dashes, and separated by /"
    )]
    Repository(String),
    /// Host and repository together are longer than registries take.
    #[error("host and repository are {0} characters long, which is more than 255")]
    Long(usize),
    /// Not a tag.
    #[error(
        "invalid tag `{0}`: a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two"
    )]
    Tag(String),
    /// Not a digest.
    #[error("{0}")]
    Digest(#[from] DigestError),
    /// A tag or a digest where charts of any name go.
    #[error(
        "`{0}` has a tag or a digest: expected a prefix, oci://host[:port]/path, which a chart's name goes behind"
    )]
    Prefix(String),
    /// Where a tag is needed.
    #[error("the reference `{0}` has no tag")]
    NoTag(String),
}
