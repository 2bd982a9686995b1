//! Credentials: secrets that cannot be printed by accident, where they come from, and the trait of what looks them up.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::reference::{Host, Repository};

/// A password or a token. It has no `Display`, its `Debug` output does not show it, and its memory is wiped when it is
/// dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: Zeroizing<String>,
    /// The secret byte for byte, if it is not UTF-8.
    bytes: Option<Zeroizing<Vec<u8>>>,
}

impl Secret {
    /// Makes a secret of this text.
    pub fn new(text: String) -> Self {
        Self { text: Zeroizing::new(text), bytes: None }
    }

    /// Makes a secret of bytes that may be in another encoding than UTF-8, mostly Latin-1. [`Self::expose`] has
    /// replacement characters then; [`Self::expose_bytes`] has the bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::new(text.to_owned()),
            Err(_) => Self {
                text: Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()),
                bytes: Some(Zeroizing::new(bytes.to_owned())),
            },
        }
    }

    /// The secret as text, to be handed to the registry or store that it is for.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The secret byte for byte, to be handed to the registry or store that it is for.
    pub fn expose_bytes(&self) -> &[u8] {
        self.bytes.as_ref().map_or(self.text.as_bytes(), |bytes| bytes.as_slice())
    }

    /// Whether the secret is empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What authenticates a user to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A user name with a password or an access token.
    Basic {
        /// The user name.
        username: String,
        /// The password or access token.
        password: Secret,
    },
    /// A refresh token, for which a token service issues access tokens (docker's `identitytoken`). Docker's files and
    /// helpers mark it by the user name `<token>`.
    IdentityToken(Secret),
    /// A bearer token that is sent to the registry as it is; no token service is asked. Docker's files may hold one
    /// (`registrytoken`).
    RegistryToken(Secret),
}

/// The program that a credential file belongs to. Programs differ in what a key with a path means, and in the command
/// for logging out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Helm: `helm registry login` writes the file.
    Helm,
    /// Docker: `docker login` writes the file.
    Docker,
    /// Podman and skopeo: `podman login` and `skopeo login` write the file.
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

/// A place where a credential can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// The arguments of this command, or a prompt that the user has answered.
    CommandLine,
    /// The variables `HELM_OCI_USERNAME` and `HELM_OCI_PASSWORD`.
    Environment,
    /// The variables `HELM_OCI_FROM_USERNAME` and `HELM_OCI_FROM_PASSWORD`.
    SourceEnvironment,
    /// The OS keyring.
    Keyring,
    /// A credential helper that a credential file names.
    Helper {
        /// The name of the helper's program.
        program: String,
        /// The program that the credential file belongs to.
        owner: Owner,
    },
    /// A credential file, in clear text.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The program that the file belongs to.
        owner: Owner,
    },
    /// The variable `DOCKER_AUTH_CONFIG`.
    DockerAuthConfig,
}

impl CredentialPlace {
    /// Whether the credential was given for this one command, and is not stored.
    pub fn is_given(&self) -> bool {
        matches!(self, Self::CommandLine | Self::Environment | Self::SourceEnvironment)
    }
}

/// Written in a few words, as a table shows it.
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

/// The place that a credential came from, and the account that it is stored for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialOrigin {
    /// The place.
    pub place: CredentialPlace,
    /// The account in that place: `host[/path]`.
    pub account: String,
}

impl CredentialOrigin {
    /// The command that removes the credential from its place; None if no command does.
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
            // `docker logout` without an argument is for Docker Hub.
            (Owner::Docker, _) if account == "docker.io" => "docker logout".to_owned(),
            (Owner::Docker, _) => format!("docker logout {account}"),
            (Owner::Podman, CredentialPlace::File { path, .. }) => {
                format!("podman logout --authfile {} {account}", path.display())
            }
            (Owner::Podman, _) => format!("podman logout {account}"),
        })
    }
}

/// Written as a sentence refers to it: "the credential for … in the keyring".
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
    /// The place and account that it came from.
    pub origin: Arc<CredentialOrigin>,
}

impl Obtained {
    /// A credential that was found in this place under this account.
    pub fn new(credential: Credential, place: CredentialPlace, account: impl fmt::Display) -> Self {
        Self { credential, origin: Arc::new(CredentialOrigin { place, account: account.to_string() }) }
    }
}

/// Looks up credentials. It is asked only when a registry requires authentication.
pub trait Credentials: Send + Sync {
    /// Finds the credential for a repository: that of the longest path that contains it, or that of the registry.
    /// Without a repository, finds that of the registry. `None` if there is none. An error if there may be one that
    /// could not be read; nothing must be sent to the registry then.
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
    /// The registry that it was looked up for.
    pub host: Host,
    /// The error of the store.
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
