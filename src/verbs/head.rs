//! Splits a chart archive into the head that this program writes and the rest.

use std::io::{self, BufReader, Seek as _, SeekFrom};

use crate::cache::{Cache, CacheError, StagedBlob};
use crate::chart;
use crate::disk::AtPath as _;

/// The part of an archive behind its head, as a blob of its own, as a pull stores it. `None` if the archive has no such
/// head because another program has made it.
pub(super) fn behind_the_head(cache: &Cache, archive: &StagedBlob) -> Result<Option<StagedBlob>, CacheError> {
    let root = cache.root();
    let head = chart::split(BufReader::new(archive.open()?), cache.budget()).at("read", root)?;
    let Some(head) = head else { return Ok(None) };
    let mut rest = archive.open()?;
    rest.seek(SeekFrom::Start(head)).at("read", root)?;
    let mut content = cache.write_blob()?;
    io::copy(&mut rest, &mut content).at("write into", root)?;
    Ok(Some(content.finish()?))
}
