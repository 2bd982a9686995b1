//! Looks up credentials in all places, in a fixed order. A user who has run `helm registry login`, `docker login` or
//! `podman login` is logged in here, too.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use zeroize::Zeroizing;

use super::account::Account;
use super::file::{CredentialFile, FileError, Kept};
use super::helper::{Helper, HelperError};
use super::keyring::Keyring;
use super::protocol;
use crate::credential::{
    Credential, CredentialPlace, Credentials, CredentialsError, Obtained, Owner, Secret,
};
use crate::environment;
use crate::reference::{Host, Repository};
use crate::threads::locked;

/// Why a lookup failed.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Of the variables for user and password only one is set.
    #[error("{set} is set without {without}")]
    Half {
        /// The variable that is set.
        set: &'static str,
        /// The variable that is not set.
        without: &'static str,
    },
    /// A credential file cannot be used.
    #[error("{0}")]
    File(#[from] FileError),
    /// The helper of the OS keyring failed.
    #[error("{0}")]
    Helper(#[from] HelperError),
    /// A credential helper failed that a credential file names.
    #[error("{place} names a credential helper")]
    HelperOf {
        /// The file that names the helper.
        place: CredentialPlace,
        /// The error of the helper.
        source: HelperError,
    },
}

/// The part that a registry plays in a command. A copy has two registries; other commands have one, the destination.
/// Some commands also ask registries that a chart names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The registry that a command talks to, or copies to.
    #[default]
    Destination,
    /// The registry that a copy reads from.
    Source,
    /// A registry that a chart names. Credentials that were given for this command are not used for it, only stored
    /// ones.
    Elsewhere,
}

/// Looks up a credential in all places, in their order. The first one that has a credential is used.
pub struct Lookup {
    given: Option<Credential>,
    side: Side,
    keyring: Mutex<Keyring>,
    /// The answers of helpers other than ours. Each is asked once about each server.
    answers: Mutex<HashMap<Question, Result<Option<Credential>, HelperError>>>,
}

/// The path of a helper, and a server.
type Question = (PathBuf, String);

/// A place that holds a document in docker's format.
pub(super) enum DockerDocument {
    /// A credential file, and the program that it belongs to.
    File(Owner, PathBuf),
    /// The value of `DOCKER_AUTH_CONFIG`.
    Variable(Zeroizing<String>),
}

impl DockerDocument {
    /// Reads the document; None if it does not exist.
    pub(super) fn read(&self) -> Result<Option<CredentialFile>, FileError> {
        match self {
            Self::File(owner, path) => CredentialFile::read(*owner, path),
            Self::Variable(text) => CredentialFile::of_variable(text).map(Some),
        }
    }
}

/// The documents in docker's format, in the order in which they are asked. As in docker, the variable comes before
/// docker's file.
pub(super) fn documents() -> impl Iterator<Item = DockerDocument> {
    let file = |owner, path: Option<PathBuf>| path.map(|path| DockerDocument::File(owner, path));
    let variable = environment::docker_auth_config().map(DockerDocument::Variable);
    [file(Owner::Helm, environment::helm_registry_config()), variable]
        .into_iter()
        .chain([file(Owner::Docker, environment::docker_config())])
        .flatten()
        .chain(environment::podman_auth().into_iter().map(|path| DockerDocument::File(Owner::Podman, path)))
}

/// The credential files, in the order in which they are asked.
pub(super) fn files() -> impl Iterator<Item = (Owner, PathBuf)> {
    documents().filter_map(|document| match document {
        DockerDocument::File(owner, path) => Some((owner, path)),
        DockerDocument::Variable(_) => None,
    })
}

/// The credential in `HELM_OCI_USERNAME` and `HELM_OCI_PASSWORD`, which is for every registry. An error if only one of
/// the two is set.
pub fn of_environment() -> Result<Option<Credential>, LookupError> {
    of_variables(environment::LOGIN)
}

fn of_variables([user, password]: [&'static str; 2]) -> Result<Option<Credential>, LookupError> {
    match (environment::variable(user), environment::variable(password)) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => Ok(protocol::from_parts(&username, Secret::new(password))),
        (Some(_), None) => Err(LookupError::Half { set: user, without: password }),
        (None, Some(_)) => Err(LookupError::Half { set: password, without: user }),
    }
}

