//! The graph that manifests make in a repository: what each one needs, what it is about, and the tags by which what is about
//! it is found where a registry does not list that.
//!
//! The client, the embedded registry, the cache and the verbs read this graph by the same rules. Nothing here asks a
//! registry or a disk for anything.

mod node;
mod referrers_index;
mod tags;
mod walk;
#[cfg(test)]
mod walk_tests;

pub use node::Node;
pub use referrers_index::{ReferrersIndex, members};
pub use tags::{AttachedBy, attached_by, cosign_tags, referrers_tag};
pub use walk::{Attachment, Bond, BondVia, FoundManifest, WalkAnswer, WalkError, WalkQuestion, attachments};
