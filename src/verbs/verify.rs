//! Whether the cache holds what it says, and what can be done where it does not.

use std::collections::BTreeSet;

use super::layer::Layer;
use super::pull::{PullError, pull};
use super::{OnProgress, Part};
use crate::cache::{Cache, CacheError, Checked, Fault, Problem, Stored};
use crate::chart;
use crate::digest::HashingReader;
use crate::reference::Reference;
use crate::registry;

/// What was found.
#[derive(Debug)]
pub struct Verified {
    /// How many references there are.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes they have.
    pub size: u64,
    /// What is wrong, or was until it was repaired.
    pub found: Vec<Found>,
}

/// One thing that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What, and with which references.
    pub problem: Problem,
    /// Whether it is no more.
    pub repaired: bool,
}

/// Why the cache is not all right.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The cache cannot be looked at.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// References that cannot be used as they are.
    #[error("{damaged} of {of} references {} damaged", if *damaged == 1 { "is" } else { "are" })]
    References {
        /// How many.
        damaged: usize,
        /// Of how many.
        of: usize,
    },
    /// Damage that no reference suffers from. The disk does.
    #[error("blobs that no reference needs are damaged: {0}")]
    Blobs(usize),
    /// A chart that no registry is known to have.
    #[error("it was never pushed or pulled, so it is nowhere to be had")]
    Nowhere,
    /// The registry's refusal, or the disk's.
    #[error("{0}")]
    Pull(#[from] PullError),
}

impl Verified {
    /// An error if anything is still wrong that is more than litter.
    pub fn verdict(&self) -> Result<(), VerifyError> {
        let wrong = || self.found.iter().filter(|f| !f.repaired && !f.problem.fault.is_litter());
        let references: BTreeSet<_> =
            wrong().flat_map(|f| &f.problem.references).map(ToString::to_string).collect();
        match (references.len(), wrong().count()) {
            (0, 0) => Ok(()),
            (0, blobs) => Err(VerifyError::Blobs(blobs)),
            (damaged, _) => Err(VerifyError::References { damaged, of: self.references }),
        }
    }
}

/// Looks at every reference and every blob, or at `only` some references and what they need: whether links lead where
/// they should, blobs are what they are called, and the parts of an entry are parts of one chart.
pub fn verify(cache: &Cache, only: &[Reference]) -> Result<Verified, CacheError> {
    let Checked { references, blobs, size, sound, mut problems } = cache.check(only)?;
    for stored in sound {
        let disagreement = match disagreement(cache, &stored.reference) {
            // Removed meanwhile, even if it has come back since.
            Err(CacheError::NotFound(_)) => None,
            // Replaced meanwhile.
            Err(_) if !is_still(cache, &stored) => None,
            Err(CacheError::Damaged { digest }) => Some(Fault::Damaged(digest)),
            result => result?.map(Fault::Disagreement),
        };
        if let Some(fault) = disagreement
            && is_still(cache, &stored)
        {
            problems.push(Problem { fault, references: vec![stored.reference] });
        }
    }
    // Damage by reference, then what only takes room.
    problems.sort_by_cached_key(|problem| {
        let reference = problem.references.first().map(ToString::to_string);
        (problem.fault.is_litter(), reference, problem.fault.to_string())
    });
    let found = problems.into_iter().map(|problem| Found { problem, repaired: false }).collect();
    Ok(Verified { references, blobs, size, found })
}

fn is_still(cache: &Cache, stored: &Stored) -> bool {
    cache.find(&stored.reference).is_ok_and(|now| now.entry == stored.entry)
}

fn disagreement(cache: &Cache, reference: &Reference) -> Result<Option<String>, CacheError> {
    let layer = Layer::open(cache, reference)?;
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
    let entry = &layer.stored.entry;
    if (&metadata.name, &metadata.version) != (&entry.name, &entry.version) {
        return Ok(Some(format!("its content is the chart {} {}", metadata.name, metadata.version)));
    }
    if metadata != layer.metadata {
        return Ok(Some("its metadata is not that of its content".to_owned()));
    }
    let archive = Part { digest, size: layer.size() };
    Ok(layer.disagreement(&archive)?.map(ToOwned::to_owned))
}

/// Mends what can be mended: damaged and missing blobs come from the registry again, by the digest that the entry keeps,
/// so that nothing else takes their place; links and properties are written anew; what no reference needs goes, if the
/// whole cache was looked at. No entry is removed. What stays wrong is told to `failed`, with the reason.
pub fn repair(
    cache: &Cache,
    client: &registry::Client,
    only: &[Reference],
    verified: &mut Verified,
    progress: OnProgress<'_>,
    mut failed: impl FnMut(&Reference, &VerifyError),
) -> Result<(), CacheError> {
    let mut references: Vec<_> = verified.found.iter().flat_map(|f| &f.problem.references).collect();
    references.sort_by_cached_key(ToString::to_string);
    references.dedup();
    for reference in references {
        if let Err(error) = mend(cache, client, reference, &verified.found, progress) {
            failed(reference, &error);
        }
    }
    if only.is_empty() && verified.found.iter().any(|found| found.problem.references.is_empty()) {
        cache.clear()?;
    }
    // Not by what was done, but by what is there now.
    let now = verify(cache, only)?;
    for found in &mut verified.found {
        let of = |problem: &Problem| {
            let any = |reference| problem.references.contains(reference);
            found.problem.references.is_empty() || found.problem.references.iter().any(any)
        };
        found.repaired = !now.found.iter().any(|f| f.problem.fault == found.problem.fault && of(&f.problem));
    }
    for new in now.found {
        if !verified.found.iter().any(|found| found.problem.fault == new.problem.fault) {
            verified.found.push(new);
        }
    }
    Ok(())
}

fn mend(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    found: &[Found],
    progress: OnProgress<'_>,
) -> Result<(), VerifyError> {
    let mut faults = found.iter().map(|f| &f.problem).filter(|p| p.references.contains(reference));
    if faults.all(|p| matches!(p.fault, Fault::Link(_) | Fault::Properties(_))) {
        return Ok(cache.rewrite(reference)?);
    }
    let digest = cache.known_as(reference).ok_or(VerifyError::Nowhere)?;
    let pinned = Reference { digest: Some(digest), ..reference.clone() };
    pull(cache, client, &pinned, progress)?;
    Ok(())
}
