//! A package while it is on its way: small ones in memory, and others in a file without a name.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::sync::Arc;

use crate::digest::{Digest, Hasher};
use crate::disk;
use crate::http::{BodySource, Sink};
use crate::verbs::copy::Throttle;

/// So much of a package is in memory, in bytes; nine of ten of public charts have less.
const SMALL: usize = 256 << 10;

/// What has come of a package.
pub(super) struct PackageSpool {
    memory: Vec<u8>,
    file: Option<File>,
    size: u64,
    hasher: Hasher,
    throttle: Option<Arc<Throttle>>,
}

impl PackageSpool {
    /// Nothing yet. What is read of it later goes as slowly as `throttle` says.
    pub(super) fn new(throttle: Option<&Arc<Throttle>>) -> Self {
        Self {
            memory: Vec::new(),
            file: None,
            size: 0,
            hasher: Hasher::sha256(),
            throttle: throttle.cloned(),
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The whole from its beginning, at once.
    pub(super) fn read(&self) -> PackageReader<'_> {
        PackageReader { package: self, at: 0, throttle: None }
    }
}

impl Sink for PackageSpool {
    fn held(&self) -> u64 {
        self.size
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > SMALL {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.size += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        *self = Self::new(self.throttle.as_ref());
        Ok(())
    }

    fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }
}

impl BodySource for PackageSpool {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(PackageReader { throttle: self.throttle.as_deref(), ..self.read() }))
    }
}

/// Reads a package.
pub(super) struct PackageReader<'a> {
    package: &'a PackageSpool,
    at: u64,
    throttle: Option<&'a Throttle>,
}

impl Read for PackageReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.throttle.map_or(buffer.len(), |throttle| throttle.piece(buffer.len()));
        let buffer = &mut buffer[..wanted];
        let read = match &self.package.file {
            Some(file) => disk::read_at(file, buffer, self.at)?,
            None => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX);
                let mut rest = self.package.memory.get(at..).unwrap_or_default();
                rest.read(buffer)?
            }
        };
        self.at += read as u64;
        if let Some(throttle) = self.throttle {
            throttle.pass(read);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_read_again_small_or_large() {
        for size in [0, 1000, SMALL, SMALL + 1, 3 * SMALL] {
            let bytes: Vec<u8> = (0..size).map(|number| (number % 251) as u8).collect();
            let mut package = PackageSpool::new(None);
            package.write(b"wrong").unwrap();
            package.restart().unwrap();
            bytes.chunks(70_000).for_each(|piece| package.write(piece).unwrap());
            assert_eq!((package.held(), package.digest()), (size as u64, Digest::of(&bytes)));
            assert_eq!(package.file.is_some(), size > SMALL, "{size}");
            for _ in 0..2 {
                let mut read = Vec::new();
                package.open().unwrap().read_to_end(&mut read).unwrap();
                assert!(read == bytes, "{size}");
            }
        }
    }
}
