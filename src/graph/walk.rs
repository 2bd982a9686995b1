//! Walks over everything that is attached to a manifest: its referrers, what cosign's tags attach to it, what is
//! attached to those in turn, and the manifests that attached indexes list.
//!
//! The walk asks questions, and its caller answers them from a registry, a cache or a bundle. The walk decides what to
//! look for and what counts; the caller knows where to look. Questions that are asked together can be answered at once.

use std::collections::{HashMap, HashSet, VecDeque};

use super::node::Node;
use super::tags::{AttachedBy, cosign_tags};
use crate::digest::Digest;
use crate::limits::{Budget, MAX_ATTACHED, MAX_ATTACHED_DEPTH, OverBudget};
use crate::manifest::{Descriptor, ManifestError};
use crate::reference::Tag;

/// The most questions that the walk asks together.
const AT_ONCE: usize = 16;

/// A question of the walk to its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkQuestion {
    /// Which manifests are listed as referrers of the manifest of this digest?
    Referrers(Digest),
    /// Which manifest has this tag?
    Tag(Tag),
    /// What is the content of the manifest of this descriptor?
    Manifest(Descriptor),
}

/// The caller's answer to a [`WalkQuestion`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkAnswer {
    /// These manifests are listed. The walk reads each one to see whether it belongs there.
    Listed(Vec<Descriptor>),
    /// This manifest has the tag or the digest.
    Found(FoundManifest),
    /// There is no such manifest or list.
    Nothing,
}

/// A manifest or an index as it was found, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundManifest {
    /// The digest that it was asked for by, or else that of its bytes.
    pub digest: Digest,
    /// The bytes of the manifest.
    pub bytes: Vec<u8>,
    /// The Content-Type that it came with; empty if there was none.
    pub content_type: String,
}

/// How one manifest is attached to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BondVia {
    /// The attached manifest has the other one as its `subject`.
    Subject,
    /// The attached manifest has a tag of cosign's that is made of the other one's digest.
    Tag(AttachedBy),
    /// The other one is an index that lists this manifest.
    Index,
}

/// The link from an attached manifest to the one that it is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bond {
    /// The digest of the manifest that it is attached to.
    pub to: Digest,
    /// The way in which it is attached.
    pub via: BondVia,
}

impl Bond {
    /// The tag that attaches it; None if it is attached in another way.
    pub fn tag(&self) -> Option<Tag> {
        let BondVia::Tag(by) = self.via else { return None };
        cosign_tags(&self.to).into_iter().find(|(other, _)| *other == by).map(|(_, tag)| tag)
    }
}

/// A manifest that is attached to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The digest of the manifest.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it refers to, and of what type it is.
    pub node: Node,
    /// The manifests that it is attached to, and in which ways; at least one.
    pub bonds: Vec<Bond>,
}

