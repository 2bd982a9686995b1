//! What `cosign save` says of the entries of its layouts.

use crate::layout::KIND;
use crate::manifest::Descriptor;

/// What an entry is (cosign, pkg/oci/layout/write.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayoutEntryKind {
    /// What was signed.
    Image,
    /// Its signatures, as they are under `.sig` in a registry.
    Signatures,
    /// Its attestations, as they are under `.att`.
    Attestations,
}

/// What an entry is, if it says so.
pub(super) fn kind(entry: &Descriptor) -> Option<LayoutEntryKind> {
    match entry.annotations.get(KIND)?.as_str() {
        "dev.cosignproject.cosign/image" | "dev.cosignproject.cosign/imageIndex" => {
            Some(LayoutEntryKind::Image)
        }
        "dev.cosignproject.cosign/sigs" => Some(LayoutEntryKind::Signatures),
        "dev.cosignproject.cosign/atts" => Some(LayoutEntryKind::Attestations),
        _ => None,
    }
}
