//! The file, the files or the pipe that a bundle is written to.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parts::{MOST, part, sums};
use crate::digest::{Digest, Hasher};
use crate::disk::{
    self, AtPath as _, Directory, FileKind, PathError, Temporary, clear_left_behind, temporary_name,
};

/// The output of a bundle: a file or several, which get their names only when they are complete, or a pipe.
pub struct BundleOutput(OutputWay);

enum OutputWay {
    /// A file, which has a temporary name until it is complete.
    File(Coming),
    /// Standard output or a file that is not regular: bytes that are written there cannot be taken back.
    Through(Box<dyn Write>),
    /// Several files of limited size.
    Parts(SplitParts),
}

/// A file that is being written under a temporary name, and the name that it will get.
struct Coming {
    temporary: Temporary,
    directory: Arc<Directory>,
    name: OsString,
}

/// The files of a bundle in parts, each with at most `most` bytes.
struct SplitParts {
    path: PathBuf,
    most: u64,
    done: Vec<(Coming, Digest)>,
    current: Option<(Coming, Hasher)>,
    /// How many bytes the current part has.
    size: u64,
}

impl BundleOutput {
    /// Opens the file at this path; `-` is standard output. A regular file that is there stays until the new one is
    /// complete, and is replaced then.
    pub fn open(path: &Path) -> Result<Self, PathError> {
        if path == Path::new("-") {
            return Ok(Self(OutputWay::Through(Box::new(io::stdout()))));
        }
        // A fifo, a terminal and /dev/null are written to, not replaced.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let file = File::options().write(true).open(path).at("write", path)?;
            return Ok(Self(OutputWay::Through(Box::new(file))));
        }
        Ok(Self(OutputWay::File(Coming::new(&disk::target(path))?)))
    }

    /// Writes the bundle as several files of at most `most` bytes: the path with `.000`, `.001` and so on appended. A
    /// part ends between two files of the archive if that can be done. A file with `.sums` appended lists the digests
    /// of the parts.
    pub fn in_parts(path: &Path, most: u64) -> Self {
        let (path, done) = (path.to_owned(), Vec::new());
        Self(OutputWay::Parts(SplitParts { path, most: most.max(1), done, current: None, size: 0 }))
    }

    /// The writer announces here each entry of the archive and its size in bytes, before it writes the entry.
    pub(super) fn entry(&mut self, size: u64) -> io::Result<()> {
        match &mut self.0 {
            OutputWay::Parts(parts) if parts.size > 0 && parts.size + size > parts.most => parts.end(),
            _ => Ok(()),
        }
    }

    /// Ends the output: files get their names, and replace what has these names.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.0 {
            OutputWay::File(coming) => coming.persist(),
            OutputWay::Through(mut out) => out.flush(),
            OutputWay::Parts(parts) => parts.finish(),
        }
    }
}

impl Write for BundleOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            OutputWay::File(coming) => coming.file().write(bytes),
            OutputWay::Through(out) => out.write(bytes),
            OutputWay::Parts(parts) => parts.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            OutputWay::File(_) | OutputWay::Parts(_) => Ok(()),
            OutputWay::Through(out) => out.flush(),
        }
    }
}

impl Coming {
    fn new(path: &Path) -> Result<Self, PathError> {
        if path.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory)).at("write", path);
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput.into()).at("write", path)?;
        let directory = Directory::open_existing(parent.to_path_buf());
        let mut directory = directory.map_err(|error| PathError { verb: "write", ..error })?;
        clear_left_behind(&mut directory, name, FileKind::File, |_| true);
        let directory = Arc::new(directory);
        let temporary = Temporary::shared(&directory, || temporary_name(name)).at("write", path)?;
        Ok(Self { temporary, directory, name: name.to_owned() })
    }

    fn file(&self) -> &File {
        self.temporary.file()
    }

    fn persist(self) -> io::Result<()> {
        self.temporary.persist(&self.directory, &self.name)
    }
}

impl SplitParts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size == self.most {
            self.end()?;
        }
        if self.current.is_none() {
            if self.done.len() == MOST {
                return Err(io::Error::other(format!("there are more than {MOST} parts: make them larger")));
            }
            let coming = Coming::new(&part(&self.path, self.done.len())).map_err(io::Error::other)?;
            self.current = Some((coming, Hasher::sha256()));
        }
        let Some((coming, hasher)) = &mut self.current else { return Ok(0) };
        let room = usize::try_from(self.most - self.size).unwrap_or(usize::MAX).min(bytes.len());
        let written = coming.file().write(bytes.get(..room).unwrap_or_default())?;
        hasher.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some((coming, hasher)) = self.current.take() {
            self.done.push((coming, hasher.finish()));
        }
        self.size = 0;
        Ok(())
    }

    /// Gives the parts their names, and then writes the list of their digests, without which they are not a bundle.
    /// Surplus parts of an older bundle of the same name are removed.
    fn finish(mut self) -> io::Result<()> {
        self.end()?;
        let mut text = String::new();
        let count = self.done.len();
        for (coming, digest) in self.done {
            text += &format!("{}  {}\n", digest.hex(), coming.name.display());
            coming.persist()?;
        }
        let list = Coming::new(&sums(&self.path)).map_err(io::Error::other)?;
        list.file().write_all(text.as_bytes())?;
        list.persist()?;
        for stale in (count..MOST).map(|number| part(&self.path, number)).take_while(|part| part.is_file()) {
            fs::remove_file(stale)?;
        }
        Ok(())
    }
}
