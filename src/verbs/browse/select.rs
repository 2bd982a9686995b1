//! Which of a repository's tags are shown.

use std::cmp::Ordering;

use super::error::BrowseError;
use crate::limits::Budget;
use crate::reference::Tag;
use crate::version::{Constraint, Version};

/// Which versions are wanted.
#[derive(Clone, Debug, Default)]
pub struct VersionSelection {
    /// A constraint; without one all that are no prereleases.
    pub constraint: Option<String>,
    /// Prereleases, too.
    pub devel: bool,
    /// Tags that are no versions, too.
    pub all_tags: bool,
    /// At most so many, the newest.
    pub most: Option<usize>,
}

/// What it takes to put a tag in its place, in bytes: the version that it stands for, and a copy of it.
const PLACED: u64 = 160;
/// Where only some are wanted, at most so many more than these are held at once.
const MARGIN: usize = 1000;

/// The tags that are wanted, the newest version first, and how many more there would be.
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
            // What Helm does not find by a range; of these the very tag may be meant.
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
