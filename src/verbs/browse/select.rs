//! Selects tags of a repository by version.

use std::cmp::Ordering;

use super::error::BrowseError;
use crate::limits::Budget;
use crate::reference::Tag;
use crate::version::{Constraint, Version};

/// Which versions to select.
#[derive(Clone, Debug, Default)]
pub struct VersionSelection {
    /// A constraint on the version; without one, all versions that are not prereleases.
    pub constraint: Option<String>,
    /// Whether to select prereleases as well.
    pub devel: bool,
    /// Whether to select tags that are not versions as well.
    pub all_tags: bool,
    /// The number of newest versions to select; all if it is `None`.
    pub most: Option<usize>,
}

/// How many bytes of memory a tag takes while it is sorted: its version, and a copy of it.
const PLACED: u64 = 160;
/// How many more tags than are wanted are held at once.
const MARGIN: usize = 1000;

/// The selected tags, the newest version first, and how many further ones would match.
pub(super) fn select<'a>(
    tags: impl Iterator<Item = &'a Tag>,
    selection: &VersionSelection,
    budget: &Budget,
) -> Result<(Vec<Tag>, usize), BrowseError> {
    let constraint = match &selection.constraint {
        None => None,
        Some(text) => Some(
            Constraint::parse(text)
                .map_err(|source| BrowseError::Constraint { text: text.clone(), source })?,
        ),
    };
    let fits = |version: &Version| match &constraint {
        Some(constraint) => constraint.matches(version),
        None => selection.devel || selection.all_tags || version.prerelease().is_empty(),
    };
    let most = selection.most.unwrap_or(usize::MAX);
    let mut held = budget.hold(0)?;
    let mut found: Vec<(Option<Version>, &Tag)> = Vec::new();
    let mut count = 0_usize;
    for tag in tags {
        let version = match Version::parse_strict(&tag.to_version()) {
            Ok(version) if fits(&version) => Some(version),
            Ok(_) => continue,
            // Helm does not find such a tag by a constraint, but a user who lists all tags may look for it.
            Err(_) if selection.all_tags && constraint.is_none() => None,
            Err(_) => continue,
        };
        count += 1;
        held.grow(PLACED)?;
        found.push((version, tag));
        if found.len() > most.saturating_add(MARGIN) {
            keep_newest(&mut found, most);
            held.shrink(MARGIN as u64 * PLACED);
        }
    }
    keep_newest(&mut found, most);
    Ok((found.into_iter().map(|(_, tag)| tag.clone()).collect(), count.saturating_sub(most)))
}

fn keep_newest(found: &mut Vec<(Option<Version>, &Tag)>, most: usize) {
    found.sort_by(|(a, tag), (b, other)| newest_first(a.as_ref(), b.as_ref()).then_with(|| tag.cmp(other)));
    found.truncate(most);
}

fn newest_first(a: Option<&Version>, b: Option<&Version>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.precedence(a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first() {
        let tags = ["1.0.0", "10.0.0", "2.0.0_b", "2.0.0-rc.1", "1.0", "latest", "v3.0.0", "2.0.0"];
        let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        let select = |selection: &VersionSelection| {
            let (found, more) = select(tags.iter(), selection, &Budget::default()).unwrap();
            (found.iter().map(Tag::to_string).collect::<Vec<_>>().join(" "), more)
        };
        let all = VersionSelection::default();
        assert_eq!(select(&all), ("10.0.0 2.0.0 2.0.0_b 1.0.0".to_owned(), 0));
        let devel = VersionSelection { devel: true, most: Some(4), ..all.clone() };
        assert_eq!(select(&devel), ("10.0.0 2.0.0 2.0.0_b 2.0.0-rc.1".to_owned(), 1));
        let ranged = VersionSelection { constraint: Some("^2.0.0-0".to_owned()), ..all };
        assert_eq!(select(&ranged), ("2.0.0 2.0.0_b 2.0.0-rc.1".to_owned(), 0));
        let tags = VersionSelection { all_tags: true, ..all };
        assert_eq!(select(&tags).0, "10.0.0 2.0.0 2.0.0_b 2.0.0-rc.1 1.0.0 1.0 latest v3.0.0");
    }
}
