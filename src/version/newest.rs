//! The newest of a repository's tags, chosen as Helm chooses.

use super::constraint::{Constraint, ConstraintError};
use super::semantic::Version;

/// Chooses among a repository's tags as Helm does (pkg/registry/client.go `Tags` and util.go
/// `GetTagMatchingVersionOrConstraint`, v3.10.1): tags that are no strict versions do not count, the very version that
/// was asked for comes first, then the newest that satisfies the constraint. No constraint means `*`: any release. Of
/// versions that differ in build metadata alone, the first one counts, in bytewise order.
///
/// Helm takes a single version for a tag and asks the registry for it without listing; that is up to the caller.
///
/// Tags come in any order, and the best one so far is all that is kept of them.
#[derive(Debug)]
pub struct Newest<'a> {
    wanted: &'a str,
    constraint: Constraint,
    /// With its tag, which cannot hold `+` and has `_` in its place.
    best: Option<(Version, String)>,
}

impl Default for Newest<'_> {
    /// Looks for the newest release.
    fn default() -> Self {
        Self { wanted: "", constraint: Constraint::any(), best: None }
    }
}

impl<'a> Newest<'a> {
    /// Looks for what satisfies this constraint.
    pub fn new(wanted: &'a str) -> Result<Self, ConstraintError> {
        let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted })?;
        Ok(Self { wanted, constraint, best: None })
    }

    /// Takes a tag into account.
    pub fn offer(&mut self, tag: &str) {
        let text = tag.replace('_', "+");
        let Ok(version) = Version::parse_strict(&text) else { return };
        let is_wanted = text == self.wanted;
        let is_better = self.best.as_ref().is_none_or(|(best, their_tag)| {
            let by_wish = is_wanted.cmp(&(their_tag.replace('_', "+") == self.wanted));
            let by_age = || version.precedence(best);
            by_wish.then_with(by_age).then_with(|| their_tag.as_str().cmp(tag)).is_gt()
        });
        if is_better && (is_wanted || self.constraint.matches(&version)) {
            self.best = Some((version, tag.to_owned()));
        }
    }

    /// Whether a tag does not satisfy the constraint only for being a prerelease.
    pub fn passes_over(&self, tag: &str) -> bool {
        let Ok(version) = Version::parse_strict(&tag.replace('_', "+")) else { return false };
        version
            .release()
            .is_some_and(|release| !self.constraint.matches(&version) && self.constraint.matches(&release))
    }

    /// The tag that was chosen, if any was.
    pub fn tag(&self) -> Option<&str> {
        self.best.as_ref().map(|(_, tag)| tag.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::semantic::DEVEL;
    use super::*;

    #[test]
    fn finds_the_tag_that_helm_finds() {
        let tags = [
            "1.0.0",
            "1.2.3_c",
            "1.2.3_b",
            "1.2.3",
            "2.0.0-rc.1",
            "v3.0.0",
            "4.0",
            "latest",
            "2.0.0-a..b",
            "1.2.4-x_y_z",
            "1.10.0",
            "01.99.0",
        ];
        let table = [
            ("", Some("1.10.0")),
            ("*", Some("1.10.0")),
            (DEVEL, Some("2.0.0-rc.1")),
            ("~1.2", Some("1.2.3")), // Equal in precedence to two others.
            ("1.2.3+b", Some("1.2.3_b")),
            ("1.2.3", Some("1.2.3")),
            ("<1.2", Some("1.0.0")),
            ("^3", None),
            (">1.10", None),
        ];
        for (constraint, expected) in table {
            for backwards in [false, true] {
                let mut newest = Newest::new(constraint).unwrap();
                match backwards {
                    false => tags.iter().for_each(|tag| newest.offer(tag)),
                    true => tags.iter().rev().for_each(|tag| newest.offer(tag)),
                }
                assert_eq!(newest.tag(), expected, "`{constraint}`");
            }
        }
        assert_eq!(
            Newest::new("newest").unwrap_err().to_string(),
            "invalid version constraint `newest`: expected comparisons like `>=1.2, <2`, `^1.2`, `~1.2`, `1.2.x` \
             or `1 - 2`"
        );
    }
}
