//! Checks the cache, and repairs what can be repaired.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::attached::{AttachedError, kept};
use super::layer::Layer;
use super::outcome::{BlobSummary, OnProgress};
use super::pull::{PullError, PullOptions, fetch_attached_again, pull};
use crate::cache::{Cache, CacheEntry, CacheError, CacheFault, CacheProblem, Checked, Sound};
use crate::causes::chain;
use crate::digest::{Digest, HashingReader};
use crate::reference::Reference;
use crate::{chart, registry};

/// The result of a check.
#[derive(Debug)]
pub struct Findings {
    /// How many references were checked.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes these blobs have.
    pub size: u64,
    /// The problems, including those that were repaired.
    pub found: Vec<Finding>,
    /// The references that were asked for and that the cache does not have, with the error of each.
    pub absent: Vec<(Reference, CacheError)>,
}

/// One problem that a check has found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The problem, and the references that it affects.
    pub problem: CacheProblem,
    /// Whether it has been repaired.
    pub repaired: bool,
}

/// Why a check or a repair fails.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// The cache cannot be read.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// Some references cannot be used.
    #[error("{damaged} of {of} references {} damaged", if *damaged == 1 { "is" } else { "are" })]
    References {
        /// The number of damaged references.
        damaged: usize,
        /// The number of references that were checked.
        of: usize,
    },
    /// The cache contains this many places that it has not made or that cannot be read.
    #[error("{} of the cache cannot be used", if *.0 == 1 { "a place".to_owned() } else { format!("{} places", .0) })]
    Places(usize),
    /// This many damaged blobs, which no reference needs. They may be a sign of a failing disk.
    #[error("blobs that no reference needs are damaged: {0}")]
    Blobs(usize),
    /// The chart was never pushed or pulled, so no registry is known to have it.
    #[error("it was never pushed or pulled, so it is nowhere to be had")]
    Nowhere,
    /// The chart could not be pulled again.
    #[error("{0}")]
    Pull(#[from] PullError),
}

impl Findings {
    /// An error if any problem remains that is more than a leftover.
    pub fn verdict(&self) -> Result<(), FsckError> {
        let wrong = || self.found.iter().filter(|f| !f.repaired && !f.problem.fault.is_litter());
        let references: BTreeSet<_> =
            wrong().flat_map(|f| &f.problem.references).map(ToString::to_string).collect();
        let places = wrong().filter(|f| f.problem.fault.is_of_a_place()).count();
        match (references.len(), places, wrong().count()) {
            (0, 0, 0) => Ok(()),
            (0, 0, blobs) => Err(FsckError::Blobs(blobs)),
            (0, places, _) => Err(FsckError::Places(places)),
            (damaged, ..) => Err(FsckError::References { damaged, of: self.references }),
        }
    }

    /// The references that cannot be used because of problems that remain.
    pub fn broken(&self) -> HashSet<&Reference> {
        let wrong = self.found.iter().filter(|f| !f.repaired && !f.problem.fault.is_litter());
        wrong.flat_map(|f| &f.problem.references).collect()
    }
}

/// Checks every reference and every blob, or only the references in `only` and what they need: that links lead where
/// they should, blobs have their digests, and the parts of an entry belong to one chart. What several references share
/// is checked once.
pub fn fsck(cache: &Cache, only: &[Reference]) -> Result<Findings, CacheError> {
    let Checked { references, blobs, size, sound, mut problems, absent } = cache.check(only)?;
    for Sound { entry, references } in sound {
        let still = || references.iter().filter(|reference| stands_for(cache, reference, &entry));
        let fault = match disagreement(cache, &entry) {
            // The reference was removed or replaced meanwhile.
            Err(_) if still().next().is_none() => None,
            Err(CacheError::Damaged { digest }) => Some(CacheFault::Damaged(digest)),
            Err(CacheError::Missing(digest)) => Some(CacheFault::Missing(digest)),
            Err(CacheError::Disk(e) | CacheError::Foreign(e)) => Some(CacheFault::Entry(chain(&e))),
            result => result?.map(CacheFault::Disagreement),
        };
        if let Some(fault) = fault {
            let references: Vec<_> = still().cloned().collect();
            if !references.is_empty() {
                problems.push(CacheProblem { fault, references });
            }
        }
    }
    // Problems of references first, then leftovers.
    for problem in &mut problems {
        problem.references.sort_by_cached_key(ToString::to_string);
    }
    problems.sort_by_cached_key(|problem| {
        let reference = problem.references.first().map(ToString::to_string);
        (problem.fault.is_litter(), reference, problem.fault.to_string())
    });
    let found = problems.into_iter().map(|problem| Finding { problem, repaired: false }).collect();
    Ok(Findings { references, blobs, size, found, absent })
}

