//! Tests of the walk. The repository is a map, and its lists of referrers may be wrong.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::tags::AttachedBy;
use super::tags::cosign_tags;
use super::walk::{Attachment, BondVia, FoundManifest, WalkAnswer, WalkError, WalkQuestion, attachments};
use crate::digest::Digest;
use crate::limits::{Budget, MAX_ATTACHED, MAX_ATTACHED_DEPTH};
use crate::manifest::Descriptor;
use crate::media_type;

#[derive(Default)]
struct StoredGraph {
    manifests: HashMap<Digest, Vec<u8>>,
    tags: HashMap<String, Digest>,
    lists: HashMap<Digest, Vec<Digest>>,
    /// How many times each question was asked.
    asked: HashMap<String, usize>,
}

impl StoredGraph {
    fn keep(&mut self, document: &Value) -> Digest {
        let bytes = document.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        self.manifests.insert(digest.clone(), bytes);
        digest
    }

    /// Adds a manifest with this subject, and lists it as a referrer of that.
    fn attach(&mut self, subject: &Digest, name: &str) -> Digest {
        let digest = self.keep(&json!({
            "schemaVersion": 2,
            "config": blob("config"),
            "layers": [blob(name)],
            "subject": manifest(subject),
        }));
        self.lists.entry(subject.clone()).or_default().push(digest.clone());
        digest
    }

    fn tag(&mut self, subject: &Digest, by: AttachedBy, digest: &Digest) {
        let (_, tag) = cosign_tags(subject).into_iter().find(|(other, _)| *other == by).unwrap();
        self.tags.insert(tag.to_string(), digest.clone());
    }

    fn plain(&mut self, name: &str) -> Digest {
        self.keep(&json!({ "schemaVersion": 2, "config": blob("config"), "layers": [blob(name)] }))
    }

    fn answer(&mut self, question: &WalkQuestion) -> WalkAnswer {
        *self.asked.entry(format!("{question:?}")).or_default() += 1;
        let found = |digest: &Digest| match self.manifests.get(digest) {
            Some(bytes) => WalkAnswer::Found(FoundManifest {
                digest: digest.clone(),
                bytes: bytes.clone(),
                content_type: String::new(),
            }),
            None => WalkAnswer::Nothing,
        };
        match question {
            WalkQuestion::Referrers(subject) => {
                let listed = self.lists.get(subject).into_iter().flatten();
                WalkAnswer::Listed(listed.map(|d| Descriptor::new("wrong/type", d.clone(), 1)).collect())
            }
            WalkQuestion::Tag(tag) => self.tags.get(tag.as_str()).map_or(WalkAnswer::Nothing, found),
            WalkQuestion::Manifest(descriptor) => found(&descriptor.digest),
        }
    }

    fn walk(&mut self, root: &Digest) -> Result<Vec<Attachment>, WalkError> {
        attachments(root, &Budget::default(), |questions| {
            Ok(questions.iter().map(|question| self.answer(question)).collect())
        })
    }

    fn digests(&mut self, root: &Digest) -> Vec<Digest> {
        self.walk(root).unwrap().into_iter().map(|attachment| attachment.digest).collect()
    }
}

fn blob(content: &str) -> Value {
    json!({ "mediaType": "text/plain", "digest": Digest::of(content.as_bytes()), "size": content.len() })
}

fn manifest(digest: &Digest) -> Value {
    json!({ "mediaType": media_type::MANIFEST, "digest": digest, "size": 1 })
}

#[test]
fn what_is_attached_to_what_is_attached_is_found_by_every_way() {
    let mut there = StoredGraph::default();
    let chart = there.plain("chart");
    let (sig, att) = (there.plain("sig"), there.plain("att"));
    there.tag(&chart, AttachedBy::Signature, &sig);
    there.tag(&chart, AttachedBy::Attestation, &att);
    let bundle = there.attach(&chart, "bundle");
    let sbom = there.attach(&chart, "sbom");
    let (sbom_bundle, sbom_sig) = (there.attach(&sbom, "bundle of the sbom"), there.plain("sig of the sbom"));
    there.tag(&sbom, AttachedBy::Signature, &sbom_sig);
    let found = there.walk(&chart).unwrap();
    let digests: Vec<_> = found.iter().map(|attachment| attachment.digest.clone()).collect();
    assert_eq!(digests, [sig.clone(), att, bundle, sbom.clone(), sbom_sig, sbom_bundle]);
    let bond = &found[4].bonds[0];
    assert_eq!((&bond.to, bond.via), (&sbom, BondVia::Tag(AttachedBy::Signature)));
    assert_eq!(bond.tag().unwrap().as_str(), format!("{}.sig", sbom.to_string().replace(':', "-")));
    // No question is asked twice, and none about a signature.
    assert!(there.asked.values().all(|times| *times == 1), "{:?}", there.asked);
    assert!(!there.asked.contains_key(&format!("{:?}", WalkQuestion::Referrers(sig))));
}

