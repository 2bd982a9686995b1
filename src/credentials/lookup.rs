//! Where credentials are looked up, and in which order. Who has run `helm registry login`, `docker login` or
//! `podman login` is logged in here, too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::file::{CredentialFile, FileError, Kept, Owner};
use super::helper::{Helper, HelperError};
use super::keyring::Keyring;
use super::{Account, protocol};
use crate::credential::{Credential, Credentials, CredentialsError, Secret};
use crate::environment;
use crate::reference::{Host, Repository};

/// Why the lookup has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// One of the two variables alone.
    #[error("{set} is set without {}", environment::LOGIN.iter().find(|name| *name != set).unwrap_or(set))]
    Half {
        /// The one that is set.
        set: &'static str,
    },
    /// A credential file.
    #[error("{0}")]
    File(#[from] FileError),
    /// A credential helper.
    #[error("{0}")]
    Helper(#[from] HelperError),
    /// A credential helper, and who wants it.
    #[error("{} names a credential helper", file.display())]
    HelperOf {
        /// The file.
        file: PathBuf,
        /// What is wrong with the helper.
        source: HelperError,
    },
}

/// All places, in their order; the first that has a credential wins.
#[derive(Default)]
pub struct Lookup {
    given: Option<Credential>,
    keyring: Mutex<Keyring>,
    /// What each helper of others said about each server, which it is asked once.
    answers: Mutex<HashMap<Question, Result<Option<Credential>, HelperError>>>,
}

/// A helper and a server.
type Question = (PathBuf, String);

/// The credential files, in their order.
pub(super) fn files() -> impl Iterator<Item = (Owner, PathBuf)> {
    [
        (Owner::Helm, environment::helm_registry_config()),
        (Owner::Docker, environment::docker_config()),
        (Owner::Podman, environment::podman_auth()),
    ]
    .into_iter()
    .filter_map(|(owner, path)| Some((owner, path?)))
}

/// The credential of the environment, which is for every registry.
pub fn of_environment() -> Result<Option<Credential>, LookupError> {
    let [user, password] = environment::LOGIN;
    match (environment::variable(user), environment::variable(password)) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => Ok(protocol::from_parts(&username, Secret::new(password))),
        (Some(_), None) => Err(LookupError::Half { set: user }),
        (None, Some(_)) => Err(LookupError::Half { set: password }),
    }
}

impl Lookup {
    /// One that knows the credential of the command line, if there is one there, and which repositories it will be asked
    /// for: the keyring is then asked once.
    pub fn new(given: Option<Credential>, repositories: impl IntoIterator<Item = Account>) -> Self {
        Self { given, keyring: Mutex::new(Keyring::expecting(repositories)), answers: Mutex::default() }
    }

    fn search(&self, repository: &Account) -> Result<Option<Credential>, LookupError> {
        let whole = repository.whole();
        if let Some(given) = &self.given {
            log::debug!("{whole}: the credential of the command line");
            return Ok(Some(given.clone()));
        }
        if let Some(credential) = of_environment()? {
            log::debug!("{whole}: the credential of {}", environment::LOGIN[0]);
            return Ok(Some(credential));
        }
        match self.in_keyring(repository) {
            Ok(None) => {}
            Ok(Some((account, credential))) => {
                log::debug!("{account}: the credential of the OS keyring");
                return Ok(Some(credential));
            }
            // Pipelines have no keyring, and need none.
            Err(error) if error.is_absence() => log::debug!("{error}"),
            Err(error) => return Err(error.into()),
        }
        for (owner, path) in files() {
            if let Some(credential) = self.in_file(owner, &path, repository)? {
                log::debug!("{whole}: the credential of {}", path.display());
                return Ok(Some(credential));
            }
        }
        log::debug!("{whole}: no credential anywhere");
        Ok(None)
    }

    /// Under the lock, so that two threads do not ask the same.
    fn in_keyring(&self, repository: &Account) -> Result<Option<(Account, Credential)>, HelperError> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner).find(repository)
    }

    fn in_file(
        &self,
        owner: Owner,
        path: &Path,
        repository: &Account,
    ) -> Result<Option<Credential>, LookupError> {
        let Some(file) = CredentialFile::read(owner, path)? else { return Ok(None) };
        let name = match file.find(&repository.candidates())? {
            None => return Ok(None),
            Some(Kept::Here(credential)) => return Ok(Some(credential)),
            Some(Kept::Helper(name)) => name,
        };
        let asked = Helper::named(&name).and_then(|helper| match helper.is_ours() {
            // It has been asked already.
            true => Ok(self.in_keyring(repository)?.map(|(_, credential)| credential)),
            false => self.ask(&helper, &repository.whole().server()),
        });
        asked.map_err(|source| LookupError::HelperOf { file: path.to_owned(), source })
    }

    /// Under the lock, so that two threads do not ask the same.
    fn ask(&self, helper: &Helper, server: &str) -> Result<Option<Credential>, HelperError> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let question = (helper.path().to_owned(), server.to_owned());
        answers.entry(question).or_insert_with(|| helper.get(server)).clone()
    }
}

impl Credentials for Lookup {
    fn find(&self, host: &Host, repository: &Repository) -> Result<Option<Credential>, CredentialsError> {
        self.search(&Account::of(host, repository))
            .map_err(|error| CredentialsError { host: host.clone(), source: Box::new(error) })
    }
}
