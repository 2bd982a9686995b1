//! Decides which charts of a layout have to wait for each other.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::digest::Digest;
use crate::reference::Reference;
use crate::threads::locked;

/// The order for charts that get the same reference or have the same manifest: they are loaded as they are given. With
/// the same reference the first one wins; with the same manifest, an index of referrers must have only one writer at a
/// time.
#[derive(Debug)]
pub struct LoadTurns {
    /// For each chart, the last ones before it with the same reference or manifest.
    after: Vec<Vec<usize>>,
    done: Mutex<HashSet<usize>>,
    changed: Condvar,
}

/// The turn of one chart. It ends when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct LoadTurn<'a> {
    turns: &'a LoadTurns,
    number: usize,
}

impl LoadTurns {
    /// `charts` are the reference of each, if it is known, and the digest of its manifest. They must be started in this
    /// order.
    pub fn new<'a>(charts: impl Iterator<Item = (Option<&'a Reference>, &'a Digest)>) -> Self {
        let (mut names, mut digests) = (HashMap::new(), HashMap::new());
        let after = charts.enumerate().map(|(number, (name, digest))| {
            let by_name = name.and_then(|name| last(&mut names, name, number));
            by_name.into_iter().chain(last(&mut digests, digest, number)).collect()
        });
        Self { after: after.collect(), done: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits for the turn of the chart with this number.
    pub fn wait(&self, number: usize) -> LoadTurn<'_> {
        let before = self.after.get(number).map(Vec::as_slice).unwrap_or_default();
        let mut done = locked(&self.done);
        while before.iter().any(|other| !done.contains(other)) {
            done = self.changed.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
        LoadTurn { turns: self, number }
    }
}

fn last<K: Eq + Hash>(known: &mut HashMap<K, usize>, key: K, number: usize) -> Option<usize> {
    known.insert(key, number)
}

impl Drop for LoadTurn<'_> {
    fn drop(&mut self) {
        locked(&self.turns.done).insert(self.number);
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::threads::in_parallel;

    #[test]
    fn one_name_and_one_manifest_are_one_after_the_other_and_all_else_at_once() {
        let reference = |text: &str| text.parse::<Reference>().unwrap();
        let digest = |text: &str| Digest::of(text.as_bytes());
        let charts =
            [("a.b/c:1", "x"), ("a.b/c:1", "y"), ("a.b/c:2", "z"), ("a.b/c:3", "x"), ("a.b/c:1", "x")];
        let charts = charts.map(|(name, content)| (reference(name), digest(content)));
        let turns = LoadTurns::new(charts.iter().map(|(name, digest)| (Some(name), digest)));
        assert_eq!(turns.after, [vec![], vec![0], vec![], vec![0], vec![1, 3]]);
        let order = Mutex::new(Vec::new());
        in_parallel(
            &[0, 1, 2, 3, 4],
            5,
            |number| {
                let _turn = turns.wait(*number);
                // The first ones take longest.
                std::thread::sleep(Duration::from_millis(30 - 5 * *number as u64));
                locked(&order).push(*number);
            },
            |()| {},
        );
        let order = order.into_inner().unwrap();
        let place = |number| order.iter().position(|other| *other == number).unwrap();
        assert!(
            place(0) < place(1) && place(1) < place(4) && place(0) < place(3) && place(3) < place(4),
            "{order:?}"
        );
    }
}
