//! How much memory a command may take, how much of it is for what others send, and how large each kind of document may be.
//!
//! A command needs at most [`MEMORY`] bytes of memory, even if a package, a registry or a cache sends it more. Buffers,
//! threads and the program itself take about half of that; the other half is [`HELD`]. All documents that a command
//! reads take their memory from one [`Budget`] of that size. The limits for single documents, which follow in this
//! module, serve clear errors: each error says which document is too large, before the budget runs out.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most memory that any command needs, in bytes. README promises it; `ulimit -d 32768` grants it.
pub const MEMORY: u64 = 32 << 20;

/// The part of [`MEMORY`] that is for documents that other parties send, in bytes.
pub const HELD: u64 = 16 << 20;

/// The most memory that the embedded registry needs, in bytes, with any number of clients and anything they send. Most
/// of it goes to the connections, each with its buffers.
pub const SERVER_MEMORY: u64 = 128 << 20;

/// The part of [`SERVER_MEMORY`] that is for documents and lists, in bytes: those that the registry is working on, and
/// answers that clients have not read yet.
pub const SERVER_HELD: u64 = 24 << 20;

/// The largest manifest or index that is read, in bytes. The distribution spec ("Pushing Manifests") has registries
/// take at least 4 MiB.
pub const MAX_MANIFEST: u64 = 4 << 20;

/// The largest config blob that is read, in bytes. A chart's config is its metadata: the largest of 282 real charts has
/// 12 KiB.
pub const MAX_CONFIG: u64 = 1 << 20;

/// The largest provenance file that is read, in bytes. It holds Chart.yaml, one digest and a signature.
pub const MAX_PROVENANCE: u64 = 1 << 20;

/// The largest chart package, in bytes. It limits the compressed size and the decompressed size alike: Helm's
/// MaxDecompressedChartSize (3.17.3 and later, pkg/chart/loader/archive.go).
pub const MAX_CHART: u64 = 100 << 20;

/// The largest file of a chart, in bytes: Helm's MaxDecompressedFileSize (3.17.3 and later, pkg/chart/loader/archive.go).
pub const MAX_FILE: u64 = 5 << 20;

/// The largest Chart.yaml, requirements.yaml, Chart.lock or requirements.lock, in bytes. Helm allows them the size of
/// any file; the largest of 282 real charts has a few KiB.
pub const MAX_METADATA: u64 = 1 << 20;

/// The largest values.yaml, in bytes. The largest of 282 real charts has 63 KiB.
pub const MAX_VALUES: u64 = 2 << 20;

/// The largest .helmignore, in bytes. The largest of 282 real charts has 2 KiB.
pub const MAX_IGNORE: u64 = 1 << 20;

/// The most steps that comparing all files of a chart with its .helmignore may take. A step looks at one byte,
/// character or range of a pattern. 282 real charts take at most a few thousand; this many take about a second.
pub const MAX_IGNORE_STEPS: u64 = 100_000_000;

/// The largest page of a registry's tag or catalog list, in bytes. A thousand entries of the greatest length take a
/// quarter of this.
pub const MAX_PAGE: u64 = 4 << 20;

/// The largest answer of a token service that is read, in bytes.
pub const MAX_TOKEN: u64 = 128 << 10;

/// How many manifests may be attached to a chart, including those that are attached to attached ones.
pub const MAX_ATTACHED: usize = 1000;

/// How many blobs the manifests attached to one chart may have together.
pub const MAX_ATTACHED_BLOBS: usize = 4000;

/// How many levels of attachments a chart may have: an SBOM of the chart is on level one, the signature of that SBOM on
/// level two.
pub const MAX_ATTACHED_DEPTH: usize = 8;

/// The largest blob of an attached manifest, in bytes. SBOMs are the largest that are usual; some have 100 MiB.
pub const MAX_ATTACHED_BLOB: u64 = 1 << 30;

/// How many bytes of a bundle may wait in temporary files until they are needed. That happens when a bundle comes
/// through a pipe or is compressed, and its parts are not in the order in which they are needed. Of our own bundles a
/// few manifests wait.
pub const MAX_SPOOLED: u64 = 8 << 30;

/// How much of the body of an error response is read, in bytes.
pub const MAX_ERROR: u64 = 64 << 10;

/// The error of a [`Budget`] that has fewer bytes left than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it takes more memory than a command may hold, which is {} MiB", MEMORY >> 20)]
pub struct OverBudget;

/// How many bytes of memory a command may still use for documents that other parties send.
///
/// Before a reader builds something, it takes as many bytes from the command's budget as the result will take up in
/// memory (expanded, not the size that was announced). The bytes go back when the [`HeldBudget`] is dropped. Threads
/// may share a budget.
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
    /// Makes a budget of this many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self { left: AtomicU64::new(bytes) }
    }

    /// How many bytes are left.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes this many bytes from the budget until the returned value is dropped. An error if fewer are left; then
    /// nothing is taken.
    pub fn hold(&self, bytes: u64) -> Result<HeldBudget<'_>, OverBudget> {
        let mut held = HeldBudget { budget: self, bytes: 0 };
        held.grow(bytes)?;
        Ok(held)
    }
}

/// Bytes that are taken from a [`Budget`]. Dropping this gives them back.
#[derive(Debug)]
#[must_use = "the bytes go back to the budget when this is dropped"]
pub struct HeldBudget<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl HeldBudget<'_> {
    /// How many bytes are held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes this many more bytes from the budget. An error if fewer are left; then nothing is taken.
    pub fn grow(&mut self, bytes: u64) -> Result<(), OverBudget> {
        let left = &self.budget.left;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .map_err(|_| OverBudget)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Adds the bytes that `other` holds to these. Both must come from the same budget.
    pub fn merge(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Gives this many bytes back to the budget, or all that are held if those are fewer.
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
