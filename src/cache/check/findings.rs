//! The result of checking the whole cache, and the kinds of faults.

use std::path::PathBuf;

use crate::cache::entry::CacheEntry;
use crate::cache::error::CacheError;
use crate::digest::Digest;
use crate::disk::Foreign;
use crate::reference::Reference;

/// The result of checking the cache.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many references were checked.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// The size of these blobs in bytes.
    pub size: u64,
    /// The charts in which no fault was found, with their references.
    pub sound: Vec<Sound>,
    /// The faults that were found.
    pub problems: Vec<CacheProblem>,
    /// The references that were asked for and have no entry, and why.
    pub absent: Vec<(Reference, CacheError)>,
}

/// A chart without a fault, and all checked references that stand for it.
#[derive(Debug)]
pub struct Sound {
    /// The chart.
    pub entry: CacheEntry,
    /// The references, at least one.
    pub references: Vec<Reference>,
}

/// A fault, and the references that it affects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheProblem {
    /// The fault.
    pub fault: CacheFault,
    /// The references that cannot be used, or not fully, because of the fault.
    pub references: Vec<Reference>,
}

/// A fault in the cache. Paths are relative to the cache's root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CacheFault {
    /// An entry cannot be read. Holds the reason.
    #[error("the entry is broken: {0}")]
    Entry(String),
    /// A link names a blob or a chart, but does not lead to it: programs that follow it get to another place, or
    /// nowhere. Holds its name.
    #[error("its link `{0}` does not lead into this cache")]
    Link(String),
    /// The file that stands for a chart's name and version is missing or damaged. Holds its path.
    #[error("{} is missing or damaged", .0.display())]
    Properties(PathBuf),
    /// A blob that an entry needs is missing.
    #[error("blob {0} is missing")]
    Missing(Digest),
    /// A blob does not have the digest that its name says.
    #[error("blob {0} is damaged")]
    Damaged(Digest),
    /// The parts of an entry are whole, but not of the same chart. Holds what differs.
    #[error("{0}")]
    Disagreement(String),
    /// In this place is something that the cache does not make.
    #[error("{}: {foreign}", path.display())]
    Foreign {
        /// The path of the place.
        path: PathBuf,
        /// What is there, and what belongs there.
        foreign: Foreign,
    },
    /// A place cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The path of the place.
        path: PathBuf,
        /// The error of the system.
        reason: String,
    },
    /// A blob or a chart file that no reference needs. Holds its path.
    #[error("{}: no reference needs it", .0.display())]
    Orphan(PathBuf),
    /// A file or directory that a killed command has left behind. Holds its path.
    #[error("{}: left behind by a command that was interrupted", .0.display())]
    LeftOver(PathBuf),
}

impl CacheFault {
    /// Whether the fault only takes room on the disk, and affects no reference.
    pub fn is_litter(&self) -> bool {
        matches!(self, Self::Orphan(_) | Self::LeftOver(_))
    }

    /// Whether the fault is that a place in the cache cannot be read or holds something else, and not that its content
    /// is wrong.
    pub fn is_of_a_place(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Unreadable { .. })
    }
}
