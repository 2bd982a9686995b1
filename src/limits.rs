//! How much of what strangers send is kept in memory at once, and how large each kind of document may be.
//!
//! A command holds at most [`MEMORY`] bytes, whatever a package, a registry or a cache sends it. Buffers, threads and the
//! program itself take about half of that; the other half is [`HELD`], and one [`Budget`] of it is shared by all documents
//! that a command reads. The limits for single documents below it are there for clear errors: each says which document is
//! too large before the budget has to.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most memory that any command needs, in bytes: what README promises, and what `ulimit -d 32768` allows.
pub const MEMORY: u64 = 32 << 20;

/// The part of [`MEMORY`] that is there for what strangers send, in bytes.
pub const HELD: u64 = 16 << 20;

/// The most memory that the embedded registry needs, in bytes, however many clients it has and whatever they send. Its places
/// for connections take most of it, each with its buffers.
pub const SERVER_MEMORY: u64 = 128 << 20;

/// The part of [`SERVER_MEMORY`] that is there for documents and lists, in bytes: those that the registry is at work on, and
/// those that clients have not taken yet.
pub const SERVER_HELD: u64 = 24 << 20;

/// The largest manifest or index, in bytes: registries must take 4 MiB (distribution spec, "Pushing manifests").
pub const MAX_MANIFEST: u64 = 4 << 20;

/// The largest config, in bytes. It is a chart's metadata: the largest of 282 real charts has 12 KiB.
pub const MAX_CONFIG: u64 = 1 << 20;

/// The largest provenance file, in bytes: Chart.yaml, one digest and a signature.
pub const MAX_PROVENANCE: u64 = 1 << 20;

/// The largest chart package, in bytes, compressed and decompressed: Helm's MaxDecompressedChartSize (3.17.3 and later,
/// pkg/chart/loader/archive.go).
pub const MAX_CHART: u64 = 100 << 20;

/// The largest file of a chart, in bytes: Helm's MaxDecompressedFileSize (3.17.3 and later, pkg/chart/loader/archive.go).
pub const MAX_FILE: u64 = 5 << 20;

/// The largest Chart.yaml, requirements.yaml or lock of them, in bytes. Helm reads as much as of any file; the largest of
/// 282 real charts has a few KiB.
pub const MAX_METADATA: u64 = 1 << 20;

/// The largest values.yaml, in bytes. The largest of 282 real charts has 63 KiB.
pub const MAX_VALUES: u64 = 2 << 20;

/// The largest .helmignore, in bytes. The largest of 282 real charts has 2 KiB.
pub const MAX_IGNORE: u64 = 1 << 20;

/// The most steps that all files of a chart may take to be compared with the rules of its .helmignore: bytes, characters and
/// ranges of a pattern that are looked at. 282 real charts take at most a few thousand; a second does for all of these.
pub const MAX_IGNORE_STEPS: u64 = 100_000_000;

/// The largest page of a registry's listing, in bytes. A thousand entries of the greatest length are a quarter of this.
pub const MAX_PAGE: u64 = 4 << 20;

/// The largest answer of a token service, in bytes.
pub const MAX_TOKEN: u64 = 128 << 10;

/// How many manifests may be attached to a chart, with those that are attached to them in turn.
pub const MAX_ATTACHED: usize = 1000;

/// How many blobs these may have together.
pub const MAX_ATTACHED_BLOBS: usize = 4000;

/// How deep attachments of attachments may go: an SBOM is one level, its signature is two.
pub const MAX_ATTACHED_DEPTH: usize = 8;

/// The largest blob of an attached manifest, in bytes. SBOMs are the largest of those that are usual, some with 100 MiB.
pub const MAX_ATTACHED_BLOB: u64 = 1 << 30;

/// The most of a bundle that waits on the disk until it is needed, in bytes: where it comes by a pipe, or compressed, and not in
/// the order in which it is needed. Our own bundles let a few manifests wait.
pub const MAX_SPOOLED: u64 = 8 << 30;

/// The largest part of an error's body that is read, in bytes.
pub const MAX_ERROR: u64 = 64 << 10;

/// What was asked for would be more than may be held at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it takes more memory than a command may hold, which is {} MiB", MEMORY >> 20)]
pub struct OverBudget;

/// How many bytes a command may still hold of what strangers send.
///
/// Every reader takes from the command's one budget before it builds something, as much as the result will take up in memory
/// (expanded, not as it was announced), and gives it back when that is dropped. Several threads may share it.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU64,
}

impl Default for Budget {
    /// The budget of a command, of [`HELD`] bytes.
    fn default() -> Self {
        Self::new(HELD)
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self { left: AtomicU64::new(bytes) }
    }

    /// How many bytes are left.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes so many bytes until the returned value is dropped. Where fewer are left, nothing is taken.
    pub fn hold(&self, bytes: u64) -> Result<HeldBudget<'_>, OverBudget> {
        let mut held = HeldBudget { budget: self, bytes: 0 };
        held.grow(bytes)?;
        Ok(held)
    }
}

/// A part of a [`Budget`] that is in use. It goes back when this is dropped.
#[derive(Debug)]
#[must_use = "the bytes go back to the budget when this is dropped"]
pub struct HeldBudget<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl HeldBudget<'_> {
    /// How many bytes it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes so many bytes more. Where fewer are left, nothing is taken.
    pub fn grow(&mut self, bytes: u64) -> Result<(), OverBudget> {
        let left = &self.budget.left;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .map_err(|_| OverBudget)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Takes over what another one holds of the same budget.
    pub fn merge(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Gives so many bytes back, or all that it is if that is less.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for HeldBudget<'_> {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_taken_once_and_goes_back() {
        let budget = Budget::new(10);
        let mut held = budget.hold(4).unwrap();
        assert_eq!(budget.hold(7).map(|held| held.bytes()), Err(OverBudget));
        held.grow(6).unwrap();
        assert_eq!((held.grow(1), budget.left()), (Err(OverBudget), 0));
        held.shrink(3);
        assert_eq!((held.bytes(), budget.left()), (7, 3));
        let mut all = budget.hold(1).unwrap();
        all.merge(held);
        assert_eq!((all.bytes(), budget.left()), (8, 2));
        drop(all);
        assert_eq!(budget.left(), 10);
    }
}
