//! What a chart archive has behind the head that we write.

use std::io::{self, BufReader, Seek as _, SeekFrom};

use crate::cache::{Cache, CacheError, StagedBlob};
use crate::chart;
use crate::disk::AtPath as _;

/// The content of an archive as a blob of its own, as a pull keeps it. A package that somebody else made has none.
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
