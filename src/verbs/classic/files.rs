//! Writes the files of a classic repository: only those whose content differs, and each completely or not at all.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use super::error::ClassicError;
use crate::digest::{Digest, HashingReader};
use crate::disk::{self, AtPath as _};
use crate::manifest::Descriptor;
use crate::registry::RepositoryClient;
use crate::verbs::browse::fetched;

/// Downloads a package to `path`, unless the file is there with this content. Returns whether it was written.
pub(super) fn package(
    client: &RepositoryClient,
    path: &Path,
    descriptor: &Descriptor,
) -> Result<bool, ClassicError> {
    if is(path, &descriptor.digest, descriptor.size) {
        return Ok(false);
    }
    disk::put(path, fetched(client, descriptor)?)?;
    Ok(true)
}

/// Copies an unnamed file to `path`, unless a file is there with this content. Returns whether it was written.
pub(super) fn whole(path: &Path, mut content: File) -> Result<bool, ClassicError> {
    let temporary = std::env::temp_dir();
    let mut hashing = HashingReader::new(&content);
    let size = io::copy(&mut hashing, &mut io::sink()).at("read", &temporary)?;
    let digest = hashing.finish().at("read", &temporary)?;
    content.seek(SeekFrom::Start(0)).at("read", &temporary)?;
    if is(path, &digest, size) {
        return Ok(false);
    }
    disk::put(path, content)?;
    Ok(true)
}

/// Whether a file has this digest and size.
fn is(path: &Path, digest: &Digest, size: u64) -> bool {
    let hashed = || -> io::Result<Digest> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() != size {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (mut hasher, mut buffer) = (digest.hasher(), vec![0; 64 << 10]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(buffer.get(..read).unwrap_or_default()),
            }
        }
    };
    hashed().is_ok_and(|found| found == *digest)
}
