//! Plans what a bundle holds, and in which order.

use std::collections::BTreeSet;

use super::index::LayoutIndex;
use super::name::{IMAGE_NAME, REF_NAME};
use crate::digest::Digest;
use crate::manifest::Descriptor;
use crate::reference::{Reference, Tag};

/// A chart that goes into a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChart {
    /// The chart's name in the bundle, with its tag, or else its digest.
    pub reference: Reference,
    /// The descriptor of its manifest.
    pub manifest: Descriptor,
    /// The descriptors of its blobs.
    pub blobs: Vec<Descriptor>,
    /// The manifests that are attached to it, directly or not.
    pub attached: Vec<PlannedAttachment>,
}

/// A manifest that is attached to a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedAttachment {
    /// The descriptor of the manifest, with its artifact type.
    pub manifest: Descriptor,
    /// The descriptors of its blobs.
    pub blobs: Vec<Descriptor>,
    /// The tags that attach it to another manifest, such as cosign's.
    pub tags: Vec<Tag>,
    /// Whether it has a `subject`. A manifest without one, and without tags, is the member of an attached index.
    pub has_subject: bool,
}

/// The parts of a bundle in their order. Equal charts give an equal plan, in any order in which they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundlePlan {
    /// The index. It comes first, so that a program that reads a pipe knows what will come.
    pub index: LayoutIndex,
    /// All manifests, sorted by digest. They come next, so that a reader then knows every blob that it will need.
    pub manifests: Vec<Descriptor>,
    /// All other blobs, each once. Those that the first chart needs come first, sorted by digest, then those that the
    /// second one needs besides, and so on: so each chart is complete as early as it can be.
    pub blobs: Vec<Descriptor>,
}

impl BundlePlan {
    /// Plans a bundle of these charts. Blobs for which `left_out` is true are not in it: they are in the bundles whose
    /// indexes have the digests `since`.
    pub fn new(
        mut charts: Vec<PlannedChart>,
        since: Vec<Digest>,
        left_out: impl Fn(&Digest) -> bool,
    ) -> Self {
        charts.sort_by_cached_key(|chart| chart.reference.to_string());
        let (mut entries, mut named) = (Vec::new(), BTreeSet::new());
        let (mut manifests, mut blobs) = (Vec::new(), Vec::new());
        let (mut all_manifests, mut all_blobs) = (BTreeSet::new(), BTreeSet::new());
        let mut enter = |descriptor: &Descriptor, name: Option<String>| {
            if named.insert((name.clone(), descriptor.digest.clone())) {
                entries.push(entry(descriptor, name));
            }
        };
        for chart in &charts {
            enter(&chart.manifest, Some(chart.reference.to_string()));
            let repository = Reference { tag: None, digest: None, ..chart.reference.clone() };
            let mut own: Vec<_> = chart.blobs.iter().collect();
            let mut attached: Vec<_> = chart.attached.iter().collect();
            attached.sort_by(|a, b| a.manifest.digest.cmp(&b.manifest.digest));
            for attachment in attached {
                for tag in &attachment.tags {
                    enter(&attachment.manifest, Some(repository.with_tag(tag.clone()).to_string()));
                }
                if attachment.has_subject {
                    enter(&attachment.manifest, None);
                }
                own.extend(&attachment.blobs);
            }
            own.sort_by(|a, b| a.digest.cmp(&b.digest));
            let own = own.into_iter().filter(|blob| !left_out(&blob.digest));
            blobs.extend(own.filter(|blob| all_blobs.insert(blob.digest.clone())).cloned());
            let own = std::iter::once(&chart.manifest)
                .chain(chart.attached.iter().map(|attachment| &attachment.manifest));
            manifests.extend(own.filter(|one| all_manifests.insert(one.digest.clone())).cloned());
        }
        // A manifest that is also attached to something as a blob is in the bundle once.
        blobs.retain(|blob| !all_manifests.contains(&blob.digest));
        manifests.sort_by(|a, b| a.digest.cmp(&b.digest));
        Self { index: LayoutIndex { manifests: entries, since }, manifests, blobs }
    }
}

fn entry(descriptor: &Descriptor, name: Option<String>) -> Descriptor {
    let mut entry = Descriptor::new(&descriptor.media_type, descriptor.digest.clone(), descriptor.size);
    entry.artifact_type.clone_from(&descriptor.artifact_type);
    if let Some(name) = name {
        entry.annotations.insert(IMAGE_NAME.to_owned(), name.clone());
        entry.annotations.insert(REF_NAME.to_owned(), name);
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type;

    fn descriptor(content: &str) -> Descriptor {
        Descriptor::of(media_type::MANIFEST, content.as_bytes())
    }

    fn chart(reference: &str, manifest: &str, blobs: &[&str]) -> PlannedChart {
        PlannedChart {
            reference: reference.parse().unwrap(),
            manifest: descriptor(manifest),
            blobs: blobs.iter().map(|blob| descriptor(blob)).collect(),
            attached: vec![
                PlannedAttachment {
                    manifest: descriptor("signature"),
                    blobs: vec![descriptor("shared"), descriptor("payload")],
                    tags: vec!["sha256-1.sig".parse().unwrap()],
                    has_subject: false,
                },
                PlannedAttachment {
                    manifest: descriptor("bundle"),
                    blobs: vec![],
                    tags: vec![],
                    has_subject: true,
                },
            ],
        }
    }

    #[test]
    fn the_order_of_the_charts_decides_nothing() {
        let (a, b) = (chart("a.b/c:1", "one", &["shared", "x"]), chart("a.b/c:2", "two", &["y", "shared"]));
        let plan = |charts| BundlePlan::new(charts, Vec::new(), |_| false);
        let one = plan(vec![a.clone(), b.clone()]);
        assert_eq!(one, plan(vec![b, a]));
        assert_eq!(one.manifests.len(), 4);
        assert!(one.manifests.is_sorted_by(|a, b| a.digest < b.digest));
        // The blobs of the first chart, then those that the second one needs besides.
        let places: Vec<_> = ["shared", "x", "payload", "y"].map(|text| Digest::of(text.as_bytes())).into();
        assert_eq!(one.blobs.len(), places.len());
        assert_eq!(one.blobs.last().unwrap().digest, places[3]);
        let names: Vec<_> =
            one.index.manifests.iter().map(|e| e.annotations.get(REF_NAME).map(String::as_str)).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(names[0], Some("a.b/c:1"));
        assert!(names.contains(&Some("a.b/c:sha256-1.sig")) && names.contains(&None), "{names:?}");
    }

    #[test]
    fn what_is_left_out_is_in_no_part_but_the_index() {
        let left = Digest::of(b"shared");
        let since = vec![Digest::of(b"old")];
        let charts = vec![chart("a.b/c:1", "one", &["shared", "x"])];
        let plan = BundlePlan::new(charts, since.clone(), |digest| *digest == left);
        assert_eq!(plan.index.since, since);
        assert!(plan.blobs.iter().all(|blob| blob.digest != left));
        assert_eq!(plan.blobs.len(), 2);
    }
}
