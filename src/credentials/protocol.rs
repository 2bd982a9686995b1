//! Docker's credential-helper protocol, as both sides speak it (docker/docker-credential-helpers, credentials.go and
//! error.go).

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::{Credential, Secret};
use crate::go_json;

/// What a helper says, on standard output and with exit code 1, when it has nothing.
pub const NOT_FOUND: &str = "credentials not found in native keychain";

/// What it says when it was asked without a server.
pub const NO_SERVER: &str = "no credentials server URL";

/// What it says when it was given a credential without a user.
pub const NO_USERNAME: &str = "no credentials username";

/// The user that marks a secret as an identity token.
pub const TOKEN_USER: &str = "<token>";

/// How our own helper begins to say that there is no keyring at all, which is something else than one that does not
/// open.
pub const NO_KEYRING: &str = "no OS keyring here";

/// How it goes on where that is only because nothing has answered in time.
pub const SILENT: &str = "no OS keyring here: it did not answer";

/// How it begins to say that the keyring does not open, …
pub const LOCKED: &str = "the OS keyring is locked";

/// … that it may wait for somebody to open it, …
pub const WAITING: &str = "the OS keyring did not answer";

/// … and that there is no room in it.
pub const FULL: &str = "the OS keyring is full";

/// The action that is our own helper's alone: the credentials for several repositories, one in each line of what it is
/// asked, and an array of entries in what it answers. Each repository has the one of its longest path.
pub const FIND: &str = "find";

/// What `get` answers and `store` is given.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HelperCredential {
    /// What it is for.
    #[serde(rename = "ServerURL", default)]
    pub server: String,
    /// The user.
    #[serde(default)]
    pub username: String,
    /// The secret. Code that takes it out wraps it in a [`Secret`] at once.
    #[serde(default)]
    secret: Zeroizing<String>,
}

impl HelperCredential {
    /// An entry of its parts.
    pub fn new(server: String, username: String, secret: &Secret) -> Self {
        Self { server, username, secret: Zeroizing::new(secret.expose().to_owned()) }
    }

    /// Reads one, as Go does, which other helpers and their callers are written in. The message of an error holds nothing
    /// of the text, which may be a secret.
    pub fn read(json: &[u8]) -> Result<Self, NotAnEntry> {
        let fields = go_json::strings(json, ["ServerURL", "Username", "Secret"]).map_err(|_| NotAnEntry)?;
        let [server, username, secret] = fields;
        Ok(Self { server: server.to_string(), username: username.to_string(), secret })
    }

    /// Writes one.
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        // Strings alone: this cannot fail.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    /// What is secret in it.
    pub fn secret(&self) -> Secret {
        Secret::new(self.secret.to_string())
    }

    /// The credential in it; none if user and secret are empty.
    pub fn credential(&self) -> Option<Credential> {
        from_parts(&self.username, self.secret())
    }
}

/// A text that is not what a helper writes.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON of a credential helper")]
pub struct NotAnEntry;

/// A credential of user and secret.
pub fn from_parts(username: &str, secret: Secret) -> Option<Credential> {
    match username {
        "" if secret.is_empty() => None,
        TOKEN_USER => Some(Credential::IdentityToken(secret)),
        _ => Some(Credential::Basic { username: username.to_owned(), password: secret }),
    }
}

/// User and secret of a credential.
pub fn parts(credential: &Credential) -> (&str, &Secret) {
    match credential {
        Credential::Basic { username, password } => (username, password),
        Credential::IdentityToken(token) => (TOKEN_USER, token),
        // Only to be shown: no helper knows of these.
        Credential::RegistryToken(token) => ("<registrytoken>", token),
    }
}
