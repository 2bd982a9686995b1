//! Where credentials are looked up, and in which order. Who has run `helm registry login`, `docker login` or
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

/// Why the lookup has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// One of the two variables alone.
    #[error("{set} is set without {without}")]
    Half {
        /// The one that is set.
        set: &'static str,
        /// The one that is not.
        without: &'static str,
    },
    /// A credential file.
    #[error("{0}")]
    File(#[from] FileError),
    /// A credential helper.
    #[error("{0}")]
    Helper(#[from] HelperError),
    /// A credential helper, and who wants it.
    #[error("{place} names a credential helper")]
    HelperOf {
        /// The file.
        place: CredentialPlace,
        /// What is wrong with the helper.
        source: HelperError,
    },
}

/// Which registry a credential is for, of the two that a copy is about. Every other command has one, and it is the first; some go
/// on to registries that a chart names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The one that is spoken to, or copied to.
    #[default]
    Destination,
    /// The one that is copied from.
    Source,
    /// Any other one, which a chart names. Credentials given to this command are not meant for it, only those stored for it.
    Elsewhere,
}

/// All places, in their order; the first that has a credential wins.
pub struct Lookup {
    given: Option<Credential>,
    side: Side,
    keyring: Mutex<Keyring>,
    /// What each helper of others said about each server, which it is asked once.
    answers: Mutex<HashMap<Question, Result<Option<Credential>, HelperError>>>,
}

/// A helper and a server.
type Question = (PathBuf, String);

/// A document in docker's format.
pub(super) enum DockerDocument {
    /// What somebody's command writes.
    File(Owner, PathBuf),
    /// `DOCKER_AUTH_CONFIG`.
    Variable(Zeroizing<String>),
}

impl DockerDocument {
    /// What it says, if it is there.
    pub(super) fn read(&self) -> Result<Option<CredentialFile>, FileError> {
        match self {
            Self::File(owner, path) => CredentialFile::read(*owner, path),
            Self::Variable(text) => CredentialFile::of_variable(text).map(Some),
        }
    }
}

/// The documents in docker's format, in their order. The variable stands before docker's file, as docker has it.
pub(super) fn documents() -> impl Iterator<Item = DockerDocument> {
    let file = |owner, path: Option<PathBuf>| path.map(|path| DockerDocument::File(owner, path));
    let variable = environment::docker_auth_config().map(DockerDocument::Variable);
    [file(Owner::Helm, environment::helm_registry_config()), variable]
        .into_iter()
        .chain([file(Owner::Docker, environment::docker_config())])
        .flatten()
        .chain(environment::podman_auth().into_iter().map(|path| DockerDocument::File(Owner::Podman, path)))
}

/// The credential files, in their order.
pub(super) fn files() -> impl Iterator<Item = (Owner, PathBuf)> {
    documents().filter_map(|document| match document {
        DockerDocument::File(owner, path) => Some((owner, path)),
        DockerDocument::Variable(_) => None,
    })
}

/// The credential of the environment, which is for every registry.
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
    /// One that knows the credential of the command line, if there is one there, and which repositories it will be asked
    /// for: the keyring is then asked once.
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
            // Pipelines have no keyring, and need none.
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

    /// Under the lock, so that two threads do not ask the same.
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
            // It has been asked already.
            match self.in_keyring(repository) {
                Err(error) if error.is_absence() => Ok(None),
                found => Ok(found?.map(|(account, credential)| {
                    Obtained::new(credential, CredentialPlace::Keyring, account)
                })),
            }
        });
        asked.map_err(|source| LookupError::HelperOf { place: file.place.clone(), source })
    }

    /// Under the lock, so that two threads do not ask the same.
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
