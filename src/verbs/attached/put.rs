//! Puts a manifest that may have a subject into a registry.

use crate::digest::Digest;
use crate::graph::Node;
use crate::reference::Target;
use crate::registry::{self, RepositoryClient};

/// Puts a manifest of this digest. If it has a subject and the registry does not list it there, adds it to the index by
/// which clients find it.
pub(in crate::verbs) fn put_listed(
    client: &RepositoryClient,
    target: Target<'_>,
    node: &Node,
    digest: &Digest,
    bytes: &[u8],
) -> Result<(), registry::RegistryError> {
    let subject = node.subject.as_ref().map(|subject| &subject.digest);
    let is_unlisted = client.put_attached(target, &node.media_type, bytes, subject)?;
    match subject.filter(|_| is_unlisted) {
        Some(subject) => {
            client.index_referrers(subject, &[node.as_referrer(digest.clone(), bytes.len() as u64)])
        }
        None => Ok(()),
    }
}
