//! The errors of reading a reference or its parts.

use crate::digest::DigestError;

/// Why a text is not a reference, a prefix, or a part of one. Most errors hold the text as it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The text is empty.
    #[error("the reference is empty")]
    Empty,
    /// The text has a scheme other than `oci://`.
    #[error("invalid reference `{0}`: the only scheme is oci://")]
    Scheme(String),
    /// The text has credentials in front of the host, as in `user:password@host`. The error does not repeat them.
    #[error("invalid reference: credentials do not belong into a reference")]
    Userinfo,
    /// The text has no registry host: what is in front of the first `/` cannot be one.
    #[error("the reference `{0}` has no registry host: expected host[:port]/repository:tag")]
    NoHost(String),
    /// The host is neither a name nor an address, or the port is not a number from 1 to 65535.
    #[error(
        "invalid registry host `{0}`: expected a name or an address, and a port between 1 and 65535 if any"
    )]
    Host(String),
    /// There is a host and no repository.
    #[error("the reference `{0}` has no repository: expected host[:port]/repository:tag")]
    NoRepository(String),
    /// The repository has upper-case letters, the most common mistake, and is valid otherwise.
    #[error("invalid repository `{0}`: a repository must be lowercase")]
    UpperCase(String),
    /// The repository is against the distribution spec's grammar of a `<name>` in some other way.
    #[error(
        "invalid repository `{0}`: expected components of a-z and 0-9, joined by one of . _ __ or dashes, and separated by /"
    )]
    Repository(String),
    /// Host and repository are longer together than registries accept. Holds their length with the `/` between them.
    #[error("host and repository are {0} characters long, which is more than 255")]
    Long(usize),
    /// The tag is against the distribution spec's grammar of one.
    #[error(
        "invalid tag `{0}`: a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two"
    )]
    Tag(String),
    /// The part after `@` is not a digest.
    #[error("{0}")]
    Digest(#[from] DigestError),
    /// The text has a tag or a digest, where a prefix is wanted: a place for charts of any name.
    #[error(
        "`{0}` has a tag or a digest: expected a prefix, oci://host[:port]/path, which a chart's name goes behind"
    )]
    Prefix(String),
    /// The reference has no tag, and one is needed.
    #[error("the reference `{0}` has no tag")]
    NoTag(String),
}
