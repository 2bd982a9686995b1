//! Tags that are made of a digest: those of the referrers tag schema, and cosign's.

use crate::digest::Digest;
use crate::reference::Tag;

/// The kinds of tags that attach a manifest or an index to the manifest whose digest the tag is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttachedBy {
    /// The tag of the referrers tag schema: its index lists all manifests whose subject is the other one (distribution
    /// spec, "Referrers Tag Schema").
    ReferrersTag,
    /// The tag of cosign's signatures, which ends with `.sig` (cosign, specs/SIGNATURE_SPEC.md).
    Signature,
    /// The tag of cosign's attestations, which ends with `.att`.
    Attestation,
    /// The tag of cosign's SBOMs, which ends with `.sbom`.
    Sbom,
}

impl AttachedBy {
    /// The part of the tag after the digest.
    fn suffix(self) -> &'static str {
        match self {
            Self::ReferrersTag => "",
            Self::Signature => ".sig",
            Self::Attestation => ".att",
            Self::Sbom => ".sbom",
        }
    }
}

/// cosign's three kinds, in the order in which a walk asks for them.
const COSIGN: [AttachedBy; 3] = [AttachedBy::Signature, AttachedBy::Attestation, AttachedBy::Sbom];

/// The tag under which a registry without the referrers API has the index of the referrers of `subject`:
/// `sha256-<hex>`. The hexadecimal part is cut after 64 characters (distribution spec, "Referrers Tag Schema").
pub fn referrers_tag(subject: &Digest) -> Option<Tag> {
    let hex = subject.hex();
    format!("{}-{}", subject.algorithm().name(), &hex[..hex.len().min(64)]).parse().ok()
}

/// The tags under which cosign keeps what is attached to `subject`: `sha256-<hex>.sig`, `.att` and `.sbom`. Empty for a
/// SHA-512 digest, whose tags would be longer than tags may be.
pub fn cosign_tags(subject: &Digest) -> Vec<(AttachedBy, Tag)> {
    let tag = |by: AttachedBy| {
        let text = format!("{}-{}{}", subject.algorithm().name(), subject.hex(), by.suffix());
        Some((by, text.parse().ok()?))
    };
    COSIGN.into_iter().filter_map(tag).collect()
}

/// Reads a tag that is made of a digest: returns the digest of the manifest that the tag attaches something to, and the
/// kind of tag. None for other tags, and for the referrers tag of a SHA-512 digest, which has only half of the digest.
pub fn attached_by(tag: &Tag) -> Option<(Digest, AttachedBy)> {
    let by =
        COSIGN.into_iter().find(|by| tag.as_str().ends_with(by.suffix())).unwrap_or(AttachedBy::ReferrersTag);
    let digest = tag.as_str().strip_suffix(by.suffix())?;
    let (algorithm, hex) = digest.split_once('-')?;
    Some((format!("{algorithm}:{hex}").parse().ok()?, by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_made_of_a_digest_and_tells_it_again() {
        let digest = Digest::of(b"x");
        let name = digest.to_string().replace(':', "-");
        assert_eq!(referrers_tag(&digest).unwrap().as_str(), name);
        let tags = cosign_tags(&digest);
        let names: Vec<_> = tags.iter().map(|(_, tag)| tag.to_string()).collect();
        assert_eq!(names, [format!("{name}.sig"), format!("{name}.att"), format!("{name}.sbom")]);
        for (by, tag) in tags.into_iter().chain([(AttachedBy::ReferrersTag, referrers_tag(&digest).unwrap())])
        {
            assert_eq!(attached_by(&tag), Some((digest.clone(), by)), "{tag}");
        }
    }

    #[test]
    fn a_long_digest_is_cut_where_the_schema_says_so() {
        let digest: Digest = format!("sha512:{}", "ab".repeat(64)).parse().unwrap();
        assert_eq!(referrers_tag(&digest).unwrap().as_str(), format!("sha512-{}", "ab".repeat(32)));
        // The tags would have 139 characters, and a tag has at most 128.
        assert_eq!(cosign_tags(&digest), []);
    }

    #[test]
    fn other_tags_belong_to_nothing() {
        for tag in [
            "1.0.0",
            "latest",
            "sha256-abc",
            "sha256-abc.sig",
            "1.0.0.sig",
            "sha256",
            &format!("md5-{}", "a".repeat(32)),
        ] {
            assert_eq!(attached_by(&tag.parse().unwrap()), None, "{tag}");
        }
        let hex = "a".repeat(64);
        for tag in [format!("sha256-{hex}.tar"), format!("sha256-{hex}a"), format!("SHA256-{hex}")] {
            assert_eq!(attached_by(&tag.parse().unwrap()), None, "{tag}");
        }
    }
}
