//! Differences in what is attached to two charts: how many signatures, attestations, SBOMs and other artifacts there
//! are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{ChartChange, ChartSection};
use super::error::DiffError;
use crate::digest::Digest;
use crate::graph::{AttachedBy, Attachment, BondVia, Node, attached_by};
use crate::reference::Reference;
use crate::registry::Client;
use crate::verbs::attached::AttachedKind;
use crate::verbs::look::Looker;
use crate::verbs::pull::{PullError, attached as attached_there};

/// The attached manifests of one type.
#[derive(Default)]
struct AttachedOfType {
    /// How many there are. A manifest under a tag of cosign's counts as the signatures or attestations in it.
    number: usize,
    digests: BTreeSet<Digest>,
}

type ByType = BTreeMap<String, AttachedOfType>;

/// Compares what is attached to two manifests, each of which is in the repository of its reference. Without a client
/// nothing is compared, as a cache alone does not know what a registry has.
pub(super) fn attached(
    looker: &Looker<'_>,
    sides: [(&Reference, &Digest); 2],
    changes: &mut Vec<ChartChange>,
) -> Result<(), DiffError> {
    let Some(client) = looker.client else { return Ok(()) };
    let on_side = |(reference, digest)| {
        on_side(looker, client, reference, digest).map_err(|source| DiffError::Attached {
            reference: Box::new(reference.clone()),
            source: Box::new(source),
        })
    };
    let [(_, one), (_, other)] = sides;
    let [old, new] = sides;
    let (before, after) = (on_side(old)?, on_side(new)?);
    let types: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in types {
        let (was, is) = (before.get(name), after.get(name));
        let number = |side: Option<&AttachedOfType>| side.map(|side| Value::from(side.number));
        let change = ChartChange::between(ChartSection::Attached, name.as_str(), number(was), number(is));
        if change.old != change.new {
            changes.push(change);
        } else if one == other && was.map(|side| &side.digests) != is.map(|side| &side.digests) {
            // What is attached to another manifest is always another one.
            changes.push(change.note("not the same ones"));
        }
    }
    Ok(())
}

fn on_side(
    looker: &Looker<'_>,
    client: &Client,
    reference: &Reference,
    digest: &Digest,
) -> Result<ByType, PullError> {
    let mut found = ByType::new();
    // A digest is not asked for if the cache has it, together with what is attached to it.
    let cached = reference.digest.as_ref().and_then(|_| looker.cache.find(reference).ok());
    if let Some(stored) = cached.filter(|stored| !stored.entry.attached.is_empty()) {
        let kept = stored.entry.attached;
        let tagged = kept.tags.iter().filter_map(|(tag, digest)| {
            let (_, by) = attached_by(tag)?;
            Some((digest, BondVia::Tag(by)))
        });
        let listed = kept.manifests.iter().map(|digest| (digest, BondVia::Subject));
        for (digest, via) in tagged.chain(listed) {
            let node = Node::parse(&looker.cache.blob(digest)?.bytes()?, "")?;
            // Those without a subject are the members of an index.
            if via != BondVia::Subject || node.subject.is_some() {
                count(&mut found, digest, &node, via);
            }
        }
        return Ok(found);
    }
    for Attachment { digest, node, bonds, .. } in attached_there(looker.cache, client, reference, digest)? {
        // The members of an index count as that index.
        if let Some(bond) = bonds.iter().find(|bond| bond.via != BondVia::Index) {
            count(&mut found, &digest, &node, bond.via);
        }
    }
    Ok(found)
}

fn count(found: &mut ByType, digest: &Digest, node: &Node, via: BondVia) {
    let artifact_type = node.artifact_type.as_deref();
    let name = match AttachedKind::of(via, artifact_type) {
        AttachedKind::Signature => "signatures",
        AttachedKind::Attestation => "attestations",
        AttachedKind::Sbom => "SBOMs",
        AttachedKind::Other => artifact_type.unwrap_or(&node.media_type),
    };
    let of_type = found.entry(name.to_owned()).or_default();
    if of_type.digests.insert(digest.clone()) {
        of_type.number += match via {
            // The first blob is the config.
            BondVia::Tag(AttachedBy::Signature | AttachedBy::Attestation) => node.blobs.len().max(2) - 1,
            _ => 1,
        };
    }
}
