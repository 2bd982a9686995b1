//! Keeps manifests and configs of registries by digest in Helm's cache directory, and the tags that repositories had.
//! What is needed again is not fetched again, and is available without a network.
//!
//! Files older than 90 days are removed, and the oldest ones if all together take more than 128 MiB of disk; this is
//! checked once a day. The directory is not part of the chart cache, and nothing depends on it: errors with it are only
//! shown with `--debug`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::digest::Digest;
use crate::disk::{self, PathError, make_dirs};
use crate::reference::{Host, Repository, Tag};

/// The largest document that is kept, in bytes.
const MOST: u64 = 1 << 20;
/// The largest list of tags that is kept, in bytes.
const MOST_OF_TAGS: u64 = 8 << 20;

/// For how many hours a file is kept.
const HOURS: usize = 90 * 24;
/// How many bytes of disk all files may take after a cleanup.
const MOST_IN_ALL: u64 = 128 << 20;
/// The least number of bytes of disk that a file takes.
const BLOCK: u64 = 4096;
/// The time between two cleanups.
const TIDY: Duration = Duration::from_secs(24 * 3600);
/// The file whose modification time is that of the last cleanup.
const TIDIED: &str = "tidied";

/// The directory in which documents are kept.
#[derive(Clone, Debug)]
pub struct KeptDocuments {
    /// Its path; `None` if there is no place for it.
    root: Option<PathBuf>,
}

impl KeptDocuments {
    /// The documents in a directory, which need not exist.
    pub fn at(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// Removes files that are too old, and the oldest ones if there is too much, unless that was done recently.
    pub fn tidy(&self) {
        let Some(root) = &self.root else { return };
        let (marker, now) = (root.join(TIDIED), SystemTime::now());
        let age = |path: &Path| {
            let time = fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok()?;
            now.duration_since(time).ok()
        };
        if !root.is_dir() || age(&marker).is_some_and(|age| age < TIDY) {
            return;
        }
        write(&marker, b"");
        // The bytes for each age in hours, so that memory does not depend on the number of files.
        let mut sizes = vec![0_u64; HOURS];
        each_file(root, &mut |_, size, hours| {
            if let Some(of_age) = sizes.get_mut(hours) {
                *of_age += size.next_multiple_of(BLOCK).max(BLOCK);
            }
        });
        let mut all = 0;
        let fits = |size: &&u64| {
            all += **size;
            all <= MOST_IN_ALL
        };
        // Files of the last hour are in use.
        let kept = sizes.iter().take_while(fits).count().max(1);
        each_file(root, &mut |path, _, hours| {
            if hours >= kept
                && let Err(error) = fs::remove_file(path)
            {
                log::debug!("{}: {error}", path.display());
            }
        });
    }

    fn path(&self, digest: &Digest) -> Option<PathBuf> {
        Some(self.root.as_ref()?.join("documents").join(digest.algorithm().name()).join(digest.hex()))
    }

    /// A document, if it is kept and has its digest.
    pub fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = read(&self.path(digest)?, MOST)?;
        let mut hasher = digest.hasher();
        hasher.update(&bytes);
        (hasher.finish() == *digest).then_some(bytes)
    }

    /// Keeps a document with this digest.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) {
        if let Some(path) = self.path(digest).filter(|_| bytes.len() as u64 <= MOST) {
            write(&path, bytes);
        }
    }

    /// The path of the file with a repository's tags. `%` is unambiguous, as no repository's name contains it.
    fn tags_path(&self, host: &Host, repository: &Repository) -> Option<PathBuf> {
        let host = host.as_str().replace(':', "_");
        let directory = self.root.as_ref()?.join("tags").join(host);
        Some(directory.join(format!("{}.json", repository.as_str().replace('/', "%2F"))))
    }

    /// The tags that a repository had when it was last listed, with the digests that are known.
    pub fn tags(&self, host: &Host, repository: &Repository) -> Option<BTreeMap<Tag, Option<Digest>>> {
        let bytes = read(&self.tags_path(host, repository)?, MOST_OF_TAGS)?;
        let texts: BTreeMap<String, Option<String>> = serde_json::from_slice(&bytes).ok()?;
        let parsed = texts.into_iter().filter_map(|(tag, digest)| {
            Some((tag.parse().ok()?, digest.and_then(|digest| digest.parse().ok())))
        });
        Some(parsed.collect())
    }

    /// Keeps the tags of a repository, with the digests that are known.
    pub fn put_tags(&self, host: &Host, repository: &Repository, tags: &BTreeMap<Tag, Option<Digest>>) {
        let Some(path) = self.tags_path(host, repository) else { return };
        let texts: BTreeMap<_, _> = tags
            .iter()
            .map(|(tag, digest)| (tag.as_str(), digest.as_ref().map(ToString::to_string)))
            .collect();
        match serde_json::to_vec(&texts) {
            Ok(bytes) if bytes.len() as u64 <= MOST_OF_TAGS => write(&path, &bytes),
            _ => log::debug!("the tags of {repository} are too many to be kept"),
        }
    }
}

