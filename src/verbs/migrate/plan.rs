//! From an index to tasks: one for each tag at the destination.

use std::collections::{HashMap, HashSet};

use super::select::{MigrationSelection, Renames};
use crate::chart_index::{IndexEntry, IndexItem, InvalidEntry};
use crate::digest::Digest;
use crate::limits::{Budget, HeldBudget, OverBudget};
use crate::reference::{Prefix, Reference, ReferenceError, Tag};

/// One way in which the index lists a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The digest of the package, if the index has it.
    pub digest: Option<Digest>,
    /// Where it is.
    pub urls: Box<[Box<str>]>,
}

/// A version of a chart, from where to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationTask {
    /// The key in the index.
    pub chart: Box<str>,
    /// The version as the index has it.
    pub version: Box<str>,
    /// The ways in which it is listed, in the index's order. Most are listed once.
    pub candidates: Vec<Candidate>,
    /// Other versions that would have the same tag, and are left out.
    pub shadowed: Vec<Box<str>>,
}

/// What there is to do.
#[derive(Debug)]
pub struct MigrationPlan<'a> {
    /// In the index's order.
    pub tasks: Vec<MigrationTask>,
    /// Entries that name nothing which could be fetched.
    pub invalid: Vec<InvalidEntry>,
    /// How many charts and versions the index has, selected or not.
    pub listed: (usize, usize),
    _held: HeldBudget<'a>,
}

/// Makes a plan of what an index has.
pub struct Planner<'a> {
    selection: &'a MigrationSelection,
    /// What URLs begin with, and what they are to begin with.
    replaced: &'a [(String, String)],
    tasks: Vec<MigrationTask>,
    invalid: Vec<InvalidEntry>,
    /// The place of a task by its chart and tag.
    places: HashMap<(Box<str>, Box<str>), usize>,
    charts: HashSet<Box<str>>,
    versions: usize,
    held: HeldBudget<'a>,
}

/// The most entries that are told to be invalid: beyond, it is another kind of document.
const MAX_INVALID: usize = 10_000;

impl<'a> Planner<'a> {
    /// Begins with nothing. What it holds is taken from the budget.
    pub fn new(
        selection: &'a MigrationSelection,
        replaced: &'a [(String, String)],
        budget: &'a Budget,
    ) -> Result<Self, OverBudget> {
        Ok(Self {
            selection,
            replaced,
            tasks: Vec::new(),
            invalid: Vec::new(),
            places: HashMap::new(),
            charts: HashSet::new(),
            versions: 0,
            held: budget.hold(0)?,
        })
    }

    /// Takes what an index has next.
    pub fn take(&mut self, item: IndexItem) -> Result<(), OverBudget> {
        match item {
            IndexItem::Entry(entry) => self.entry(entry),
            IndexItem::Invalid(invalid) if self.invalid.len() < MAX_INVALID => {
                self.held.grow((invalid.chart.len() + invalid.why.len()) as u64 + 96)?;
                self.invalid.push(invalid);
                Ok(())
            }
            IndexItem::Invalid(_) => Ok(()),
            IndexItem::Again => {
                self.tasks.clear();
                self.invalid.clear();
                self.places.clear();
                self.charts.clear();
                self.versions = 0;
                self.held.shrink(u64::MAX);
                Ok(())
            }
        }
    }

    fn entry(&mut self, entry: IndexEntry) -> Result<(), OverBudget> {
        self.versions += 1;
        if !self.charts.contains(entry.chart.as_str()) {
            self.held.grow(entry.chart.len() as u64 + 64)?;
            self.charts.insert(entry.chart.as_str().into());
        }
        if !self.selection.has(&entry) {
            return Ok(());
        }
        let IndexEntry { chart, version, digest, urls, .. } = entry;
        let urls: Vec<Box<str>> = urls.into_iter().map(|url| self.replace(url)).collect();
        let size = 2 * (chart.len() + version.len()) + urls.iter().map(|url| url.len() + 32).sum::<usize>();
        self.held.grow(size as u64 + 384)?;
        let candidate = Candidate { digest, urls: urls.into() };
        let (chart, version): (Box<str>, Box<str>) = (chart.into(), version.into());
        let key = (chart.clone(), version.replace('+', "_").into());
        let task = match self.places.get(&key) {
            None => {
                self.places.insert(key, self.tasks.len());
                self.tasks.push(MigrationTask {
                    chart,
                    version,
                    candidates: vec![candidate],
                    shadowed: Vec::new(),
                });
                return Ok(());
            }
            Some(place) => &mut self.tasks[*place],
        };
        if task.version != version {
            if !task.shadowed.contains(&version) {
                task.shadowed.push(version);
            }
        } else if let Some(known) = task.candidates.iter_mut().find(|known| known.digest == candidate.digest)
        {
            let new = candidate.urls.into_iter().filter(|url| !known.urls.contains(url)).collect::<Vec<_>>();
            known.urls = known.urls.iter().cloned().chain(new).collect();
        } else {
            task.candidates.push(candidate);
        }
        Ok(())
    }

