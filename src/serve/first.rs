//! Finds the first of many names in some order, without keeping all of them in memory.

use std::cmp::Ordering;

/// The first entries of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FirstPage<T> {
    /// The entries, in order.
    pub(super) entries: Vec<T>,
    /// Whether there are further entries.
    pub(super) is_more: bool,
}

/// Takes names in any order, and keeps the first `limit`. Up to twice as many are in memory.
pub(super) struct First<F> {
    order: F,
    limit: usize,
    names: Vec<Box<str>>,
    /// Whether some names were dropped.
    is_more: bool,
    /// Names from this one on are not among the first.
    bound: Option<Box<str>>,
}

impl<F: Fn(&str, &str) -> Ordering> First<F> {
    /// Nothing taken so far.
    pub(super) fn new(limit: usize, order: F) -> Self {
        Self { order, limit, names: Vec::new(), is_more: false, bound: None }
    }

    /// Takes a name.
    pub(super) fn take(&mut self, name: &str) {
        if self.limit == 0 || self.bound.as_ref().is_some_and(|bound| (self.order)(name, bound).is_ge()) {
            self.is_more = true;
            return;
        }
        self.names.push(name.into());
        if self.names.len() >= 2 * self.limit {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.names.len() > self.limit {
            let order = &self.order;
            let (_, last, _) = self.names.select_nth_unstable_by(self.limit - 1, |a, b| order(a, b));
            self.bound = Some(last.clone());
            self.names.truncate(self.limit);
            self.is_more = true;
        }
    }

    /// The first names, in order.
    pub(super) fn finish(mut self) -> FirstPage<Box<str>> {
        self.cut();
        self.names.sort_unstable_by(|a, b| (self.order)(a, b));
        FirstPage { entries: self.names, is_more: self.is_more }
    }
}

/// How many bytes of memory it takes to find this many names of up to `longest` bytes, with those that are kept in
/// between and the overhead of the allocator.
pub(super) fn memory(limit: usize, longest: usize) -> u64 {
    2 * (limit * (longest + 48)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_of_any_number_in_any_order() {
        for count in [0, 1, 6, 7, 8, 13, 14, 15, 100, 1000] {
            let mut first = First::new(7, |a: &str, b: &str| a.cmp(b));
            let mut names: Vec<_> = (0..count).map(|n| format!("{:04}", n * 7919 % 1009)).collect();
            names.iter().for_each(|name| first.take(name));
            assert!(first.names.capacity() <= 16);
            names.sort();
            let FirstPage { entries: found, is_more } = first.finish();
            assert_eq!(is_more, count > 7, "{count}");
            assert!(found.iter().map(AsRef::as_ref).eq(names.iter().take(7)), "{count}: {found:?}");
        }
        let mut none = First::new(0, |a: &str, b: &str| a.cmp(b));
        none.take("a");
        assert_eq!(none.finish(), FirstPage { entries: Vec::new(), is_more: true });
    }
}
