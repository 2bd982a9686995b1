//! Adds the existing tags to the error that a tag is missing.

use super::available::Available;
use super::error::PullError;
use crate::reference::Reference;
use crate::registry::{self, Client};

/// If the error says that the tag of `reference` is missing, lists the registry's tags and adds them to the error. Its
/// message and code stay the same; if the registry does not list its tags, the error is returned unchanged.
pub(crate) fn explained(client: &Client, reference: &Reference, error: PullError) -> PullError {
    let source = match error {
        PullError::Registry(source) if is_about_the_tag(&source, reference) => source,
        other => return other,
    };
    let mut available = Available::default();
    let listed = client.repository(&reference.host, &reference.repository).and_then(|repository| {
        repository.each_tag_at_once(&mut |tag| available.offer(&tag, reference.tag.as_ref()))
    });
    match listed {
        Ok(()) => PullError::NoSuchTag { source: Box::new(source), available: Some(Box::new(available)) },
        Err(registry::RegistryError::NotFound { .. }) => {
            PullError::NoSuchTag { source: Box::new(source), available: None }
        }
        Err(error) => {
            log::debug!("{reference}: which tags there are is not known: {error}");
            PullError::Registry(source)
        }
    }
}

fn is_about_the_tag(error: &registry::RegistryError, reference: &Reference) -> bool {
    let (registry::RegistryError::NotFound { request, .. }, None, Some(tag)) =
        (error, &reference.digest, &reference.tag)
    else {
        return false;
    };
    request.method() == "GET" && request.url().ends_with(&format!("/manifests/{tag}"))
}
