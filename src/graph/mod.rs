//! The graph of the manifests of a repository: which blobs and manifests each one needs, which one it has as its
//! subject, and the tags under which referrers are found if a registry does not list them.
//!
//! The registry client, the embedded registry, the cache and the verbs all read the graph by these rules. Nothing here
//! does I/O.

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