fn stands_for(cache: &Cache, reference: &Reference, entry: &CacheEntry) -> bool {
    cache.find(reference).is_ok_and(|now| now.entry == *entry)
}

fn disagreement(cache: &Cache, entry: &CacheEntry) -> Result<Option<String>, CacheError> {
    let layer = Layer::of(entry.clone(), cache.parts(entry)?)?;
    let damaged = |_| layer.blame().unwrap_or_else(|| layer.damaged());
    let mut archive = HashingReader::new(layer.read().map_err(damaged)?);
    let metadata = match chart::inspect(&mut archive, cache.budget()) {
        Ok(metadata) => metadata,
        Err(error) => {
            return match layer.blame() {
                Some(damaged) => Err(damaged),
                None => Ok(Some(format!("its content is no chart: {error}"))),
            };
        }
    };
    let digest = archive.finish().map_err(damaged)?;
    if (&metadata.name, &metadata.version) != (&entry.name, &entry.version) {
        return Ok(Some(format!("its content is the chart {} {}", metadata.name, metadata.version)));
    }
    if metadata != layer.metadata {
        return Ok(Some("its metadata is not that of its content".to_owned()));
    }
    let archive = BlobSummary { digest, size: layer.size() };
    match layer.disagreement(&archive)? {
        Some(disagreement) => Ok(Some(disagreement.to_owned())),
        None => attached_disagreement(cache, entry),
    }
}

/// The problem with what an entry keeps of what is attached to its chart, if there is one.
fn attached_disagreement(cache: &Cache, entry: &CacheEntry) -> Result<Option<String>, CacheError> {
    let attachments = match kept(cache, entry) {
        Ok(attachments) => attachments,
        Err(AttachedError::Cache(error)) => return Err(error),
        Err(error) => return Ok(Some(chain(&error))),
    };
    let mut blobs = attachments.iter().flat_map(|attachment| &attachment.node.blobs);
    Ok(if attachments.len() != entry.attached.count() {
        Some("it keeps manifests that are not attached to it".to_owned())
    } else if blobs.any(|blob| !entry.attached.blobs.contains(&blob.digest)) {
        Some("it does not keep all blobs of what is attached to it".to_owned())
    } else {
        None
    })
}

