//! The versions of one chart in a registry. Their tags are stored one after the other in one buffer, because a
//! repository may have a hundred thousand, and a list of strings would take four times the memory.

use std::cmp::Ordering;

use crate::limits::{Budget, HeldBudget, MAX_PAGE, OverBudget};
use crate::reference::{Repository, Tag};
use crate::version::Version;

/// The size of the steps in which memory is taken from the budget, in bytes.
const STEP: u64 = 64 << 10;

/// Tags that are versions, each with its repository.
pub(super) struct Versions<'a> {
    held: HeldBudget<'a>,
    budget: &'a Budget,
    repositories: Vec<Repository>,
    /// For each tag a byte with the index of its repository, followed by the tag.
    text: Vec<u8>,
    /// The end of each of them in `text`.
    ends: Vec<u32>,
    /// How many were left out because there was no memory.
    left_out: usize,
    /// The newest version that was left out. Versions that are not newer are left out too.
    bound: Option<Version>,
}

impl<'a> Versions<'a> {
    /// No versions yet. Their memory is taken from the budget, of which one page is left for the registry client.
    pub(super) fn new(budget: &'a Budget) -> Result<Self, OverBudget> {
        let held = budget.hold(STEP)?;
        let (repositories, text, ends) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { held, budget, repositories, text, ends, left_out: 0, bound: None })
    }

    /// Starts the tags of a repository. At most 256 repositories fit; even two for charts of one name are rare.
    pub(super) fn begin(&mut self, repository: &Repository) {
        self.repositories.push(repository.clone());
    }

    /// Removes the tags of the repository that was started last, because its list could not be read.
    pub(super) fn give_up(&mut self) {
        self.repositories.pop();
        let count = self.repositories.len();
        while self.get(self.ends.len().wrapping_sub(1)).is_some_and(|(repository, _)| repository >= count) {
            self.ends.pop();
        }
        self.text.truncate(self.ends.last().map_or(0, |end| *end as usize));
    }

    /// Adds a tag of that repository. If there is no memory for it, the older half of all tags is dropped.
    pub(super) fn take(&mut self, tag: &Tag) {
        let Ok(version) = version(tag.as_str()) else { return };
        let Some(number) = self.repositories.len().checked_sub(1) else { return };
        if self.bound.as_ref().is_some_and(|bound| version.precedence(bound).is_le()) {
            self.left_out += 1;
            return;
        }
        // Including its place in the order, which is computed at the end.
        let size = (self.text.len() + tag.as_str().len() + 1 + (self.ends.len() + 1) * 8) as u64;
        if size > self.held.bytes() {
            let is_room = self.budget.left() >= MAX_PAGE + STEP && self.held.grow(STEP).is_ok();
            if !is_room {
                self.leave_out_the_oldest();
            }
        }
        self.text.push(u8::try_from(number).unwrap_or(u8::MAX));
        self.text.extend_from_slice(tag.as_str().as_bytes());
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// The index of a tag's repository, and the tag.
    fn get(&self, index: usize) -> Option<(usize, &str)> {
        let end = *self.ends.get(index)? as usize;
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        let (number, tag) = self.text.get(start..end)?.split_first()?;
        Some((usize::from(*number), std::str::from_utf8(tag).ok()?))
    }

    fn tag(&self, index: u32) -> &str {
        self.get(index as usize).map_or("", |(_, tag)| tag)
    }

    fn leave_out_the_oldest(&mut self) {
        let mut order: Vec<u32> = (0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX)).collect();
        let half = order.len() / 2;
        if half == 0 {
            return;
        }
        let (_, newest, _) =
            order.select_nth_unstable_by(half, |a, b| newest_first(self.tag(*a), self.tag(*b)));
        self.bound = version(self.tag(*newest)).ok();
        order.truncate(half);
        order.sort_unstable();
        let (mut length, mut kept) = (0, 0);
        for index in order {
            let index = index as usize;
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
            let end = self.ends[index] as usize;
            // Kept tags move to the front. Each is moved before its bytes are overwritten.
            self.text.copy_within(start..end, length);
            length += end - start;
            self.ends[kept] = u32::try_from(length).unwrap_or(u32::MAX);
            kept += 1;
        }
        self.left_out += self.ends.len() - kept;
        self.ends.truncate(kept);
        self.text.truncate(length);
    }

    /// How many were left out.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// How many versions are stored.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All versions, each once, ordered by their text: the repository, the tag and the version. If two repositories
    /// have the same version, the one that was started first provides it.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&Repository, &str, String)> {
        let mut order: Vec<u32> = (0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by(|a, b| by_text(self.tag(*a), self.tag(*b)).then(a.cmp(b)));
        order.dedup_by(|b, a| self.tag(*a) == self.tag(*b));
        order.into_iter().filter_map(|index| {
            let (repository, tag) = self.get(index as usize)?;
            Some((self.repositories.get(repository)?, tag, tag.replace('_', "+")))
        })
    }
}

