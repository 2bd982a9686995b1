//! Credentials as values: secrets that cannot be printed, and what a store of them is.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::reference::{Host, Repository};

/// A password or a token. It has no `Display`, its `Debug` shows nothing, and its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: Zeroizing<String>,
    /// What it really is, where that is no UTF-8.
    bytes: Option<Zeroizing<Vec<u8>>>,
}

impl Secret {
    /// Takes a secret in.
    pub fn new(text: String) -> Self {
        Self { text: Zeroizing::new(text), bytes: None }
    }

    /// Takes a secret in that may be in another character set than UTF-8, Latin-1 as a rule. As a text it has
    /// replacement characters then.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::new(text.to_owned()),
            Err(_) => Self {
                text: Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()),
                bytes: Some(Zeroizing::new(bytes.to_owned())),
            },
        }
    }

    /// The secret itself, to be handed to the registry or the store that it is for.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The secret itself, byte for byte.
    pub fn expose_bytes(&self) -> &[u8] {
        self.bytes.as_ref().map_or(self.text.as_bytes(), |bytes| bytes.as_slice())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
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
    /// A token that the registry itself takes, as it is: no token service is asked for one. Docker's files may hold it.
    RegistryToken(Secret),
}

/// Whose a credential file is: they differ in what a key with a path means, and in the command that forgets what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// `helm registry login` writes it.
    Helm,
    /// `docker login` writes it.
    Docker,
    /// `podman login` and `skopeo login` write it.
    Podman,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Helm => "helm",
            Self::Docker => "docker",
            Self::Podman => "podman",
        })
    }
}

/// Where a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// Among the arguments of this command, or typed for it.
    CommandLine,
    /// In `HELM_OCI_USERNAME` and `HELM_OCI_PASSWORD`.
    Environment,
    /// In `HELM_OCI_FROM_USERNAME` and `HELM_OCI_FROM_PASSWORD`.
    SourceEnvironment,
    /// In the OS keyring.
    Keyring,
    /// With a credential helper that a file names.
    Helper {
        /// The helper.
        program: String,
        /// Whose the file is.
        owner: Owner,
    },
    /// In a file, in clear text.
    File {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: Owner,
    },
    /// In `DOCKER_AUTH_CONFIG`.
    DockerAuthConfig,
}

impl CredentialPlace {
    /// Whether it was given for this very command, and is kept nowhere.
    pub fn is_given(&self) -> bool {
        matches!(self, Self::CommandLine | Self::Environment | Self::SourceEnvironment)
    }
}

/// As short as a table needs it.
impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment | Self::SourceEnvironment => f.write_str("environment"),
            Self::Keyring => f.write_str("keyring"),
            Self::Helper { program, .. } => f.write_str(program),
            Self::File { path, .. } => path.display().fmt(f),
            Self::DockerAuthConfig => f.write_str("DOCKER_AUTH_CONFIG"),
        }
    }
}

/// Where a credential came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialOrigin {
    /// Where it was found.
    pub place: CredentialPlace,
    /// What it is kept for there: `host[/path]`.
    pub account: String,
}

impl CredentialOrigin {
    /// The command that makes the place forget it; none where no command keeps it.
    pub fn logout(&self) -> Option<String> {
        let account = &self.account;
        let owner = match &self.place {
            CredentialPlace::CommandLine
            | CredentialPlace::Environment
            | CredentialPlace::SourceEnvironment
            | CredentialPlace::DockerAuthConfig => {
                return None;
            }
            CredentialPlace::Keyring => Owner::Helm,
            CredentialPlace::Helper { owner, .. } | CredentialPlace::File { owner, .. } => *owner,
        };
        Some(match (owner, &self.place) {
            (Owner::Helm, _) => format!("helm oci registry logout {account}"),
            // Docker knows its hub by an address of its own, or by no argument at all.
            (Owner::Docker, _) if account == "docker.io" => "docker logout".to_owned(),
            (Owner::Docker, _) => format!("docker logout {account}"),
            (Owner::Podman, CredentialPlace::File { path, .. }) => {
                format!("podman logout --authfile {} {account}", path.display())
            }
            (Owner::Podman, _) => format!("podman logout {account}"),
        })
    }
}

