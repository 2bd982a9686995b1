//! The annotation by which `cosign save` marks the entries of its layouts.

use crate::layout::KIND;
use crate::manifest::Descriptor;

/// The kind of an entry (cosign, pkg/oci/layout/write.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayoutEntryKind {
    /// The signed image.
    Image,
    /// The signatures, which a registry has under a tag ending in `.sig`.
    Signatures,
    /// The attestations, which a registry has under a tag ending in `.att`.
    Attestations,
}

/// The kind of an entry, if it has the annotation.
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
