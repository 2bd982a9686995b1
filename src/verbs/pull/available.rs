//! Finds out which versions a repository has, for the error that a version is not there.

use std::cmp::Ordering;

use crate::reference::Tag;
use crate::version::{Newest, Version};

/// How many versions are named at most. Further ones are only counted.
const NAMED: usize = 5;

/// The tags of a repository, as far as an error message needs them.
#[derive(Debug, Default)]
pub struct Available {
    /// The newest versions, in descending order.
    pub newest: Vec<Tag>,
    /// How many more versions there are.
    pub more: usize,
    /// A few tags that are no versions, in the registry's order.
    pub others: Vec<Tag>,
    /// Whether all versions are prereleases.
    pub only_prereleases: bool,
    /// Whether the tag that was asked for is listed, though it has no manifest.
    pub listed: bool,
    /// The tag that was probably meant: the same version in another spelling.
    pub alike: Option<Tag>,
    /// The newest prerelease that was not chosen because it is one.
    pub passed_over: Option<Tag>,
}

impl Available {
    /// Takes a tag into account. `asked` is the tag that is missing.
    pub(super) fn offer(&mut self, tag: &Tag, asked: Option<&Tag>) {
        match asked {
            Some(asked) if asked == tag => self.listed = true,
            Some(asked) if is_alike(asked, tag) => self.alike = Some(tag.clone()),
            _ => {}
        }
        let Ok(version) = version(tag) else {
            if self.others.len() < NAMED && !self.others.contains(tag) {
                self.others.push(tag.clone());
            }
            return;
        };
        self.only_prereleases =
            !version.prerelease().is_empty() && (self.newest.is_empty() || self.only_prereleases);
        // Some registries list a tag twice.
        if self.newest.contains(tag) {
            return;
        }
        let at = self.newest.partition_point(|other| newest_first(other, tag).is_lt());
        self.newest.insert(at, tag.clone());
        if self.newest.len() > NAMED {
            self.newest.pop();
            self.more += 1;
        }
    }

    /// Takes a tag into account that was also offered to `choice`.
    pub(super) fn offer_to(&mut self, tag: &Tag, choice: &Newest<'_>) {
        self.offer(tag, None);
        if choice.passes_over(tag.as_str())
            && self.passed_over.as_ref().is_none_or(|other| newest_first(tag, other).is_lt())
        {
            self.passed_over = Some(tag.clone());
        }
    }
}

fn version(tag: &Tag) -> Result<Version, crate::version::VersionError> {
    Version::parse_strict(&tag.to_version())
}

/// Whether a user who asks for one may mean the other: `v1.2`, `1.2.0` and `1.2.0_1`, or `Latest` and `latest`.
fn is_alike(asked: &Tag, tag: &Tag) -> bool {
    let lenient = |tag: &Tag| Version::parse_lenient(&tag.to_version()).ok();
    let same_version = match (lenient(asked), lenient(tag)) {
        (Some(asked), Some(tag)) => asked.precedence(&tag).is_eq(),
        _ => false,
    };
    same_version || asked.as_str().eq_ignore_ascii_case(tag.as_str())
}

fn newest_first(a: &Tag, b: &Tag) -> Ordering {
    let by_age = match (version(a), version(b)) {
        (Ok(a), Ok(b)) => b.precedence(&a),
        // Only versions are compared.
        _ => Ordering::Equal,
    };
    by_age.then_with(|| a.as_str().cmp(b.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        text.parse().unwrap()
    }

    fn available(asked: &str, tags: &[&str]) -> Available {
        let mut available = Available::default();
        tags.iter().for_each(|text| available.offer(&tag(text), Some(&tag(asked))));
        available
    }

    #[test]
    fn the_newest_are_named_and_the_others_counted() {
        let found = available(
            "3.0.0",
            &[
                "1.9.0",
                "1.10.0",
                "latest",
                "1.2.0",
                "2.0.0_b",
                "2.0.0-rc.1",
                "1.10.0",
                "0.1.0",
                "latest",
                "v7",
            ],
        );
        let named: Vec<_> = found.newest.iter().map(Tag::as_str).collect();
        assert_eq!(named, ["2.0.0_b", "2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.0"]);
        assert_eq!(found.more, 1);
        assert_eq!(found.others, [tag("latest"), tag("v7")]);
        assert!(!found.only_prereleases && !found.listed && found.alike.is_none());
        assert!(available("latest", &["1.0.0", "latest"]).listed);
        for (tags, only) in [
            (&["1.0.0-a", "1.0.0-b"][..], true),
            (&["1.0.0-a", "1.0.0", "1.0.0-b"], false),
            (&["1.0.0", "1.0.0-b"], false),
            (&["latest"], false),
            (&[], false),
        ] {
            assert_eq!(available("x", tags).only_prereleases, only, "{tags:?}");
        }
    }

    #[test]
    fn another_spelling_of_the_same_is_found() {
        for (asked, there, alike) in [
            ("v1.2.0", "1.2.0", true),
            ("1.2.0", "v1.2.0", true),
            ("1.2", "1.2.0", true),
            ("1.2.0", "1.2.0_build.1", true),
            ("Latest", "latest", true),
            ("1.2.0", "1.2.1", false),
            ("1.2.0-rc.1", "1.2.0", false),
            ("stable", "latest", false),
        ] {
            assert_eq!(
                available(asked, &["9.0.0", there, "main"]).alike,
                alike.then(|| tag(there)),
                "{asked} {there}"
            );
        }
    }

    #[test]
    fn prereleases_are_passed_over_for_being_some() {
        for (constraint, tags, passed_over) in [
            ("^2", &["2.0.0-rc.1", "2.0.0-rc.2", "3.0.0-rc.1", "1.0.0"][..], Some("2.0.0-rc.2")),
            ("", &["1.0.0-a"], Some("1.0.0-a")),
            ("^2", &["3.0.0-rc.1", "2x"], None),
            (">=2.0.0-0", &["2.0.0-rc.1"], None),
        ] {
            let choice = Newest::new(constraint).unwrap();
            let mut available = Available::default();
            tags.iter().for_each(|text| available.offer_to(&tag(text), &choice));
            assert_eq!(available.passed_over, passed_over.map(tag), "{constraint}");
        }
    }
}
