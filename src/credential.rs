//! Credentials as values: secrets that cannot be printed, and what a store of them is.

use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

use crate::reference::{Host, Repository};

/// A password or a token. It has no `Display`, its `Debug` shows nothing, and its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Whoever calls this hands it to where it belongs, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a registry is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A user name with a password or an access token.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token, which a token service turns into access tokens. Docker's files and helpers mark it by the user
    /// name `<token>`.
    IdentityToken(Secret),
}

/// Where credentials are looked up. It is asked only when a registry asks for one.
pub trait Credentials: Send + Sync {
    /// The credential for a repository, the one of the longest matching path first; `None` if there is none anywhere.
    /// An error means that there may be one and it could not be had: then nothing is sent.
    fn find(&self, host: &Host, repository: &Repository) -> Result<Option<Credential>, CredentialsError>;
}

/// Why a credential could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("cannot get the credential for {host}")]
pub struct CredentialsError {
    /// For which registry.
    pub host: Host,
    /// What the store said.
    pub source: Box<dyn Error + Send + Sync>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let credential = Credential::Basic { username: "me".into(), password: Secret::new("hunter2".into()) };
        assert_eq!(format!("{credential:?}"), "Basic { username: \"me\", password: Secret(…) }");
    }
}
