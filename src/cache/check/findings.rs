//! What a look at the whole cache has found, and the look itself.

use std::path::PathBuf;

use crate::cache::entry::CacheEntry;
use crate::cache::error::CacheError;
use crate::digest::Digest;
use crate::disk::Foreign;
use crate::reference::Reference;

/// What a look has found.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many references there are.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes they have.
    pub size: u64,
    /// What can be used as far as this look can tell.
    pub sound: Vec<Sound>,
    /// What is wrong.
    pub problems: Vec<CacheProblem>,
    /// The references that were asked for and stand for nothing, and why.
    pub absent: Vec<(Reference, CacheError)>,
}

/// A chart, and all references that stand for it.
#[derive(Debug)]
pub struct Sound {
    /// What they stand for.
    pub entry: CacheEntry,
    /// At least one.
    pub references: Vec<Reference>,
}

/// One thing that is wrong, and with which references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheProblem {
    /// What.
    pub fault: CacheFault,
    /// The references that cannot be used, or not fully, because of it.
    pub references: Vec<Reference>,
}

/// What may be wrong. Paths are below the cache's root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CacheFault {
    /// An entry that cannot be read.
    #[error("the entry is broken: {0}")]
    Entry(String),
    /// A link that says what is meant, and does not lead there: others who follow it do not end where they should.
    #[error("its link `{0}` does not lead into this cache")]
    Link(String),
    /// The path that stands for name and version.
    #[error("{} is missing or damaged", .0.display())]
    Properties(PathBuf),
    /// A blob that is not there.
    #[error("blob {0} is missing")]
    Missing(Digest),
    /// A blob that is not what its name says.
    #[error("blob {0} is damaged")]
    Damaged(Digest),
    /// Parts that are whole, and not of one chart.
    #[error("{0}")]
    Disagreement(String),
    /// Something else than the cache makes in this place.
    #[error("{}: {foreign}", path.display())]
    Foreign {
        /// Where it is.
        path: PathBuf,
        /// What it is.
        foreign: Foreign,
    },
    /// A directory that cannot be read, and why.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// What no reference needs.
    #[error("{}: no reference needs it", .0.display())]
    Orphan(PathBuf),
    /// What a command that was killed has left.
    #[error("{}: left behind by a command that was interrupted", .0.display())]
    LeftOver(PathBuf),
}

impl CacheFault {
    /// Whether it only takes room. Nothing that anybody has asked for is touched by it.
    pub fn is_litter(&self) -> bool {
        matches!(self, Self::Orphan(_) | Self::LeftOver(_))
    }

    /// Whether it is about a place of the cache that cannot be looked into, and not about its contents.
    pub fn is_of_a_place(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Unreadable { .. })
    }
}
