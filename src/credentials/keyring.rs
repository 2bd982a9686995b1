//! The OS keyring during one command. Its helper runs once for each registry, for any number of charts and any length
//! of their paths.

use std::collections::{BTreeSet, HashMap};

use super::account::Account;
use super::helper::{Helper, HelperError};
use crate::credential::Credential;

/// The answers of the keyring so far.
#[derive(Default)]
pub(super) struct Keyring {
    /// The repositories that the command is about.
    expected: BTreeSet<Account>,
    hosts: HashMap<String, KeyringAnswer>,
    /// The error after which the keyring is not asked any more, for any registry.
    gone: Option<HelperError>,
}

/// The answer of the keyring for one registry.
struct KeyringAnswer {
    asked: BTreeSet<Account>,
    /// The credentials, or the error. Errors are kept, too: a user who has dismissed a prompt does not want to see it
    /// again.
    found: Result<Vec<(Account, Credential)>, HelperError>,
}

impl Keyring {
    /// Prepares to ask the keyring about these repositories.
    pub(super) fn expecting(repositories: impl IntoIterator<Item = Account>) -> Self {
        Self { expected: repositories.into_iter().collect(), ..Self::default() }
    }

    /// The credential for a repository, with the account that it is stored for; None if there is none.
    pub(super) fn find(
        &mut self,
        repository: &Account,
    ) -> Result<Option<(Account, Credential)>, HelperError> {
        let found = self.ask(repository)?;
        let fits = |candidate: &Account| found.iter().find(|(account, _)| account == candidate);
        Ok(repository.candidates().iter().find_map(fits).cloned())
    }

    fn ask(&mut self, repository: &Account) -> Result<&[(Account, Credential)], HelperError> {
        if let Some(error) = &self.gone {
            return Err(error.clone());
        }
        let known = self.hosts.get(repository.host()).is_some_and(|answer| answer.asked.contains(repository));
        if !known {
            let here = |account: &&Account| account.host() == repository.host();
            let mut asked: BTreeSet<_> = self.expected.iter().filter(here).cloned().collect();
            asked.insert(repository.clone());
            let found = Helper::keyring().and_then(|helper| helper.find(&asked));
            if let Err(error) = &found
                && (error.is_absence() || matches!(error, HelperError::Hangs { .. }))
            {
                if error.is_silence() {
                    log::warn!(
                        "{error}; going on without it, and HELM_OCI_KEYRING=none does so without waiting"
                    );
                }
                // For every other registry the error would be the same.
                self.gone = Some(error.clone());
                return Err(error.clone());
            }
            self.hosts.insert(repository.host().to_owned(), KeyringAnswer { asked, found });
        }
        match self.hosts.get(repository.host()).map(|answer| &answer.found) {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(&[]),
        }
    }
}