/// The credential of a place, as a sentence has it.
impl fmt::Display for CredentialOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = &self.account;
        match &self.place {
            CredentialPlace::CommandLine => f.write_str("the credential that was given"),
            CredentialPlace::Environment => {
                f.write_str("the credential in HELM_OCI_USERNAME and HELM_OCI_PASSWORD")
            }
            CredentialPlace::SourceEnvironment => {
                f.write_str("the credential in HELM_OCI_FROM_USERNAME and HELM_OCI_FROM_PASSWORD")
            }
            CredentialPlace::Keyring => write!(f, "the credential for {account} in the keyring"),
            CredentialPlace::Helper { program, owner } => {
                write!(f, "the credential for {account} that {owner}'s file has with {program}")
            }
            CredentialPlace::File { path, owner } => {
                write!(f, "the credential for {account} in {owner}'s file {}", path.display())
            }
            CredentialPlace::DockerAuthConfig => {
                write!(f, "the credential for {account} in DOCKER_AUTH_CONFIG")
            }
        }
    }
}

/// A credential, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obtained {
    /// The credential.
    pub credential: Credential,
    /// Where it came from.
    pub origin: Arc<CredentialOrigin>,
}

impl Obtained {
    /// A credential from a place, where it is kept for this account.
    pub fn new(credential: Credential, place: CredentialPlace, account: impl fmt::Display) -> Self {
        Self { credential, origin: Arc::new(CredentialOrigin { place, account: account.to_string() }) }
    }
}

/// Where credentials are looked up. It is asked only when a registry asks for one.
pub trait Credentials: Send + Sync {
    /// The credential for a repository, the one of the longest matching path first, or for the registry as a whole, where
    /// a request is about no repository; `None` if there is none anywhere. An error means that there may be one and it
    /// could not be had: then nothing is sent.
    fn find(
        &self,
        host: &Host,
        repository: Option<&Repository>,
    ) -> Result<Option<Obtained>, CredentialsError>;
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
    fn each_store_has_its_own_way_to_forget() {
        let helper = |owner| CredentialPlace::Helper { program: "docker-credential-pass".into(), owner };
        let file = |owner| CredentialPlace::File { path: "/f".into(), owner };
        for (place, account, command) in [
            (CredentialPlace::CommandLine, "h", None),
            (CredentialPlace::Environment, "h", None),
            (CredentialPlace::DockerAuthConfig, "h", None),
            (CredentialPlace::Keyring, "h:5000/group", Some("helm oci registry logout h:5000/group")),
            (helper(Owner::Helm), "h", Some("helm oci registry logout h")),
            (file(Owner::Helm), "docker.io", Some("helm oci registry logout docker.io")),
            (helper(Owner::Docker), "h", Some("docker logout h")),
            (file(Owner::Docker), "h:5000", Some("docker logout h:5000")),
            (file(Owner::Docker), "docker.io", Some("docker logout")),
            (helper(Owner::Podman), "h", Some("podman logout h")),
            (file(Owner::Podman), "h/group", Some("podman logout --authfile /f h/group")),
        ] {
            let given = place.is_given();
            let origin = CredentialOrigin { place, account: account.into() };
            assert_eq!(origin.logout().as_deref(), command, "{origin:?}");
            assert_eq!(
                given,
                matches!(origin.place, CredentialPlace::CommandLine | CredentialPlace::Environment)
            );
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let credential = Credential::Basic { username: "me".into(), password: Secret::new("hunter2".into()) };
        assert_eq!(format!("{credential:?}"), "Basic { username: \"me\", password: Secret(…) }");
    }
}
