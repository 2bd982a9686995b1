//! Authentication by an htpasswd file with bcrypt hashes, and Basic authentication (RFC 7617).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::refusal::{MAX_PASSWORD, RequestRefusal};
use crate::digest::{Digest, Hasher};
use crate::disk::{AtPath, PathError};
use crate::threads::{self, locked};

/// Why an htpasswd file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HtpasswdError {
    /// The file cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file has a line that is not `user:hash`.
    #[error("{}, line {line}: expected user:hash", path.display())]
    Line {
        /// The path of the file.
        path: PathBuf,
        /// The number of the line, counted from 1.
        line: usize,
    },
    /// A hash is of another kind than bcrypt: those are broken by now, or not portable.
    #[error(
        "{}, line {line}: the password of `{user}` is {kind}; only bcrypt is taken, as `htpasswd -B` writes it",
        path.display()
    )]
    Kind {
        /// The path of the file.
        path: PathBuf,
        /// The number of the line, counted from 1.
        line: usize,
        /// The user whose hash it is.
        user: String,
        /// The kind of the hash.
        kind: &'static str,
    },
    /// The file has no user, so that the registry would let no client in.
    #[error("{} has no user", .0.display())]
    Empty(PathBuf),
}

/// The users of the registry.
pub(super) struct Users {
    hashes: HashMap<String, String>,
    /// The hash of any user. It is checked for unknown users, so that they take as much time as a wrong password.
    decoy: String,
    /// For each user, a digest of the last accepted password together with its bcrypt hash. bcrypt is slow on purpose,
    /// and a push is many requests with one password.
    proven: Mutex<HashMap<String, Digest>>,
    /// Limits how many passwords are checked at once: bcrypt takes a whole core, and many wrong passwords must not take
    /// all threads that read files.
    cores: Semaphore,
}

impl Users {
    /// Reads an htpasswd file.
    pub(super) fn read(path: &Path) -> Result<Self, HtpasswdError> {
        let text = fs::read_to_string(path).at("read", path)?;
        let mut hashes = HashMap::new();
        for (line, entry) in (1..).zip(text.lines()) {
            let entry = entry.trim();
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            let malformed = || HtpasswdError::Line { path: path.to_owned(), line };
            let (user, hash) =
                entry.split_once(':').filter(|(user, _)| !user.is_empty()).ok_or_else(malformed)?;
            if hash.parse::<bcrypt::HashParts>().is_err() {
                let (path, user) = (path.to_owned(), user.to_owned());
                return Err(HtpasswdError::Kind { path, line, user, kind: kind(hash) });
            }
            // As httpd does: of two entries the first one counts.
            hashes.entry(user.to_owned()).or_insert_with(|| hash.to_owned());
        }
        let decoy = hashes.values().next().ok_or_else(|| HtpasswdError::Empty(path.to_owned()))?.clone();
        let cores = Semaphore::new(threads::cores());
        Ok(Self { hashes, decoy, proven: Mutex::default(), cores })
    }

    /// Succeeds if the `Authorization` header has the name and password of a user.
    pub(super) async fn admit(
        self: &Arc<Self>,
        authorization: Option<&HeaderValue>,
    ) -> Result<(), RequestRefusal> {
        let (user, password) = authorization.and_then(credentials).ok_or(RequestRefusal::Unauthorized)?;
        if password.len() > MAX_PASSWORD {
            return Err(RequestRefusal::PasswordTooLong);
        }
        // bcrypt repeats a password with a zero byte behind it, so "a" and "a\0a" would be the same to it.
        if password.contains(&0) {
            return Err(RequestRefusal::Unauthorized);
        }
        let known = self.hashes.get(&user);
        let hash = known.unwrap_or(&self.decoy).clone();
        let proof = proof(&user, &password, &hash);
        if self.is_proven(&user, &proof) {
            return Ok(());
        }
        let _core = self.cores.acquire().await.map_err(|_| RequestRefusal::Stopping)?;
        // Another request may have proven the same password while this one waited.
        if self.is_proven(&user, &proof) {
            return Ok(());
        }
        let verdict = spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false)).await;
        if !verdict.unwrap_or(false) || known.is_none() {
            return Err(RequestRefusal::Unauthorized);
        }
        locked(&self.proven).insert(user, proof);
        Ok(())
    }

    fn is_proven(&self, user: &str, proof: &Digest) -> bool {
        locked(&self.proven).get(user) == Some(proof)
    }
}

/// User and password of `Basic <base64 of user:password>`.
fn credentials(authorization: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = authorization.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&b| b == b':')?;
    let user = std::str::from_utf8(&decoded[..colon]).ok()?.to_owned();
    Some((user, decoded[colon + 1..].to_vec()))
}

fn proof(user: &str, password: &[u8], hash: &str) -> Digest {
    let mut hasher = Hasher::sha256();
    for part in [hash.as_bytes(), user.as_bytes(), password] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finish()
}

fn kind(hash: &str) -> &'static str {
    [
        ("$apr1$", "MD5"),
        ("$1$", "MD5"),
        ("{SHA}", "SHA-1"),
        ("$5$", "SHA-256"),
        ("$6$", "SHA-512"),
        ("$2", "a damaged bcrypt hash"),
    ]
    .iter()
    .find_map(|(prefix, kind)| hash.starts_with(prefix).then_some(*kind))
    .unwrap_or("crypt or plain text")
}
