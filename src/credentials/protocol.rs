//! Docker's credential-helper protocol, for the program that asks and for the helper (docker/docker-credential-helpers,
//! credentials.go and error.go).

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::{Credential, Secret};
use crate::go_json;

/// What a helper writes to standard output, with exit code 1, if it has no such credential.
pub const NOT_FOUND: &str = "credentials not found in native keychain";

/// What a helper writes if it was asked without a server.
pub const NO_SERVER: &str = "no credentials server URL";

/// What a helper writes if it was given a credential without a user.
pub const NO_USERNAME: &str = "no credentials username";

/// The user that marks a secret as an identity token.
pub const TOKEN_USER: &str = "<token>";

/// The beginning of what our own helper writes if there is no keyring at all.
pub const NO_KEYRING: &str = "no OS keyring here";

/// The beginning of what our own helper writes if no keyring has answered in time.
pub const SILENT: &str = "no OS keyring here: it did not answer";

/// The beginning of what our own helper writes if the keyring is locked.
pub const LOCKED: &str = "the OS keyring is locked";

/// The beginning of what our own helper writes if the keyring does not answer, and may wait to be unlocked.
pub const WAITING: &str = "the OS keyring did not answer";

/// The beginning of what our own helper writes if the keyring has no room for another item.
pub const FULL: &str = "the OS keyring is full";

/// An action that only our own helper has. The input has one repository in each line; the answer is a JSON array of
/// [`HelperCredential`]s, for each repository the one of its longest path.
pub const FIND: &str = "find";

/// The JSON that `get` answers and `store` is given.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HelperCredential {
    /// The server that the credential is for.
    #[serde(rename = "ServerURL", default)]
    pub server: String,
    /// The user name.
    #[serde(default)]
    pub username: String,
    /// The password or token. Code that takes it out wraps it in a [`Secret`] at once.
    #[serde(default)]
    secret: Zeroizing<String>,
}

impl HelperCredential {
    /// Makes an entry of its parts.
    pub fn new(server: String, username: String, secret: &Secret) -> Self {
        Self { server, username, secret: Zeroizing::new(secret.expose().to_owned()) }
    }

    /// Reads an entry as Go does, since other helpers are written in Go. The error does not show the text, which may
    /// hold a secret.
    pub fn read(json: &[u8]) -> Result<Self, NotAnEntry> {
        let fields = go_json::strings(json, ["ServerURL", "Username", "Secret"]).map_err(|_| NotAnEntry)?;
        let [server, username, secret] = fields;
        Ok(Self { server: server.to_string(), username: username.to_string(), secret })
    }

    /// Writes the entry as JSON.
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        // There are only strings, so this cannot fail.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The password or token.
    pub fn secret(&self) -> Secret {
        Secret::new(self.secret.to_string())
    }

    /// The credential in the entry; None if user and secret are empty.
    pub fn credential(&self) -> Option<Credential> {
        from_parts(&self.username, self.secret())
    }
}

/// The error of a text that is not the JSON of a helper.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON of a credential helper")]
pub struct NotAnEntry;

/// Makes a credential of a user and a secret. None if both are empty; an identity token if the user is `<token>`.
pub fn from_parts(username: &str, secret: Secret) -> Option<Credential> {
    match username {
        "" if secret.is_empty() => None,
        TOKEN_USER => Some(Credential::IdentityToken(secret)),
        _ => Some(Credential::Basic { username: username.to_owned(), password: secret }),
    }
}

/// The user and the secret of a credential, as the protocol has them.
pub fn parts(credential: &Credential) -> (&str, &Secret) {
    match credential {
        Credential::Basic { username, password } => (username, password),
        Credential::IdentityToken(token) => (TOKEN_USER, token),
        // This name is only shown: the protocol does not have such tokens.
        Credential::RegistryToken(token) => ("<registrytoken>", token),
    }
}