#[test]
fn a_list_is_hearsay() {
    let mut there = StoredGraph::default();
    let (chart, other) = (there.plain("chart"), there.plain("other"));
    let own = there.attach(&chart, "own");
    let foreign = there.attach(&other, "foreign");
    let gone = Digest::of(b"gone");
    there.lists.insert(chart.clone(), vec![chart.clone(), foreign, gone, other, own.clone(), own.clone()]);
    assert_eq!(there.digests(&chart), [own]);
}

#[test]
fn circles_are_walked_once() {
    let mut there = StoredGraph::default();
    let chart = there.plain("chart");
    // One tag has the image itself, and two tags attach manifests to each other.
    there.tag(&chart, AttachedBy::Signature, &chart);
    let (one, two) = (there.plain("one"), there.plain("two"));
    there.tag(&chart, AttachedBy::Sbom, &one);
    there.tag(&one, AttachedBy::Sbom, &two);
    there.tag(&two, AttachedBy::Sbom, &one);
    there.tag(&two, AttachedBy::Attestation, &chart);
    let found = there.walk(&chart).unwrap();
    assert_eq!(found.iter().map(|found| &found.digest).collect::<Vec<_>>(), [&one, &two]);
    let bonds: Vec<_> = found[0].bonds.iter().map(|bond| bond.to.clone()).collect();
    assert_eq!(bonds, [chart, two]);
}

#[test]
fn the_same_manifest_may_be_attached_in_two_ways() {
    let mut there = StoredGraph::default();
    let chart = there.plain("chart");
    let bundle = there.attach(&chart, "bundle");
    there.tag(&chart, AttachedBy::Signature, &bundle);
    let found = there.walk(&chart).unwrap();
    assert_eq!(found.len(), 1);
    let ways: Vec<_> = found[0].bonds.iter().map(|bond| bond.via).collect();
    assert_eq!(ways, [BondVia::Tag(AttachedBy::Signature), BondVia::Subject]);
}

#[test]
fn what_an_index_holds_comes_before_it() {
    let mut there = StoredGraph::default();
    let chart = there.plain("chart");
    let member = there.plain("member");
    let inner = there.keep(&json!({ "schemaVersion": 2, "manifests": [manifest(&member)] }));
    let index = |members: &[&Digest]| {
        let members: Vec<_> = members.iter().map(|member| manifest(member)).collect();
        json!({ "schemaVersion": 2, "manifests": members, "subject": manifest(&chart) })
    };
    let outer = there.keep(&index(&[&inner, &member]));
    there.lists.insert(chart.clone(), vec![outer.clone()]);
    let signature = there.plain("signature");
    there.tag(&member, AttachedBy::Signature, &signature);
    assert_eq!(there.digests(&chart), [member.clone(), inner, outer, signature]);
    let gone = there.keep(&index(&[&Digest::of(b"gone")]));
    there.lists.insert(chart.clone(), vec![gone]);
    assert!(matches!(there.walk(&chart), Err(WalkError::Member { .. })));
}

#[test]
fn there_is_an_end_to_it() {
    let mut there = StoredGraph::default();
    let chart = there.plain("chart");
    let mut last = chart.clone();
    for level in 0..MAX_ATTACHED_DEPTH {
        last = there.attach(&last, &format!("level {level}"));
    }
    assert_eq!(there.walk(&chart).unwrap().len(), MAX_ATTACHED_DEPTH);
    there.attach(&last, "one more");
    assert!(matches!(there.walk(&chart), Err(WalkError::TooDeep(_))));

    let mut there = StoredGraph::default();
    let chart = there.plain("chart");
    for number in 0..MAX_ATTACHED {
        there.attach(&chart, &number.to_string());
    }
    assert_eq!(there.walk(&chart).unwrap().len(), MAX_ATTACHED);
    there.attach(&chart, "one more");
    assert!(matches!(there.walk(&chart), Err(WalkError::TooMany)));
    // An index that lists the same manifest many times.
    let member = there.plain("member");
    let members = vec![manifest(&member); MAX_ATTACHED + 1];
    let index = json!({ "schemaVersion": 2, "manifests": members, "subject": manifest(&chart) });
    let index = there.keep(&index);
    there.lists.insert(chart.clone(), vec![index]);
    assert!(matches!(there.walk(&chart), Err(WalkError::TooMany)));

    let chart = there.plain("another chart");
    (0..9).for_each(|number| drop(there.attach(&chart, &number.to_string())));
    let budget = Budget::new(1000);
    let result: Result<_, WalkError> = attachments(&chart, &budget, |questions| {
        Ok(questions.iter().map(|question| there.answer(question)).collect())
    });
    assert!(matches!(result, Err(WalkError::Memory(_))));
    assert_eq!(budget.left(), 1000);
}
