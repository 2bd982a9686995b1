//! Passwords: an htpasswd file with bcrypt, and Basic authentication (RFC 7617).

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
    /// It cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A line that is not `user:hash`.
    #[error("{}, line {line}: expected user:hash", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A hash of another kind than bcrypt: either broken by now, or not portable.
    #[error(
        "{}, line {line}: the password of `{user}` is {kind}; only bcrypt is taken, as `htpasswd -B` writes it",
        path.display()
    )]
    Kind {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Whose password.
        user: String,
        /// What it is instead.
        kind: &'static str,
    },
    /// The file has no user, so that the registry would let no client in.
    #[error("{} has no user", .0.display())]
    Empty(PathBuf),
}

/// Everyone who may use the registry.
pub(super) struct Users {
    hashes: HashMap<String, String>,
    /// Any of the hashes: an unknown user must cost as much time as a wrong password.
    decoy: String,
    /// What a user was last let in with, hashed together with the bcrypt hash. bcrypt is slow on purpose, and a push is
    /// many requests with one password.
    proven: Mutex<HashMap<String, Digest>>,
    /// bcrypt takes a core each; a crowd of wrong passwords must not take the threads that files are read on.
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

    /// Lets those in whose header `Authorization` is one of our users'.
    pub(super) async fn admit(
        self: &Arc<Self>,
        authorization: Option<&HeaderValue>,
    ) -> Result<(), RequestRefusal> {
        let (user, password) = authorization.and_then(credentials).ok_or(RequestRefusal::Unauthorized)?;
        if password.len() > MAX_PASSWORD {
            return Err(RequestRefusal::PasswordTooLong);
        }
        // To bcrypt, which goes through a password again and again, "a" is the same as "a\0a".
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
        // Somebody may have waited for the same answer just before us.
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