impl Lookup {
    /// A lookup with the credential of the command line, if there is one, for a registry of this side. If the
    /// `repositories` it will be asked about are known, the keyring is asked only once.
    pub fn new(
        given: Option<Credential>,
        side: Side,
        repositories: impl IntoIterator<Item = Account>,
    ) -> Self {
        Self { given, side, keyring: Mutex::new(Keyring::expecting(repositories)), answers: Mutex::default() }
    }

    fn search(&self, repository: &Account) -> Result<Option<Obtained>, LookupError> {
        let whole = repository.whole();
        let found = self.first(repository, &whole)?;
        match &found {
            Some(found) => log::debug!("{repository}: {}", found.origin),
            None => log::debug!("{repository}: no credential anywhere"),
        }
        Ok(found)
    }

    fn first(&self, repository: &Account, whole: &Account) -> Result<Option<Obtained>, LookupError> {
        if let Some(given) = &self.given {
            return Ok(Some(Obtained::new(given.clone(), CredentialPlace::CommandLine, whole)));
        }
        let variables = match self.side {
            Side::Destination => Some((environment::LOGIN, CredentialPlace::Environment)),
            Side::Source => Some((environment::FROM_LOGIN, CredentialPlace::SourceEnvironment)),
            Side::Elsewhere => None,
        };
        if let Some((variables, place)) = variables
            && let Some(credential) = of_variables(variables)?
        {
            return Ok(Some(Obtained::new(credential, place, whole)));
        }
        match self.in_keyring(repository) {
            Ok(None) => {}
            Ok(Some((account, credential))) => {
                return Ok(Some(Obtained::new(credential, CredentialPlace::Keyring, account)));
            }
            // Pipelines have no keyring and need none.
            Err(error) if error.is_absence() => log::debug!("{error}"),
            Err(error) => return Err(error.into()),
        }
        for document in documents() {
            if let Some(file) = document.read()?
                && let Some(found) = self.in_file(&file, repository)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Asks the keyring under the lock, so that two threads do not ask the same thing.
    fn in_keyring(&self, repository: &Account) -> Result<Option<(Account, Credential)>, HelperError> {
        locked(&self.keyring).find(repository)
    }

    fn in_file(&self, file: &CredentialFile, repository: &Account) -> Result<Option<Obtained>, LookupError> {
        let name = match file.find(&repository.candidates())? {
            None => return Ok(None),
            Some(Kept::Here(account, credential)) => {
                return Ok(Some(Obtained::new(credential, file.place.clone(), account)));
            }
            Some(Kept::Helper(name)) => name,
        };
        let whole = repository.whole();
        let asked = Helper::named(&name).and_then(|helper| {
            if !helper.is_ours() {
                let place =
                    CredentialPlace::Helper { program: helper.program().to_owned(), owner: file.owner };
                let credential = self.ask(&helper, &whole.server())?;
                return Ok(credential.map(|credential| Obtained::new(credential, place, whole)));
            }
            // The keyring has been asked already.
            match self.in_keyring(repository) {
                Err(error) if error.is_absence() => Ok(None),
                found => Ok(found?.map(|(account, credential)| {
                    Obtained::new(credential, CredentialPlace::Keyring, account)
                })),
            }
        });
        asked.map_err(|source| LookupError::HelperOf { place: file.place.clone(), source })
    }

    /// Asks a helper under the lock, so that two threads do not ask the same thing.
    fn ask(&self, helper: &Helper, server: &str) -> Result<Option<Credential>, HelperError> {
        let mut answers = locked(&self.answers);
        let question = (helper.path().to_owned(), server.to_owned());
        answers.entry(question).or_insert_with(|| helper.get(server)).clone()
    }
}

impl Credentials for Lookup {
    fn find(
        &self,
        host: &Host,
        repository: Option<&Repository>,
    ) -> Result<Option<Obtained>, CredentialsError> {
        let whole = || Account::from_server(host.as_str());
        self.search(&repository.map_or_else(whole, |repository| Account::of(host, repository)))
            .map_err(|error| CredentialsError { host: host.clone(), source: Box::new(error) })
    }
}
