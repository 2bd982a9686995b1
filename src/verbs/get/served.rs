//! Gets what Helm requests from the cache or from a registry.

use std::io::{self, Write};

use super::address::{Address, Candidates};
use super::error::{GetError, missed};
use crate::cache::{Cache, CacheError};
use crate::reference::Reference;
use crate::registry::{self, Client};
use crate::verbs::layer::Layer;
use crate::verbs::pull::{PullError, PullOptions, explained, pull_it, resolve};
use crate::version::Newest;

/// Writes the file that `address` asks for to `out`. No request is made for a chart that is in the cache.
pub fn get(cache: &Cache, client: &Client, address: &Address, out: &mut dyn Write) -> Result<(), GetError> {
    match address {
        Address::Index(place) => super::index::write(cache, client, place, out)?,
        Address::Chart(candidates) => {
            let layer = open(cache, client, candidates)?;
            io::copy(&mut layer.read()?, out)?;
        }
        Address::Provenance(candidates) => {
            let layer = open(cache, client, candidates)?;
            let provenance = layer.provenance.as_ref().ok_or(GetError::NoProvenance)?;
            out.write_all(&provenance.bytes()?)?;
        }
    }
    Ok(())
}

/// The first candidate that is intact in the cache, or else the first that the registry has.
pub(super) fn open(cache: &Cache, client: &Client, candidates: &Candidates) -> Result<Layer, GetError> {
    for reference in candidates.iter() {
        match local(cache, reference) {
            Ok(layer) => return Ok(layer),
            Err(CacheError::NotFound(_)) => {}
            // It is pulled again; the warning is there because the disk may be failing.
            Err(error) => log::warn!(target: "oci", "{reference}: {error}"),
        }
    }
    let mut answer = fetch(cache, client, &candidates.likeliest);
    for other in &candidates.others {
        if !matches!(
            answer,
            Err(GetError::Pull(PullError::Registry(registry::RegistryError::NotFound { .. })))
        ) {
            break;
        }
        // If this fails too, the error stays that of the most likely candidate.
        if let Ok(found) = fetch(cache, client, other) {
            answer = Ok(found);
        }
    }
    answer.map_err(|error| match error {
        GetError::Pull(error) => explained(client, &candidates.likeliest, error).into(),
        other => other,
    })
}

/// The chart that the cache has under the reference, if it is undamaged. Without a tag or digest it is the newest
/// version.
fn local(cache: &Cache, reference: &Reference) -> Result<Layer, CacheError> {
    let newest = if reference.target().is_none() { newest(cache, reference)? } else { reference.clone() };
    let layer = Layer::open(cache, &newest)?;
    if layer.whole().is_some() { Ok(layer) } else { Err(layer.damaged()) }
}

/// The newest version of the repository in the cache that is not a prerelease.
pub(super) fn newest(cache: &Cache, reference: &Reference) -> Result<Reference, CacheError> {
    let mut newest = Newest::default();
    cache.each_reference(missed, |other| {
        if other.host == reference.host
            && other.repository == reference.repository
            && let Some(tag) = &other.tag
        {
            newest.offer(tag.as_str());
        }
    })?;
    let tag = newest.tag().and_then(|tag| tag.parse().ok());
    tag.map(|tag| reference.with_tag(tag)).ok_or_else(|| CacheError::NotFound(reference.clone()))
}

fn fetch(cache: &Cache, client: &Client, reference: &Reference) -> Result<Layer, GetError> {
    let reference = resolve(client, reference, None)?;
    pull_it(cache, client, &reference, PullOptions::default(), &|_| {})?;
    Ok(Layer::open(cache, &reference)?)
}
