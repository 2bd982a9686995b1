//! Chooses the newest of a repository's tags as Helm does.

use super::constraint::{Constraint, ConstraintError};
use super::semantic::Version;

/// Chooses one of a repository's tags as Helm does (pkg/registry/client.go `Tags` and util.go
/// `GetTagMatchingVersionOrConstraint`, v3.10.1). Tags that are not strict versions are ignored. The version that is
/// spelled as the wanted text comes first, then the newest version that satisfies the constraint. An empty constraint
/// means `*`: any release. Of versions that differ in build metadata alone, the first in bytewise order is chosen.
///
/// If the wanted text is a single version, Helm asks the registry for it as a tag, without listing. The caller has to
/// do that.
///
/// Tags may come in any order; only the best one so far is kept.
#[derive(Debug)]
pub struct Newest<'a> {
    wanted: &'a str,
    constraint: Constraint,
    /// The best version so far, and its tag, in which `_` stands for `+`.
    best: Option<(Version, String)>,
}

impl Default for Newest<'_> {
    /// Chooses the newest release.
    fn default() -> Self {
        Self { wanted: "", constraint: Constraint::any(), best: None }
    }
}

impl<'a> Newest<'a> {
    /// Chooses among the versions that satisfy this constraint. The empty text means any release.
    pub fn new(wanted: &'a str) -> Result<Self, ConstraintError> {
        let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted })?;
        Ok(Self { wanted, constraint, best: None })
    }

    /// Takes a tag of the repository into account.
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

    /// Whether a tag is a prerelease that does not satisfy the constraint, though the release without the suffix would.
    pub fn passes_over(&self, tag: &str) -> bool {
        let Ok(version) = Version::parse_strict(&tag.replace('_', "+")) else { return false };
        version
            .release()
            .is_some_and(|release| !self.constraint.matches(&version) && self.constraint.matches(&release))
    }

    /// The tag that is chosen among those offered so far; None if none of them satisfies the constraint.
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