    fn replace(&self, url: String) -> Box<str> {
        let found = self
            .replaced
            .iter()
            .find_map(|(old, new)| Some(format!("{new}{}", url.strip_prefix(old.as_str())?)));
        found.unwrap_or(url).into()
    }

    /// What there is to do.
    pub fn finish(mut self) -> MigrationPlan<'a> {
        if self.selection.latest.is_some() {
            let mut by_chart = HashMap::<Box<str>, Vec<usize>>::new();
            for (place, task) in self.tasks.iter().enumerate() {
                by_chart.entry(task.chart.clone()).or_default().push(place);
            }
            let mut kept = vec![true; self.tasks.len()];
            for places in by_chart.values() {
                let versions: Vec<_> = places.iter().map(|place| &*self.tasks[*place].version).collect();
                for (place, keep) in places.iter().zip(self.selection.newest(&versions)) {
                    kept[*place] = keep;
                }
            }
            let mut kept = kept.into_iter();
            self.tasks.retain(|_| kept.next().unwrap_or(true));
        }
        self.tasks.shrink_to_fit();
        let listed = (self.charts.len(), self.versions);
        MigrationPlan { tasks: self.tasks, invalid: self.invalid, listed, _held: self.held }
    }
}

impl MigrationTask {
    /// What it becomes below a prefix.
    pub fn to(&self, prefix: &Prefix, renames: &Renames) -> Result<Reference, ReferenceError> {
        Ok(prefix.with_name(renames.of(&self.chart))?.with_tag(Tag::of_version(&self.version)?))
    }

    /// The only digest that the index has for it, if it has one and no other.
    pub fn digest(&self) -> Option<&Digest> {
        match self.candidates.as_slice() {
            [Candidate { digest, .. }] => digest.as_ref(),
            _ => None,
        }
    }

    /// All digests that the index has for it.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.candidates.iter().filter_map(|candidate| candidate.digest.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(chart: &str, version: &str, digest: &[u8], url: &str) -> IndexItem {
        IndexItem::Entry(IndexEntry {
            chart: chart.to_owned(),
            name: chart.to_owned(),
            version: version.to_owned(),
            app_version: String::new(),
            digest: Some(Digest::of(digest)),
            urls: vec![url.to_owned()],
            created: String::new(),
            deprecated: false,
            removed: false,
            line: 1,
        })
    }

    #[test]
    fn what_has_one_tag_is_one_task() {
        let (selection, budget) = (MigrationSelection::default(), Budget::default());
        let replaced = [("http://old/".to_owned(), "https://new/".to_owned())];
        let mut planner = Planner::new(&selection, &replaced, &budget).unwrap();
        for item in [
            entry("a", "9.9.9", b"0", "0"),
            IndexItem::Again,
            entry("a", "1.0.0+x", b"1", "http://old/1"),
            entry("a", "1.0.0+x", b"2", "http://old/1"),
            entry("a", "1.0.0+x", b"1", "2"),
            entry("a", "1.0.0_x", b"3", "3"),
            entry("b", "1.0.0+x", b"1", "1"),
        ] {
            planner.take(item).unwrap();
        }
        let plan = planner.finish();
        assert_eq!((plan.tasks.len(), plan.listed), (2, (2, 5)));
        let task = &plan.tasks[0];
        let urls = |place: usize| task.candidates[place].urls.join(" ");
        assert_eq!(
            (urls(0), urls(1), task.candidates.len()),
            ("https://new/1 2".into(), "https://new/1".into(), 2)
        );
        assert_eq!((task.digest(), &*task.shadowed[0]), (None, "1.0.0_x"));
        assert_eq!(plan.tasks[1].digest(), Some(&Digest::of(b"1")));
        let prefix: Prefix = "oci://r.example/x".parse().unwrap();
        let to = task.to(&prefix, &Renames([("a".to_owned(), "c/d".to_owned())].into())).unwrap();
        assert_eq!(to.to_string(), "r.example/x/c/d:1.0.0_x");
        drop(plan);
        assert_eq!(budget.left(), Budget::default().left());
    }
}
