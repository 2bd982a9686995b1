//! All entries, one after the other: for `list`. A cache may have any number, so that only their references are kept.

use std::vec;

use super::{Blobs, Cache, CacheError, Stored, layout, lock};
use crate::reference::Reference;
use crate::threads::on_all_cores;

/// So many are read at once, by all processors.
const AT_ONCE: usize = 512;

/// One line of a listing: an entry, or what is wrong with it.
#[derive(Debug)]
pub struct Listed {
    /// What it is called.
    pub reference: Reference,
    /// The entry and the size of its content, or why it cannot be used.
    pub found: Result<(Stored, u64), CacheError>,
}

/// All entries, sorted by reference. One that is broken is listed as such.
#[derive(Debug)]
pub struct Listing<'a> {
    cache: &'a Cache,
    references: vec::IntoIter<Box<str>>,
    read: vec::IntoIter<Listed>,
}

impl<'a> Listing<'a> {
    /// What there is now. What goes before it is read is not listed.
    pub(super) fn of(cache: &'a Cache) -> Result<Self, CacheError> {
        let mut references = Vec::new();
        cache.each_reference(&mut |reference| references.push(reference.to_string().into_boxed_str()))?;
        references.sort_unstable();
        Ok(Self { cache, references: references.into_iter(), read: Vec::new().into_iter() })
    }

    fn read(&mut self) -> Result<(), CacheError> {
        while self.read.len() == 0 && self.references.len() > 0 {
            let references: Vec<_> = self.references.by_ref().take(AT_ONCE).collect();
            // Not for longer: whoever reads the listing may take any time.
            let _lock = lock::read(&self.cache.root)?;
            let blobs = Blobs::open(&self.cache.root)?;
            let found = on_all_cores(&references, |reference| self.cache.listed(reference, &blobs));
            self.read = found.into_iter().flatten().collect::<Vec<_>>().into_iter();
        }
        Ok(())
    }
}

impl Iterator for Listing<'_> {
    type Item = Result<Listed, CacheError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(()) => self.read.next().map(Ok),
            Err(error) => {
                self.references = Vec::new().into_iter();
                Some(Err(error))
            }
        }
    }
}

impl Cache {
    fn listed(&self, reference: &str, blobs: &Blobs) -> Option<Listed> {
        let reference: Reference = reference.parse().ok()?;
        let path = layout::entry(&reference)?;
        let found = self.read_entry(&path).transpose()?;
        let found = found.and_then(|(entry, created)| {
            let size = blobs.size(&entry.content)?;
            let others = entry.blobs().filter(|digest| **digest != entry.content);
            others.map(|digest| blobs.size(digest)).try_for_each(|size| size.map(drop))?;
            Ok((Stored { reference: reference.clone(), entry, created }, size))
        });
        Some(Listed { reference, found })
    }
}
