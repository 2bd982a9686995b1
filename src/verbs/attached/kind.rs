//! The kinds of what is attached to charts, for people.

use crate::graph::{AttachedBy, BondVia};

/// The kind of something that is attached, in the order in which kinds are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttachedKind {
    /// A signature.
    Signature,
    /// An attestation.
    Attestation,
    /// An SBOM.
    Sbom,
    /// Anything else.
    Other,
}

impl AttachedKind {
    /// The kind of a manifest that is attached in this way and is an artifact of this type.
    pub(in crate::verbs) fn of(via: BondVia, artifact_type: Option<&str>) -> Self {
        let artifact_type = artifact_type.unwrap_or_default();
        let is = |word: &str| artifact_type.contains(word);
        match via {
            BondVia::Tag(AttachedBy::Signature) => Self::Signature,
            BondVia::Tag(AttachedBy::Attestation) => Self::Attestation,
            BondVia::Tag(AttachedBy::Sbom) => Self::Sbom,
            // The contents of a bundle may be named in its annotations, but need not be; most bundles are signatures.
            _ if is("sigstore.bundle") || is("cosign") || is("notary.signature") => Self::Signature,
            _ if is("spdx") || is("cyclonedx") || is("sbom") => Self::Sbom,
            _ => Self::Other,
        }
    }
}
