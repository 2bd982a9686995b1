//! What a long job has done, a line each, so that another run goes on behind it.

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

/// How each line begins. A last line that was cut off is recognised by it: it begins so too, as far as it goes.
const BEGINNING: &[u8] = b"{\"from\":\"";
/// The longest line that is read, in bytes. Two references of a thousand characters and the rest take less than half of it.
const LONGEST: u64 = 8 << 10;

/// A file of what was copied. Each is in it, and on the disk, as soon as it is made.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Until something could not be written: behind half of a line there is none.
    file: Mutex<Option<File>>,
    /// Hashes of what is in it: a hundred thousand of them take a few megabytes.
    done: HashSet<u128>,
}

/// A line of it.
#[derive(Debug, Deserialize, Serialize)]
struct JournalLine {
    from: String,
    to: String,
    digest: Digest,
    /// How many manifests are attached.
    attached: usize,
    time: String,
}

impl Journal {
    /// Reads a journal, or begins one. What was being written when a run was killed counts as not written.
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
            // Some file systems have no locks: there it is up to who starts two runs.
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
            // What was being written goes; what somebody else has written stays.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something was brought from here to there by an earlier run.
    pub fn has(&self, from: &str, to: &str) -> bool {
        self.done.contains(&hash(from, to))
    }

    /// Notes that something was brought from here to there, and is a manifest of this digest now with so many attached to it.
    /// Nothing more after one could not be noted, which is an error once.
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