fn version(tag: &str) -> Result<Version, crate::version::VersionError> {
    Version::parse_strict(&tag.replace('_', "+"))
}

fn newest_first(a: &str, b: &str) -> Ordering {
    match (version(a), version(b)) {
        (Ok(a), Ok(b)) => b.precedence(&a),
        // Only versions are stored.
        _ => Ordering::Equal,
    }
}

/// Orders tags like the versions that they stand for.
fn by_text(a: &str, b: &str) -> Ordering {
    let plus = |byte: u8| if byte == b'_' { b'+' } else { byte };
    a.bytes().map(plus).cmp(b.bytes().map(plus))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(versions: &mut Versions<'_>, repository: &str, tags: &[&str]) {
        versions.begin(&repository.parse().unwrap());
        tags.iter().for_each(|tag| versions.take(&tag.parse().unwrap()));
    }

    fn shown(versions: &Versions<'_>) -> Vec<String> {
        let shown =
            |(repository, tag, version): (&Repository, &str, String)| format!("{repository}:{tag} {version}");
        versions.in_order().map(shown).collect()
    }

    #[test]
    fn versions_come_once_and_in_the_order_of_their_text() {
        let budget = Budget::default();
        let mut versions = Versions::new(&budget).unwrap();
        take(&mut versions, "a", &["2.0.0", "1.0.0_x", "latest", "1.0.0-x", "v3.0.0", "2.0.0", "10.0.0"]);
        take(&mut versions, "broken", &["9.0.0", "8.0.0"]);
        versions.give_up();
        take(&mut versions, "b", &["2.0.0", "1.0.0"]);
        let expected =
            ["b:1.0.0 1.0.0", "a:1.0.0_x 1.0.0+x", "a:1.0.0-x 1.0.0-x", "a:10.0.0 10.0.0", "a:2.0.0 2.0.0"];
        assert_eq!(shown(&versions), expected);
        drop(versions);
        assert_eq!(budget.left(), crate::limits::HELD);
    }

    #[test]
    fn where_there_is_no_room_the_newest_stay() {
        let budget = Budget::new(MAX_PAGE + 2 * STEP);
        let mut versions = Versions::new(&budget).unwrap();
        versions.begin(&"a".parse().unwrap());
        // In a mixed order: 7919 and 20,000 have no common factor.
        let tags = (0..20_000_u64).map(|n| format!("1.{}.0", n * 7919 % 20_000));
        tags.for_each(|tag| versions.take(&tag.parse().unwrap()));
        assert!(versions.left_out() > 0 && versions.held.bytes() <= 2 * STEP);
        assert_eq!(versions.left_out() + versions.len(), 20_000);
        let mut minors: Vec<u64> =
            versions.in_order().map(|(_, tag, _)| tag.split('.').nth(1).unwrap().parse().unwrap()).collect();
        minors.sort_unstable();
        let newest: Vec<u64> = (20_000 - minors.len() as u64..20_000).collect();
        assert_eq!(minors, newest);
    }
}
