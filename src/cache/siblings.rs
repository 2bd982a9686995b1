//! Entries of one repository: versions of a chart, which often have content in common.

use std::fs;

use super::{Cache, Entry, layout, lock};
use crate::reference::Reference;

/// How many names of a directory are looked at, two for each tag: more would make a command slower the more there are.
const NAMES: usize = 256;
/// How many entries are read.
const ENTRIES: usize = 8;

impl Cache {
    /// Some entries of the repository that `reference` names: its own first, then the newest others. It is a look, not
    /// a search: there may be more, and one that cannot be read is left out.
    pub fn siblings(&self, reference: &Reference) -> Vec<Entry> {
        let Ok(_lock) = lock::read(&self.root) else { return Vec::new() };
        let own = layout::entry(reference);
        let mut others = Vec::new();
        for directory in layout::entries(reference) {
            let Ok(children) = fs::read_dir(self.root.join(&directory)) else { continue };
            for child in children.take(NAMES).flatten() {
                let path = directory.join(child.file_name());
                if layout::reference(&path).is_none() || own.as_ref() == Some(&path) {
                    continue;
                }
                // Of the link: it is written with each entry.
                let Ok(written) = child.metadata().and_then(|m| m.modified()) else { continue };
                others.push((written, path));
            }
        }
        others.sort_by(|(a, _), (b, _)| b.cmp(a));
        let newest = others.iter().map(|(_, path)| path).take(ENTRIES);
        own.iter().chain(newest).filter_map(|path| Some(self.read_entry(path).ok()??.0)).collect()
    }
}
