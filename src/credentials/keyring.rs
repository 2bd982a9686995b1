//! The OS keyring as one command sees it: its helper runs once for a registry, however many charts come from there and
//! however long their paths are.

use std::collections::{BTreeSet, HashMap};

use super::account::Account;
use super::helper::{Helper, HelperError};
use crate::credential::Credential;

/// What the keyring has said until now.
#[derive(Default)]
pub(super) struct Keyring {
    /// What the command is about.
    expected: BTreeSet<Account>,
    hosts: HashMap<String, KeyringAnswer>,
    /// Why it is not asked any more, for any registry.
    gone: Option<HelperError>,
}

/// What it has said about a registry.
struct KeyringAnswer {
    asked: BTreeSet<Account>,
    /// Errors are kept, too: somebody who has dismissed a prompt does not want to see it again.
    found: Result<Vec<(Account, Credential)>, HelperError>,
}

impl Keyring {
    /// One that is going to be asked for these repositories.
    pub(super) fn expecting(repositories: impl IntoIterator<Item = Account>) -> Self {
        Self { expected: repositories.into_iter().collect(), ..Self::default() }
    }

    /// The credential for a repository, and what it is kept for.
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
                // It would be the same for every other registry.
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