/// Repairs what can be repaired. Damaged and missing blobs are fetched from the registry again, by the digest that the
/// entry keeps, so that nothing else takes their place. Links and properties are written again. If the whole cache was
/// checked, leftovers are removed. No entry is removed, nor anything that the cache has not made. `failed` is called
/// with each reference that could not be repaired, and the reason.
pub fn repair(
    cache: &Cache,
    client: &registry::Client,
    only: &[Reference],
    findings: &mut Findings,
    progress: OnProgress<'_>,
    mut failed: impl FnMut(&Reference, &FsckError),
) -> Result<(), CacheError> {
    let mut wrong = BTreeMap::<_, (&Reference, Vec<&CacheFault>)>::new();
    for Finding { problem, .. } in &findings.found {
        for reference in &problem.references {
            let faults = wrong.entry(reference.to_string()).or_insert_with(|| (reference, Vec::new()));
            faults.1.push(&problem.fault);
        }
    }
    let mut healed = Healed { cache, whole: HashMap::new() };
    for (reference, faults) in wrong.into_values() {
        if let Err(error) = mend(cache, client, reference, &faults, &mut healed, progress) {
            failed(reference, &error);
        }
    }
    if only.is_empty() && findings.found.iter().any(|found| found.problem.references.is_empty()) {
        cache.clear()?;
    }
    // What is repaired is decided by another check, and not by what was done.
    let now = fsck(cache, only)?;
    let mut still = HashMap::<_, HashSet<_>>::new();
    for Finding { problem, .. } in &now.found {
        still.entry(&problem.fault).or_default().extend(&problem.references);
    }
    let known: HashSet<_> = findings.found.iter().map(|found| found.problem.fault.clone()).collect();
    for Finding { problem, repaired } in &mut findings.found {
        *repaired = match still.get(&problem.fault) {
            None => true,
            Some(_) if problem.references.is_empty() => false,
            Some(by) => !problem.references.iter().any(|reference| by.contains(reference)),
        };
    }
    findings.found.extend(now.found.into_iter().filter(|new| !known.contains(&new.problem.fault)));
    Ok(())
}

/// Remembers which blobs are intact again, so that a blob that several references need is fetched and checked once.
struct Healed<'a> {
    cache: &'a Cache,
    whole: HashMap<Digest, bool>,
}

impl Healed<'_> {
    fn is_whole(&mut self, digest: &Digest) -> bool {
        let look = || self.cache.blob(digest).is_ok_and(|blob| blob.is_whole());
        *self.whole.entry(digest.clone()).or_insert_with(look)
    }
}

fn mend(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    faults: &[&CacheFault],
    healed: &mut Healed<'_>,
    progress: OnProgress<'_>,
) -> Result<(), FsckError> {
    let is_written = |fault: &&CacheFault| matches!(fault, CacheFault::Link(_) | CacheFault::Properties(_));
    let by_rewriting = faults.iter().any(is_written);
    if faults.iter().all(is_written) {
        return Ok(cache.rewrite(reference)?);
    }
    let others = faults.iter().filter(|fault| !is_written(fault));
    let mut is_healed = |fault: &&CacheFault| match fault {
        CacheFault::Damaged(digest) | CacheFault::Missing(digest) => healed.is_whole(digest),
        _ => false,
    };
    let entry = cache.find(reference).ok().map(|stored| stored.entry);
    let of_attached = |fault: &CacheFault| match (fault, &entry) {
        (CacheFault::Damaged(digest) | CacheFault::Missing(digest), Some(entry))
            if entry.is_attached(digest) =>
        {
            Some(digest.clone())
        }
        _ => None,
    };
    let (mut attached, mut of_the_chart) = (Vec::new(), false);
    for fault in others.copied().filter(|fault| !is_healed(fault)) {
        match of_attached(fault) {
            Some(digest) => attached.push(digest),
            None => of_the_chart = true,
        }
    }
    if !of_the_chart && attached.is_empty() {
        return if by_rewriting { Ok(cache.rewrite(reference)?) } else { Ok(()) };
    }
    if of_the_chart {
        let digest = cache.known_as(reference).ok_or(FsckError::Nowhere)?;
        let pinned = Reference { digest: Some(digest), ..reference.clone() };
        let disagrees = faults.iter().any(|fault| matches!(fault, CacheFault::Disagreement(_)));
        // What is attached may be the part that does not match.
        let options = PullOptions { attached: disagrees && entry.is_some_and(|e| !e.attached.is_empty()) };
        pull(cache, client, &pinned, options, progress)?;
    }
    if !attached.is_empty() {
        fetch_attached_again(cache, client, reference, &attached, progress)?;
    }
    // This may have repaired blobs that other references need.
    healed.whole.retain(|_, whole| *whole);
    Ok(())
}
