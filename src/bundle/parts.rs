//! A bundle in parts: `FILE.000`, `FILE.001`, …, and `FILE.sums`, which lists their digests in the format of
//! `sha256sum`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Hasher, Mismatch};
use crate::disk::{AtPath as _, PathError};

/// The most parts of a bundle. All of their names have the same length then, and sort in the order of the parts.
pub(super) const MOST: usize = 1000;
/// The ending of the name of the file of digests.
const SUMS: &str = "sums";
/// How much of the file of digests is read, in bytes. Each line has a digest and a name.
const MAX_SUMS: u64 = 1 << 20;

/// The path of the part with this number.
pub(super) fn part(path: &Path, number: usize) -> PathBuf {
    with(path, &format!("{number:03}"))
}

/// The path of the file of digests.
pub(super) fn sums(path: &Path) -> PathBuf {
    with(path, SUMS)
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// If this path means a bundle in parts, the path without `.000`. It does if it is the path of the first part, or if
/// nothing is at the path itself and the first part is there.
pub(super) fn whole(path: &Path) -> Option<PathBuf> {
    if path.extension().is_some_and(|ending| ending == "000") {
        return Some(path.with_extension(""));
    }
    (!path.exists() && part(path, 0).exists()).then(|| path.to_owned())
}

/// A reader of all parts, one after the other.
pub(super) struct BundleParts {
    waiting: VecDeque<(PathBuf, Option<Digest>)>,
    current: Option<BundlePart>,
}

struct BundlePart {
    file: File,
    hasher: Hasher,
    expected: Option<Digest>,
}

impl BundleParts {
    /// Opens the parts of a bundle. If there is a file of digests, exactly the parts that it names are read, and each
    /// must have its digest. Otherwise all parts that follow each other without a gap are read, unchecked.
    pub(super) fn of(path: &Path) -> Result<Self, PathError> {
        let listed = sums(path);
        let waiting = match File::open(&listed) {
            Ok(file) => {
                let mut text = String::new();
                file.take(MAX_SUMS).read_to_string(&mut text).at("read", &listed)?;
                text.lines().map(|line| named(path, line)).collect::<Option<_>>().ok_or_else(|| {
                    let source = io::Error::new(io::ErrorKind::InvalidData, "it is no list of digests");
                    PathError { verb: "read", path: listed.clone(), source }
                })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let there = (0..MOST).map(|number| part(path, number)).take_while(|part| part.exists());
                there.map(|part| (part, None)).collect()
            }
            Err(error) => return Err(error).at("read", &listed),
        };
        Ok(Self { waiting, current: None })
    }
}

/// Reads a line of the file of digests, `<hex> <name>`. The name must be that of a file beside it; else None.
fn named(path: &Path, line: &str) -> Option<(PathBuf, Option<Digest>)> {
    let (hex, name) = line.split_once("  ")?;
    let digest = format!("sha256:{hex}").parse().ok()?;
    let plain = !name.contains('/') && !matches!(name, "" | "." | "..");
    plain.then(|| (path.with_file_name(name), Some(digest)))
}

impl Read for BundleParts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(part) = &mut self.current {
                let read = part.file.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    part.hasher.update(buffer.get(..read).unwrap_or_default());
                    return Ok(read);
                }
            }
            if let Some(BundlePart { hasher, expected: Some(expected), .. }) = self.current.take() {
                let found = hasher.finish();
                if found != expected {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        Mismatch::Digest { expected, found },
                    ));
                }
            }
            let Some((path, expected)) = self.waiting.pop_front() else { return Ok(0) };
            let file = File::open(&path).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
            })?;
            self.current = Some(BundlePart { file, hasher: Hasher::sha256(), expected });
        }
    }
}
