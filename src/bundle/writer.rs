//! Writes a bundle as a ustar archive. Its bytes depend on its content alone.

use std::io::{self, Read, Write as _};

use super::output::BundleOutput;
use crate::digest::{Digest, Hasher};
use crate::layout::blob_path;
use crate::manifest::Descriptor;

/// How many bytes are copied at once.
const BUFFER: usize = 128 << 10;
const BLOCK: u64 = 512;

/// Why writing a bundle failed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output could not be written.
    #[error("it cannot be written")]
    Output(#[source] io::Error),
    /// The content of a file could not be read, or does not have the announced size or digest.
    #[error("{0}")]
    Content(#[source] io::Error),
}

/// A tar archive that is being written. Its entries have the mode 0644, the owner 0 and the time 0.
pub struct BundleWriter {
    out: BundleOutput,
    hasher: Hasher,
    size: u64,
    buffer: Vec<u8>,
}

impl BundleWriter {
    /// Starts an archive that is written to `out`.
    pub fn new(out: BundleOutput) -> Self {
        Self { out, hasher: Hasher::sha256(), size: 0, buffer: vec![0; BUFFER] }
    }

    /// Appends a blob at its path in the layout. An error if `content` does not have the descriptor's size; its digest
    /// is only checked if `content` does that, as [`crate::digest::VerifiedReader`] does.
    pub fn blob(&mut self, descriptor: &Descriptor, content: &mut dyn Read) -> Result<(), WriteError> {
        self.file(&blob_path(&descriptor.digest), descriptor.size, content)
    }

    /// Appends a file of exactly `size` bytes. An error if `content` has fewer or more.
    pub fn file(&mut self, path: &str, size: u64, content: &mut dyn Read) -> Result<(), WriteError> {
        let head = head(path, size).map_err(WriteError::Output)?;
        let padding = size.wrapping_neg() % BLOCK;
        self.out.entry(head.len() as u64 + size + padding).map_err(WriteError::Output)?;
        self.write(&head)?;
        let (mut buffer, mut left) = (std::mem::take(&mut self.buffer), size);
        loop {
            // One byte more than is left: `content` must be at its end then, and a verifying reader fails only there.
            let most = usize::try_from(left.saturating_add(1)).map_or(BUFFER, |left| left.min(BUFFER));
            let read = match content.read(buffer.get_mut(..most).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(WriteError::Content)?,
            };
            if read == 0 && left == 0 {
                break;
            }
            if read == 0 || read as u64 > left {
                let message = format!("the content of {path} is not {size} bytes long");
                return Err(WriteError::Content(io::Error::new(io::ErrorKind::InvalidData, message)));
            }
            self.write(buffer.get(..read).unwrap_or_default())?;
            left -= read as u64;
        }
        self.buffer = buffer;
        self.write([0; BLOCK as usize].get(..padding as usize).unwrap_or_default())
    }

    /// Ends the archive and its output. Returns the digest of the archive and its size in bytes.
    pub fn finish(mut self) -> Result<(Digest, u64), WriteError> {
        self.out.entry(2 * BLOCK).map_err(WriteError::Output)?;
        self.write(&[0; 2 * BLOCK as usize])?;
        self.out.finish().map_err(WriteError::Output)?;
        Ok((self.hasher.finish(), self.size))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes).map_err(WriteError::Output)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
}

/// The header of a file. A path that is too long for ustar, as that of a SHA-512 blob is, gets a pax header in front.
fn head(path: &str, size: u64) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    if header.set_path(path).is_ok() {
        return Ok(completed(header, tar::EntryType::Regular, size));
    }
    let record = pax_record(path);
    let mut bytes = tar::Header::new_ustar();
    bytes.set_path("PaxHeaders/blob")?;
    let mut bytes = completed(bytes, tar::EntryType::XHeader, record.len() as u64);
    bytes.extend(record.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
    header.set_path("blob")?;
    bytes.extend(completed(header, tar::EntryType::Regular, size));
    Ok(bytes)
}

fn completed(mut header: tar::Header, kind: tar::EntryType, size: u64) -> Vec<u8> {
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A pax record for a path, `152 path=blobs/sha512/…\n`. The number is the length of the whole record (IEEE Std 1003.1,
/// pax Extended Header).
fn pax_record(path: &str) -> String {
    let rest = format!(" path={path}\n");
    let mut length = rest.len();
    loop {
        let record = format!("{length}{rest}");
        if record.len() == length {
            return record;
        }
        length = record.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_knows_its_length() {
        for length in [1, 80, 90, 91, 92, 93, 141, 990, 991, 992, 993] {
            let record = pax_record(&"a".repeat(length));
            assert!(record.starts_with(&format!("{} path=a", record.len())), "{record}");
        }
    }

    #[test]
    fn names_of_both_algorithms_have_headers() {
        let path = |algorithm: &str, digits: usize| format!("blobs/{algorithm}/{}", "a".repeat(digits));
        assert_eq!(head(&path("sha256", 64), 7).unwrap().len(), 512);
        assert_eq!(head(&path("sha512", 128), 7).unwrap().len(), 3 * 512);
    }
}
