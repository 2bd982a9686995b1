//! Chooses the version that a reference means.

use super::available::Available;
use super::error::PullError;
use crate::reference::{Reference, Tag};
use crate::registry;
use crate::version::{Newest, Version};

/// Chooses the newest version that `constraint` allows from the tags of the repository, as Helm does; without a
/// constraint, the newest that is not a prerelease. A reference with a tag or a digest is returned as it is.
pub fn resolve(
    client: &registry::Client,
    reference: &Reference,
    constraint: Option<&str>,
) -> Result<Reference, PullError> {
    if reference.target().is_some() {
        return Ok(reference.clone());
    }
    // An exact version is its own tag: Helm does not list tags then (pkg/registry/client.go, GetTags' caller).
    if let Some(exact) = constraint
        && Version::parse_strict(exact).is_ok()
    {
        return Ok(reference.with_tag(Tag::of_version(exact)?));
    }
    let constraint = constraint.unwrap_or_default();
    let unreadable = |source| PullError::Constraint { text: constraint.to_owned(), source };
    // Parsed before the registry is asked, as an invalid constraint matches nothing.
    let mut newest = Newest::new(constraint).map_err(unreadable)?;
    // Helm also takes `v1.2.3` and `2` for tags (pkg/downloader/chart_downloader.go 3.10, getOciURI). Here they are
    // constraints if there is no such tag.
    let exact = Tag::of_version(constraint).ok();
    let (mut has_exact, mut available) = (false, Box::<Available>::default());
    client.repository(&reference.host, &reference.repository)?.each_tag(&mut |tag| {
        has_exact |= exact.as_ref() == Some(&tag);
        newest.offer(tag.as_str());
        available.offer_to(&tag, &newest);
    })?;
    if let Some(exact) = exact.filter(|_| has_exact) {
        return Ok(reference.with_tag(exact));
    }
    match newest.tag() {
        Some(newest) => Ok(reference.with_tag(newest.parse()?)),
        None if constraint.is_empty() => {
            Err(PullError::NoVersions { repository: reference.name(), available })
        }
        None => {
            let (repository, constraint) = (reference.name(), constraint.to_owned());
            Err(PullError::NoMatch { repository, constraint, available })
        }
    }
}
