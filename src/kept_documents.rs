//! Manifests and configs of registries, kept by their digests below Helm's cache, and which tags repositories had: what is
//! looked at a second time is not fetched again, and can be looked at where there is no network.
//!
//! What was written more than 90 days ago goes, and the oldest of what takes more than 128 MiB of the disk; that is looked after
//! once a day. It is no part of the chart cache, and nothing depends on it: trouble with it is told with `--debug` alone.

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
/// The largest list of tags, in bytes.
const MOST_OF_TAGS: u64 = 8 << 20;

/// So many hours is something kept.
const HOURS: usize = 90 * 24;
/// So much of the disk may all of it take, in bytes, after it was looked after.
const MOST_IN_ALL: u64 = 128 << 20;
/// What a file takes of the disk at least, in bytes.
const BLOCK: u64 = 4096;
/// So long is it not looked after again.
const TIDY: Duration = Duration::from_secs(24 * 3600);
/// The file whose time says when it was.
const TIDIED: &str = "tidied";

/// The directory that documents are kept in.
#[derive(Clone, Debug)]
pub struct KeptDocuments {
    /// None where there is no place for it.
    root: Option<PathBuf>,
}

impl KeptDocuments {
    /// Those below a directory, which need not exist.
    pub fn at(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// Removes what is too old, and the oldest of what is too much, unless that was done a short while ago.
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
        // How much there is of each age: of what there is nothing is remembered but that.
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
        // What was written in the last hour is in use.
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

    /// A document, if it is there and what its digest says.
    pub fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = read(&self.path(digest)?, MOST)?;
        let mut hasher = digest.hasher();
        hasher.update(&bytes);
        (hasher.finish() == *digest).then_some(bytes)
    }

    /// Keeps a document that has this digest.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) {
        if let Some(path) = self.path(digest).filter(|_| bytes.len() as u64 <= MOST) {
            write(&path, bytes);
        }
    }

    /// Where the tags of a repository are: no repository has a `%`.
    fn tags_path(&self, host: &Host, repository: &Repository) -> Option<PathBuf> {
        let host = host.as_str().replace(':', "_");
        let directory = self.root.as_ref()?.join("tags").join(host);
        Some(directory.join(format!("{}.json", repository.as_str().replace('/', "%2F"))))
    }

    /// The tags that a repository had when it was last looked at, with the manifests that some of them stood for.
    pub fn tags(&self, host: &Host, repository: &Repository) -> Option<BTreeMap<Tag, Option<Digest>>> {
        let bytes = read(&self.tags_path(host, repository)?, MOST_OF_TAGS)?;
        let texts: BTreeMap<String, Option<String>> = serde_json::from_slice(&bytes).ok()?;
        let parsed = texts.into_iter().filter_map(|(tag, digest)| {
            Some((tag.parse().ok()?, digest.and_then(|digest| digest.parse().ok())))
        });
        Some(parsed.collect())
    }

    /// Keeps the tags of a repository.
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

/// Tells of every file below a directory, with its size in bytes and its age in hours. Links are not followed.
fn each_file(directory: &Path, tell: &mut dyn FnMut(&Path, u64, usize)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            each_file(&entry.path(), tell);
        } else if metadata.is_file() {
            // What comes from the future is new.
            let age = metadata.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
            tell(&entry.path(), metadata.len(), usize::try_from(age.as_secs() / 3600).unwrap_or(usize::MAX));
        }
    }
}

/// A file of at most so many bytes.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Ok(file) => file,
        // It is written when there is something to keep.
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

/// Writes a file for its owner alone: which charts a user looks at is private.
fn write(path: &Path, bytes: &[u8]) {
    let replaced = || -> Result<(), PathError> {
        let directory = path.parent().unwrap_or(Path::new("."));
        if fs::metadata(directory).is_err() {
            make_dirs(directory)?;
        }
        // Not lasting: after a power cut it is fetched again.
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
            // A file with a hole counts as what it has.
            File::options().write(true).open(&path).unwrap().set_len(size.max(text.len() as u64)).unwrap();
            hours(&path, age);
            path
        };
        let [new, used, old] =
            [("new", 0), ("used", 24 * 89), ("old", 24 * 91)].map(|(text, age)| put(text, 0, age));
        kept.tidy();
        assert_eq!([new.exists(), used.exists(), old.exists()], [true, true, false]);
        // Not again on the same day.
        let older = put("older", 0, 24 * 100);
        kept.tidy();
        assert!(older.exists());
        hours(&directory.path().join(TIDIED), 25);
        let [large, larger] =
            [("large", 2), ("larger", 3)].map(|(text, age)| put(text, MOST_IN_ALL / 2 + BLOCK, age));
        kept.tidy();
        let there = [&new, &large, &larger, &used, &older].map(|path| path.exists());
        assert_eq!(there, [true, true, false, false, false]);
        // What is too much by itself stays for its hour.
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
