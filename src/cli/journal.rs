//! Records what a long job has done, one line each, so that another run can continue.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::failure::CommandFailure;
use crate::digest::Digest;
use crate::disk::PathError;
use crate::threads::locked;

/// The beginning of each line. It identifies a last line that was cut off: that one begins the same way, as far as it
/// goes.
const BEGINNING: &[u8] = b"{\"from\":\"";
/// The longest line that is read, in bytes. Two references of a thousand characters and the rest take less than half of it.
const LONGEST: u64 = 8 << 10;

/// A file that records what was copied. Each record is on disk as soon as the copy is made.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// The file; `None` once a write has failed, as no line can follow half a line.
    file: Mutex<Option<File>>,
    /// Hashes of the records: a hundred thousand of them take a few megabytes.
    done: HashSet<u128>,
}

/// One line of the file.
#[derive(Debug, Deserialize, Serialize)]
struct JournalLine {
    from: String,
    to: String,
    digest: Digest,
    /// How many manifests are attached to it.
    attached: usize,
    time: String,
}

impl Journal {
    /// Opens a journal, or creates it. A line that was cut off because a run was killed does not count, and is removed.
    pub fn open(path: &Path) -> Result<Self, CommandFailure> {
        let failed = |source| CommandFailure::from(PathError { verb: "use", path: path.to_owned(), source });
        let options = OpenOptions::new().read(true).append(true).create(true).to_owned();
        let mut file = options.open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(CommandFailure::usage(format!("{} is no file to keep a journal in", path.display())));
        }
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is the journal of a run that is at work", path.display());
                return Err(
                    CommandFailure::usage(message).hint("wait for it, or name another one with --journal")
                );
            }
            // Some file systems have no locks: then the user has to make sure that two runs do not share a journal.
            Err(TryLockError::Error(error)) => {
                log::debug!("{}: {error}; going on without a lock", path.display());
            }
            Ok(()) => {}
        }
        let (mut done, mut whole) = (HashSet::new(), 0);
        let mut reader = BufReader::new(&mut file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(failed)?;
            // A line of ours that was cut off is removed; anything else stays.
            let is_torn = line.len() < LONGEST as usize && !line.ends_with(b"\n");
            if is_torn && line.iter().zip(BEGINNING).all(|(byte, expected)| byte == expected) {
                break;
            }
            let Ok(parsed) = serde_json::from_slice::<JournalLine>(&line) else {
                let message = format!("{}, line {number}, is none of a journal", path.display());
                return Err(
                    CommandFailure::usage(message).hint("--journal writes its own file: name another one")
                );
            };
            done.insert(hash(&parsed.from, &parsed.to));
            whole += read as u64;
        }
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(Some(file)), done })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an earlier run has copied this source to this destination.
    pub fn has(&self, from: &str, to: &str) -> bool {
        self.done.contains(&hash(from, to))
    }

    /// Records that this source was copied to this destination as a manifest with this digest, and how many manifests
    /// are attached. After a failure, which is an error once, nothing more is recorded.
    pub fn note(&self, from: &str, to: &str, digest: &Digest, attached: usize) -> Result<(), CommandFailure> {
        let line = JournalLine {
            from: from.to_owned(),
            to: to.to_owned(),
            digest: digest.clone(),
            attached,
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        };
        let line = serde_json::to_string(&line).map_err(io::Error::other).map(|line| line + "\n");
        let mut place = locked(&self.file);
        let Some(mut file) = place.take() else { return Ok(()) };
        let written = line.and_then(|line| {
            file.write_all(line.as_bytes())?;
            file.sync_data()
        });
        written.map_err(|source| PathError { verb: "write", path: self.path.clone(), source })?;
        *place = Some(file);
        Ok(())
    }
}

fn hash(from: &str, to: &str) -> u128 {
    let digest = Digest::of(format!("{from}\n{to}").as_bytes());
    digest.hex().get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or_default()
}