/// Calls `tell` for every file below a directory, with its size in bytes and its age in hours. Links are not followed.
fn each_file(directory: &Path, tell: &mut dyn FnMut(&Path, u64, usize)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            each_file(&entry.path(), tell);
        } else if metadata.is_file() {
            // A time in the future counts as new.
            let age = metadata.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
            tell(&entry.path(), metadata.len(), usize::try_from(age.as_secs() / 3600).unwrap_or(usize::MAX));
        }
    }
}

/// Reads a file of at most `most` bytes; `None` if it is larger, missing or unreadable.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Ok(file) => file,
        // The file is only created when there is something to keep.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            log::debug!("{}: {error}", path.display());
            return None;
        }
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= most) {
        return None;
    }
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Writes a file that only its owner can read, as the charts that a user looks at are private.
fn write(path: &Path, bytes: &[u8]) {
    let replaced = || -> Result<(), PathError> {
        let directory = path.parent().unwrap_or(Path::new("."));
        if fs::metadata(directory).is_err() {
            make_dirs(directory)?;
        }
        // It is not synced: after a power failure it is fetched again.
        disk::replace(path, bytes, false)
    };
    if let Err(error) = replaced() {
        log::debug!("{error}: {}", error.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_back_unless_they_are_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptDocuments::at(Some(directory.path().join("oci")));
        let digest = Digest::of(b"{}");
        assert_eq!(kept.get(&digest), None);
        kept.put(&digest, b"{}");
        assert_eq!(kept.get(&digest).as_deref(), Some(&b"{}"[..]));
        fs::write(kept.path(&digest).unwrap(), "[]").unwrap();
        assert_eq!(kept.get(&digest), None);
        KeptDocuments::at(None).put(&digest, b"{}");
    }

    #[test]
    fn what_is_old_goes_and_the_oldest_of_what_is_too_much() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptDocuments::at(Some(directory.path().to_path_buf()));
        let hours = |path: &Path, hours: u64| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600 + 60)).unwrap();
        };
        let put = |text: &str, size: u64, age: u64| {
            let digest = Digest::of(text.as_bytes());
            kept.put(&digest, text.as_bytes());
            let path = kept.path(&digest).unwrap();
            // A sparse file counts with its full length.
            File::options().write(true).open(&path).unwrap().set_len(size.max(text.len() as u64)).unwrap();
            hours(&path, age);
            path
        };
        let [new, used, old] =
            [("new", 0), ("used", 24 * 89), ("old", 24 * 91)].map(|(text, age)| put(text, 0, age));
        kept.tidy();
        assert_eq!([new.exists(), used.exists(), old.exists()], [true, true, false]);
        // No second cleanup on the same day.
        let older = put("older", 0, 24 * 100);
        kept.tidy();
        assert!(older.exists());
        hours(&directory.path().join(TIDIED), 25);
        let [large, larger] =
            [("large", 2), ("larger", 3)].map(|(text, age)| put(text, MOST_IN_ALL / 2 + BLOCK, age));
        kept.tidy();
        let there = [&new, &large, &larger, &used, &older].map(|path| path.exists());
        assert_eq!(there, [true, true, false, false, false]);
        // A file that is too large by itself stays for its first hour.
        let largest = put("largest", 2 * MOST_IN_ALL, 0);
        hours(&directory.path().join(TIDIED), 25);
        kept.tidy();
        assert_eq!([largest.exists(), large.exists()], [true, false]);
        KeptDocuments::at(None).tidy();
    }

    #[test]
    fn tags_come_back() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptDocuments::at(Some(directory.path().to_path_buf()));
        let (host, repository) = ("a.b:5000".parse().unwrap(), "x/y".parse().unwrap());
        let tags: BTreeMap<Tag, _> =
            [("1.0.0", Some(Digest::of(b"a"))), ("2.0.0", None)].map(|(t, d)| (t.parse().unwrap(), d)).into();
        assert_eq!(kept.tags(&host, &repository), None);
        kept.put_tags(&host, &repository, &tags);
        assert_eq!(kept.tags(&host, &repository), Some(tags));
    }
}
