//! Writing a bundle: a ustar archive whose bytes its content alone decides.

use std::io::{self, Read, Write as _};

use super::output::BundleOutput;
use crate::digest::{Digest, Hasher};
use crate::layout::blob_path;
use crate::manifest::Descriptor;

/// How much is copied at once, in bytes.
const BUFFER: usize = 128 << 10;
const BLOCK: u64 = 512;

/// Why a part of a bundle was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Where it is written to.
    #[error("it cannot be written")]
    Output(#[source] io::Error),
    /// What was to be written.
    #[error("{0}")]
    Content(#[source] io::Error),
}

/// An archive that is being written: mode 0644, no owner, no time.
pub struct BundleWriter {
    out: BundleOutput,
    hasher: Hasher,
    size: u64,
    buffer: Vec<u8>,
}

impl BundleWriter {
    /// Begins an archive.
    pub fn new(out: BundleOutput) -> Self {
        Self { out, hasher: Hasher::sha256(), size: 0, buffer: vec![0; BUFFER] }
    }

    /// Appends a blob. Its content must have its size; whether it has its digest is the reader's to say.
    pub fn blob(&mut self, descriptor: &Descriptor, content: &mut dyn Read) -> Result<(), WriteError> {
        self.file(&blob_path(&descriptor.digest), descriptor.size, content)
    }

    /// Appends a file of exactly so many bytes.
    pub fn file(&mut self, path: &str, size: u64, content: &mut dyn Read) -> Result<(), WriteError> {
        let head = head(path, size).map_err(WriteError::Output)?;
        let padding = size.wrapping_neg() % BLOCK;
        self.out.entry(head.len() as u64 + size + padding).map_err(WriteError::Output)?;
        self.write(&head)?;
        let (mut buffer, mut left) = (std::mem::take(&mut self.buffer), size);
        loop {
            // One byte more than is left: content has to end there, and is verified when it does.
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

    /// Ends the archive, and gives it its place. Tells its digest and its size in bytes.
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

/// The header of a file; two where its name is longer than ustar has room for, which that of a SHA-512 is.
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

/// `152 path=blobs/sha512/…\n`, the number being the length of all of it (IEEE Std 1003.1, pax Extended Header).
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