/// Why a walk fails.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// More manifests are attached than [`MAX_ATTACHED`] allows.
    #[error("more than {MAX_ATTACHED} manifests are attached")]
    TooMany,
    /// The attachments of attachments go deeper than [`MAX_ATTACHED_DEPTH`] levels. Holds the digest of the first one
    /// that is too deep.
    #[error("what is attached is more than {MAX_ATTACHED_DEPTH} levels deep, at {0}")]
    TooDeep(Digest),
    /// The attached manifests take more memory than the budget has left.
    #[error("what is attached cannot be taken along: {0}")]
    Memory(#[from] OverBudget),
    /// An attached manifest is not a manifest or index that can be read.
    #[error("{digest}, which is attached, cannot be read")]
    Manifest {
        /// The digest of that manifest.
        digest: Digest,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// An attached index lists a manifest that is missing.
    #[error("{member} is missing, which the attached index {index} holds")]
    Member {
        /// The digest of the missing manifest.
        member: Digest,
        /// The digest of the index.
        index: Digest,
    },
}

/// Everything that is attached to the manifest of the digest `root`, directly or through other attachments. The order
/// is one in which a registry accepts it: the members of an index come before the index, and a subject before its
/// referrers.
///
/// * A listed referrer counts only if its own `subject` field agrees; others are left out.
/// * Cosign's tags are looked for as well. A manifest under `.sig` or `.att` is taken as it is: nothing is looked for
///   that is attached to it.
/// * A manifest may be attached in several ways. Each one is walked once, so cycles, which tags can make, do no harm.
///
/// `ask` gets up to 16 questions and returns as many answers, in the same order. Until the walk ends, it holds from
/// `budget` what the manifests take in memory. An error of `ask` ends the walk.
pub fn attachments<E: From<WalkError>>(
    root: &Digest,
    budget: &Budget,
    mut ask: impl FnMut(&[WalkQuestion]) -> Result<Vec<WalkAnswer>, E>,
) -> Result<Vec<Attachment>, E> {
    let mut held = budget.hold(0).map_err(WalkError::from)?;
    let mut walk =
        GraphWalk { root, found: Vec::new(), places: HashMap::new(), looked_at: HashSet::new(), read: 0 };
    let mut open = VecDeque::from(walk.around(root, 0));
    while !open.is_empty() {
        // An answer is in memory before the walk can count it, so only a few questions are asked at a time.
        let now: Vec<_> = open.drain(..open.len().min(AT_ONCE)).collect();
        let questions: Vec<_> = now.iter().map(|asked| asked.question.clone()).collect();
        let answers = ask(&questions)?;
        for (asked, answer) in now.into_iter().zip(answers) {
            if let WalkAnswer::Found(found) = &answer {
                // Once parsed, a manifest takes up to twice its size in addition to its bytes.
                held.grow(3 * found.bytes.len() as u64).map_err(WalkError::from)?;
            }
            open.extend(walk.take(asked, answer)?);
        }
    }
    Ok(walk.in_order())
}

/// A question of the walk, and what its answer would mean.
struct GraphQuestion {
    question: WalkQuestion,
    /// How the manifest that is found would be attached.
    bond: Bond,
    /// How many bonds the manifest that is found would be away from the root.
    depth: usize,
}

struct GraphWalk<'a> {
    root: &'a Digest,
    found: Vec<Attachment>,
    /// The place in `found` of each manifest, by its digest.
    places: HashMap<Digest, usize>,
    /// The digests of the manifests whose attachments were asked for.
    looked_at: HashSet<Digest>,
    /// How many manifests were asked for or found under tags.
    read: usize,
}

