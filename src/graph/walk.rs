//! The walk over everything that is attached to a manifest: what is about it, by whatever way that is found, what is about
//! that in turn, and what attached indexes hold.
//!
//! The walk asks and its caller answers, from a registry, a cache or a bundle: it knows what to look for and what counts,
//! they know where to look. What is asked together can be looked for at once.

use std::collections::{HashMap, HashSet, VecDeque};

use super::node::Node;
use super::tags::{AttachedBy, cosign_tags};
use crate::digest::Digest;
use crate::limits::{Budget, MAX_ATTACHED, MAX_ATTACHED_DEPTH, OverBudget};
use crate::manifest::{Descriptor, ManifestError};
use crate::reference::Tag;

/// So many questions are asked at once.
const AT_ONCE: usize = 16;

/// What a walk wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkQuestion {
    /// Which manifests are listed as being about the manifest of this digest?
    Referrers(Digest),
    /// What is under this tag?
    Tag(Tag),
    /// What is the manifest that this describes?
    Manifest(Descriptor),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkAnswer {
    /// These manifests are listed, rightly or not.
    Listed(Vec<Descriptor>),
    /// It is this.
    Found(FoundManifest),
    /// There is nothing.
    Nothing,
}

/// A manifest or an index as it was found, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundManifest {
    /// The digest that it was found under, else that of its bytes.
    pub digest: Digest,
    /// The content.
    pub bytes: Vec<u8>,
    /// The Content-Type that it came under; empty where there is none.
    pub content_type: String,
}

/// How one manifest is attached to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BondVia {
    /// It names the other one as its subject.
    Subject,
    /// It is under a tag of cosign's that is made of the other one's digest.
    Tag(AttachedBy),
    /// The other one is an index, and this is in it.
    Index,
}

/// A line from an attached manifest to what it is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bond {
    /// The other one.
    pub to: Digest,
    /// How.
    pub via: BondVia,
}

impl Bond {
    /// The tag that makes the bond, if one does.
    pub fn tag(&self) -> Option<Tag> {
        let BondVia::Tag(by) = self.via else { return None };
        cosign_tags(&self.to).into_iter().find(|(other, _)| *other == by).map(|(_, tag)| tag)
    }
}

/// A manifest that is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its digest.
    pub digest: Digest,
    /// Its content.
    pub bytes: Vec<u8>,
    /// What it refers to.
    pub node: Node,
    /// What it is attached to, and how; at least one.
    pub bonds: Vec<Bond>,
}

/// Why there is no telling what is attached.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// There are more of them than any chart needs.
    #[error("more than {MAX_ATTACHED} manifests are attached")]
    TooMany,
    /// Attached to what is attached to what is attached, and so on.
    #[error("what is attached is more than {MAX_ATTACHED_DEPTH} levels deep, at {0}")]
    TooDeep(Digest),
    /// It takes more memory than there is for it.
    #[error("what is attached cannot be taken along: {0}")]
    Memory(#[from] OverBudget),
    /// One that cannot be read.
    #[error("{digest}, which is attached, cannot be read")]
    Manifest {
        /// Which one.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// A manifest that an attached index holds, and that is not there.
    #[error("{member} is missing, which the attached index {index} holds")]
    Member {
        /// The manifest.
        member: Digest,
        /// The index.
        index: Digest,
    },
}

/// Everything that is attached to the manifest of this digest, in the order in which a registry can be given it: what an index
/// holds before the index, and what something is about before that.
///
/// * A list counts only where the manifest's own subject agrees: a listed manifest with another subject is left out.
/// * Cosign's tags are looked for as well. What is under `.sig` and `.att` is a signature, and has nothing attached itself.
/// * The same manifest may be attached in several ways; circles, which tags can make, are walked once.
///
/// `ask` answers up to 16 questions at once, each in its place. What the manifests take in memory is held of `budget` meanwhile.
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
        // What is asked for has to be in memory before it can be counted.
        let now: Vec<_> = open.drain(..open.len().min(AT_ONCE)).collect();
        let questions: Vec<_> = now.iter().map(|asked| asked.question.clone()).collect();
        let answers = ask(&questions)?;
        for (asked, answer) in now.into_iter().zip(answers) {
            if let WalkAnswer::Found(found) = &answer {
                // Read, a manifest takes up to twice as much again as its bytes.
                held.grow(3 * found.bytes.len() as u64).map_err(WalkError::from)?;
            }
            open.extend(walk.take(asked, answer)?);
        }
    }
    Ok(walk.in_order())
}

/// A question, and why it is asked.
struct GraphQuestion {
    question: WalkQuestion,
    /// What that would be attached to which is found.
    bond: Bond,
    /// How many bonds it is away from the root.
    depth: usize,
}

struct GraphWalk<'a> {
    root: &'a Digest,
    found: Vec<Attachment>,
    /// Where in that a manifest is.
    places: HashMap<Digest, usize>,
    /// Whose attachments have been asked for.
    looked_at: HashSet<Digest>,
    /// How many manifests were read, or asked for.
    read: usize,
}

impl GraphWalk<'_> {
    /// The questions for what is attached to a manifest.
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

    /// Takes an answer, and tells what that leads to.
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
        // A registry that reads such a tag as a digest has the manifest itself there.
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

    /// Counts manifests before they are asked for: lists may name any number, and the same one many times.
    fn count(&mut self, more: usize) -> Result<(), WalkError> {
        self.read = self.read.saturating_add(more);
        if self.read > MAX_ATTACHED { Err(WalkError::TooMany) } else { Ok(()) }
    }

    /// What was found, with the members of an index before it. All else comes after what it is attached to already.
    fn in_order(self) -> Vec<Attachment> {
        let Self { found, places, .. } = self;
        let mut order = Vec::with_capacity(found.len());
        let (mut seen, mut done) = (vec![false; found.len()], vec![false; found.len()]);
        for first in 0..found.len() {
            // From the end: an index stays until its members, which are put behind it, are done.
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

/// Adds a bond, if it is a new one; and one by the subject only if that is the subject.
fn bind(attachment: &mut Attachment, bond: Bond) {
    let is_right = bond.via != BondVia::Subject || attachment.node.is_about(&bond.to);
    if is_right && !attachment.bonds.contains(&bond) {
        attachment.bonds.push(bond);
    }
}