impl GraphWalk<'_> {
    /// The questions that find what is attached to a manifest; none if they were asked before.
    fn around(&mut self, digest: &Digest, depth: usize) -> Vec<GraphQuestion> {
        if !self.looked_at.insert(digest.clone()) {
            return Vec::new();
        }
        let asked = |question, via| GraphQuestion {
            question,
            bond: Bond { to: digest.clone(), via },
            depth: depth + 1,
        };
        let mut open = vec![asked(WalkQuestion::Referrers(digest.clone()), BondVia::Subject)];
        open.extend(
            cosign_tags(digest).into_iter().map(|(by, tag)| asked(WalkQuestion::Tag(tag), BondVia::Tag(by))),
        );
        open
    }

    /// Takes the answer to a question, and returns the questions that follow from it.
    fn take(&mut self, asked: GraphQuestion, answer: WalkAnswer) -> Result<Vec<GraphQuestion>, WalkError> {
        let GraphQuestion { question, bond, depth } = asked;
        match (question, answer) {
            (WalkQuestion::Referrers(_), WalkAnswer::Listed(members)) => {
                let mut open = Vec::new();
                for member in members.into_iter().filter(|member| member.digest != *self.root) {
                    match self.places.get(&member.digest).and_then(|place| self.found.get_mut(*place)) {
                        Some(known) => bind(known, bond.clone()),
                        None => {
                            let question = WalkQuestion::Manifest(member);
                            open.push(GraphQuestion { question, bond: bond.clone(), depth });
                        }
                    }
                }
                self.count(open.len())?;
                Ok(open)
            }
            (WalkQuestion::Manifest(_) | WalkQuestion::Tag(_), WalkAnswer::Found(found)) => {
                self.add(found, bond, depth)
            }
            (WalkQuestion::Manifest(member), _) if bond.via == BondVia::Index => {
                Err(WalkError::Member { member: member.digest, index: bond.to })
            }
            (WalkQuestion::Manifest(member), _) => {
                log::warn!("{} is listed as attached to {}, and is not there", member.digest, bond.to);
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn add(
        &mut self,
        found: FoundManifest,
        bond: Bond,
        depth: usize,
    ) -> Result<Vec<GraphQuestion>, WalkError> {
        let FoundManifest { digest, bytes, content_type } = found;
        // A registry that reads such a tag as a digest answers with the manifest itself.
        if digest == *self.root || digest == bond.to {
            return Ok(Vec::new());
        }
        let via = bond.via;
        let place = match self.places.get(&digest) {
            Some(place) => *place,
            None => {
                if via != BondVia::Subject && via != BondVia::Index {
                    self.count(1)?;
                }
                let node = Node::parse(&bytes, &content_type)
                    .map_err(|source| WalkError::Manifest { digest: digest.clone(), source })?;
                if via == BondVia::Subject && !node.is_about(&bond.to) {
                    log::debug!("{digest} is listed as being about {}, and is not", bond.to);
                    return Ok(Vec::new());
                }
                if depth > MAX_ATTACHED_DEPTH {
                    return Err(WalkError::TooDeep(digest));
                }
                self.places.insert(digest.clone(), self.found.len());
                self.found.push(Attachment { digest: digest.clone(), bytes, node, bonds: Vec::new() });
                self.found.len() - 1
            }
        };
        let Some(attachment) = self.found.get_mut(place) else { return Ok(Vec::new()) };
        let is_new = attachment.bonds.is_empty();
        bind(attachment, bond);
        let members = if is_new { attachment.node.manifests.clone() } else { Vec::new() };
        let mut open = match via {
            BondVia::Tag(AttachedBy::Signature | AttachedBy::Attestation) => Vec::new(),
            _ => self.around(&digest, depth),
        };
        for member in members {
            let bond = Bond { to: digest.clone(), via: BondVia::Index };
            match self.places.get(&member.digest).and_then(|place| self.found.get_mut(*place)) {
                Some(known) => bind(known, bond),
                None => {
                    self.count(1)?;
                    open.push(GraphQuestion {
                        question: WalkQuestion::Manifest(member),
                        bond,
                        depth: depth + 1,
                    });
                }
            }
        }
        Ok(open)
    }

    /// Counts manifests before they are asked for: lists may name any number of them, and the same one many times. An
    /// error if there are too many.
    fn count(&mut self, more: usize) -> Result<(), WalkError> {
        self.read = self.read.saturating_add(more);
        if self.read > MAX_ATTACHED { Err(WalkError::TooMany) } else { Ok(()) }
    }

    /// The attachments in the order in which they were found, except that the members of an index come before it. So
    /// everything else follows what it is attached to.
    fn in_order(self) -> Vec<Attachment> {
        let Self { found, places, .. } = self;
        let mut order = Vec::with_capacity(found.len());
        let (mut seen, mut done) = (vec![false; found.len()], vec![false; found.len()]);
        for first in 0..found.len() {
            // This is a stack: an index stays on it until its members, which are pushed after it, are done.
            let mut pending = vec![first];
            while let Some(place) = pending.last().copied() {
                let (Some(attachment), Some(seen)) = (found.get(place), seen.get_mut(place)) else { break };
                if !std::mem::replace(seen, true) {
                    let members = attachment.node.manifests.iter().rev();
                    pending.extend(members.filter_map(|member| places.get(&member.digest)));
                    continue;
                }
                pending.pop();
                if let Some(done) = done.get_mut(place).filter(|done| !**done) {
                    *done = true;
                    order.push(place);
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().map(Some).collect();
        order.into_iter().filter_map(|place| found.get_mut(place).and_then(Option::take)).collect()
    }
}

/// Adds a bond if it is new. A bond by the subject is only added if that is the manifest's subject.
fn bind(attachment: &mut Attachment, bond: Bond) {
    let is_right = bond.via != BondVia::Subject || attachment.node.is_about(&bond.to);
    if is_right && !attachment.bonds.contains(&bond) {
        attachment.bonds.push(bond);
    }
}
