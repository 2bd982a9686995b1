//! What the commands `login`, `logout` and `status` do with the stores.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::file::{CredentialFile, FileError};
use super::helper::{Helper, HelperError};
use super::lookup::{LookupError, documents, files, of_environment};
use super::{edit, protocol, trusted};
use crate::credential::{Credential, CredentialPlace, Owner};
use crate::environment;

/// The store that `login` writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialStore {
    /// The OS keyring.
    #[default]
    Keyring,
    /// Helm's own file, in clear text unless that file names a credential helper.
    File,
}

/// Why a store was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialStoreError {
    /// A credential helper failed, or that of the keyring.
    #[error("{0}")]
    Helper(#[from] HelperError),
    /// A credential file cannot be used.
    #[error("{0}")]
    File(#[from] FileError),
    /// There is no path for Helm's file.
    #[error("there is no home directory, and HELM_REGISTRY_CONFIG is not set")]
    NoHome,
    /// The keyring accepted the credential, but does not return it.
    #[error("the OS keyring did not keep the credential")]
    NotKept,
    /// The credential is for a part of a registry, and the helper that the file names knows only whole registries.
    #[error("{} has {program} keep credentials, which knows registries as a whole and no part of one", path.display())]
    NoParts {
        /// The path of the file that names it.
        path: PathBuf,
        /// The name of the helper's program.
        program: String,
    },
    /// The credential is for a part of a registry, and Helm knows only whole registries.
    #[error("Helm has one credential for all of a registry")]
    HelmNoParts,
    /// The keyring has a credential of another user for this account.
    #[error("the keyring has one of `{kept}` for it, and the file one of `{found}`")]
    OtherUser {
        /// The user of the credential in the keyring.
        kept: String,
        /// The user of the credential in the file.
        found: String,
    },
}

/// A credential in one of the stores.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account that it is for; None if it is for every registry.
    pub account: Option<Account>,
    /// The user name.
    pub username: String,
    /// The place where it is.
    pub place: CredentialPlace,
    /// The helper to ask for the secret, if the secret was not read with the user.
    helper: Option<Helper>,
    /// The credential, if the secret was read with the user.
    credential: Option<Credential>,
}

impl Login {
    fn here(account: Option<Account>, place: CredentialPlace, credential: Credential) -> Self {
        let username = protocol::parts(&credential).0.to_owned();
        Self { account, username, place, helper: None, credential: Some(credential) }
    }

    /// Whether the secret is in clear text, for anybody who can read the file or the variable.
    pub fn is_clear_text(&self) -> bool {
        matches!(self.place, CredentialPlace::File { .. } | CredentialPlace::DockerAuthConfig)
    }

    /// Whether [`adopt`] can move it to the keyring: it is in a file, and is not a registry token, for which the
    /// keyring has no form.
    pub fn is_adoptable(&self) -> bool {
        let token = matches!(self.credential, Some(Credential::RegistryToken(_)));
        matches!(self.place, CredentialPlace::File { .. }) && !token
    }

    /// The credential itself, which the helper is asked for if need be. None if it is gone.
    pub fn credential(&self) -> Result<Option<Credential>, HelperError> {
        match (&self.credential, &self.helper, &self.account) {
            (Some(credential), _, _) => Ok(Some(credential.clone())),
            (None, Some(helper), Some(account)) => helper.get(&account.server()),
            _ => Ok(None),
        }
    }
}

fn helm_file() -> Result<PathBuf, CredentialStoreError> {
    environment::helm_registry_config().ok_or(CredentialStoreError::NoHome)
}

/// An error if the keyring cannot be asked. It is called before the user types a password in vain.
pub fn check_keyring(account: &Account) -> Result<(), CredentialStoreError> {
    Helper::keyring()?.get(&account.server())?;
    Ok(())
}

/// An error if neither Helm's file nor the helper that it names can store a credential for this account. It is called
/// before the user types a password in vain.
pub fn check_file(account: &Account) -> Result<(), CredentialStoreError> {
    helper_of_file(account).map(drop)
}

/// The path of Helm's file, and the helper that it names for the account, if any.
fn helper_of_file(account: &Account) -> Result<(PathBuf, Option<Helper>), CredentialStoreError> {
    let path = helm_file()?;
    let file = CredentialFile::read(Owner::Helm, &path)?;
    let Some(name) = file.as_ref().map(|file| file.helper(account)).transpose()?.flatten() else {
        return Ok((path, None));
    };
    let helper = Helper::named(&name)?;
    // Such a helper would store the credential under a name with a path, and never be asked for that: Helm, docker and
    // this program ask helpers other than ours for hosts only.
    if !helper.is_ours() && !account.is_host() {
        return Err(CredentialStoreError::NoParts { path, program: helper.program().to_owned() });
    }
    Ok((path, Some(helper)))
}

/// Stores a credential. Returns the place where it is then.
pub fn put(
    store: CredentialStore,
    account: &Account,
    credential: &Credential,
) -> Result<CredentialPlace, CredentialStoreError> {
    match store {
        CredentialStore::Keyring => {
            Helper::keyring()?.store(account, credential)?;
            Ok(CredentialPlace::Keyring)
        }
        CredentialStore::File => {
            let (path, helper) = helper_of_file(account)?;
            // A user who has told Helm to use a helper does not want a password in the file (docker/cli,
            // credentials/native_store.go).
            if let Some(helper) = helper {
                let program = helper.program().to_owned();
                helper.store(account, credential)?;
                edit::mark(Owner::Helm, &path, account)?;
                return Ok(CredentialPlace::Helper { program, owner: Owner::Helm });
            }
            edit::put(Owner::Helm, &path, account, credential)?;
            if is_shadowed(account, credential) {
                log::warn!(
                    "the OS keyring has another credential for {account}, which is used before this one"
                );
            }
            Ok(CredentialPlace::File { path, owner: Owner::Helm })
        }
    }
}

/// Whether Helm has a credential for a registry: in its file or in docker's, which it reads too, or with a helper that
/// one of these names.
pub fn is_known_to_helm(account: &Account) -> Result<bool, CredentialStoreError> {
    for (owner, path) in files().filter(|(owner, _)| *owner != Owner::Podman) {
        let Some(file) = CredentialFile::read(owner, &path)? else { continue };
        if file.find(&[account.whole()])?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An error if Helm cannot be told to ask the keyring for this account. It is called before the user types a password
/// in vain.
pub fn check_for_helm(account: &Account) -> Result<(), CredentialStoreError> {
    if !account.is_host() {
        return Err(CredentialStoreError::HelmNoParts);
    }
    let path = helm_file()?;
    let file = CredentialFile::read(Owner::Helm, &path)?;
    let named = file.as_ref().map(|file| file.own_helper(account)).transpose()?.flatten();
    match named.filter(|name| *name != Helper::OURS) {
        Some(other) => Err(FileError::OtherHelper { path, helper: other }.into()),
        None => Ok(()),
    }
}

/// Names our helper for the registry in Helm's file, so that Helm asks the keyring. Returns the path of the file.
pub fn put_for_helm(account: &Account) -> Result<PathBuf, CredentialStoreError> {
    let path = helm_file()?;
    edit::name_helper(Owner::Helm, &path, account, Helper::OURS)?;
    Ok(path)
}

/// The directory of our helper, if it is not on the PATH, where other programs would look for it.
pub fn missing_on_path() -> Result<Option<PathBuf>, HelperError> {
    let helper = Helper::keyring()?;
    let found = environment::on_search_path(helper.program()).is_some();
    Ok(helper.path().parent().filter(|_| !found).map(Path::to_owned))
}

/// Whether the keyring, which is asked before all files, has another credential for the account.
fn is_shadowed(account: &Account, credential: &Credential) -> bool {
    // A keyring that cannot be asked hides nothing.
    let kept = Helper::keyring().and_then(|helper| helper.get(&account.server()));
    kept.is_ok_and(|kept| kept.is_some_and(|kept| kept != *credential))
}

/// The result of [`remove`].
#[derive(Debug, Default)]
pub struct RemovedCredential {
    /// The places from which the credential was removed.
    pub from: Vec<CredentialPlace>,
    /// The places where there still is one: other programs own them.
    pub left: Vec<CredentialPlace>,
    /// Why the keyring was not asked, if it was not.
    pub no_keyring: Option<HelperError>,
    /// Whether token services that were trusted with the credential are forgotten.
    pub trust: bool,
    /// Whether Helm's file named our helper for the registry, and does so no more.
    pub for_helm: bool,
}

/// Removes a credential from the stores that `login` writes: from the keyring first, which works even if a file is
/// broken.
pub fn remove(account: &Account) -> Result<RemovedCredential, CredentialStoreError> {
    let (mut removed, mut failed) = (RemovedCredential::default(), None);
    match Helper::keyring().and_then(|helper| helper.erase(account)) {
        Ok(true) => removed.from.push(CredentialPlace::Keyring),
        Ok(false) => {}
        Err(error) if error.is_absence() => removed.no_keyring = Some(error),
        // If the keyring fails, the credential need not stay elsewhere in clear text.
        Err(error) => failed = Some(error),
    }
    for (owner, path) in files() {
        match (owner, remove_from(owner, &path, account, &mut removed)) {
            (_, Ok(())) => {}
            (Owner::Helm, Err(error)) => return Err(error),
            // A broken file of another program is not ours to report.
            (_, Err(error)) => log::debug!("{error}"),
        }
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    removed.trust = forget_trust(account)?;
    if matches!(of_environment(), Ok(Some(_))) {
        removed.left.push(CredentialPlace::Environment);
    }
    // A variable that cannot be read has been reported where it was needed.
    let variable = environment::docker_auth_config().map(|text| CredentialFile::of_variable(&text));
    if let Some(Ok(document)) = variable
        && document.entries().is_ok_and(|entries| entries.iter().any(|(found, _)| found == account))
    {
        removed.left.push(CredentialPlace::DockerAuthConfig);
    }
    Ok(removed)
}

/// Removes a credential from Helm's file, and from the helper that it names. If another program's file has one, that is
/// recorded only.
fn remove_from(
    owner: Owner,
    path: &Path,
    account: &Account,
    removed: &mut RemovedCredential,
) -> Result<(), CredentialStoreError> {
    let Some(file) = CredentialFile::read(owner, path)? else { return Ok(()) };
    let in_clear = file.entries()?.iter().any(|(found, _)| found == account);
    if owner == Owner::Helm && account.is_host() {
        removed.for_helm = edit::forget_helper(owner, path, account, Helper::OURS)?;
    }
    // If the helper is ours, the keyring has been asked already.
    let helper = file
        .helper(account)?
        .map(|name| Helper::named(&name))
        .transpose()?
        .filter(|helper| !helper.is_ours());
    if let Some(helper) = &helper
        && helper.get(&account.server())?.is_some()
    {
        let place = CredentialPlace::Helper { program: helper.program().to_owned(), owner };
        if owner == Owner::Helm {
            helper.erase(account)?;
            removed.from.push(place);
        } else {
            removed.left.push(place);
        }
    }
    if owner != Owner::Helm {
        removed.left.extend((in_clear && helper.is_none()).then(|| file.place.clone()));
    } else if edit::remove(owner, path, account)? && in_clear {
        removed.from.push(file.place);
    }
    Ok(())
}

/// Forgets the token services that the registry of this account is trusted with, unless another login to it needs them.
/// Returns whether there were any.
fn forget_trust(account: &Account) -> Result<bool, CredentialStoreError> {
    if !trusted::realms_by_registry()?.contains_key(account.host()) {
        return Ok(false);
    }
    let helm = helm_file().ok().map(|path| CredentialPlace::File { path, owner: Owner::Helm });
    let needed = logins().found.iter().any(|login| {
        let ours = login.place == CredentialPlace::Keyring || Some(&login.place) == helm.as_ref();
        ours && login.account.as_ref().is_some_and(|a| a.host() == account.host())
    });
    Ok(!needed && trusted::forget(account)?)
}

/// All credentials, in the order in which the places are asked.
#[derive(Debug)]
pub struct Logins {
    /// The credentials.
    pub found: Vec<Login>,
    /// The stores that could not be read, and why.
    pub errors: Vec<LookupError>,
    /// Whether there is a keyring that answers.
    pub has_keyring: bool,
}

/// Reads the logins of all stores. Stores that cannot be read are recorded in the result.
pub fn logins() -> Logins {
    let (mut found, mut errors, mut has_keyring) = (Vec::new(), Vec::new(), false);
    match of_environment() {
        Ok(credential) => {
            found.extend(credential.map(|c| Login::here(None, CredentialPlace::Environment, c)));
        }
        Err(error) => errors.push(error),
    }
    match Helper::keyring().and_then(|helper| listed(&helper, &CredentialPlace::Keyring)) {
        Ok(logins) => {
            has_keyring = true;
            found.extend(logins);
        }
        // The user has chosen to have no keyring, and need not be told.
        Err(error) if error.is_chosen() => {}
        Err(error) => errors.push(error.into()),
    }
    let mut failed = Failed::default();
    for document in documents() {
        match document.read() {
            Ok(Some(file)) => in_file(&file, &mut found, &mut errors, &mut failed),
            Ok(None) => {}
            Err(error) => errors.push(error.into()),
        }
    }
    Logins { found, errors, has_keyring }
}

/// The errors of helpers so far. A helper may give the same error for each registry that it is named for, and is
/// reported once. A helper that hangs is not run again.
#[derive(Default)]
struct Failed {
    told: BTreeSet<String>,
    hanging: BTreeSet<String>,
}

impl Failed {
    /// Records an error. Returns whether it is a new one.
    fn is_news(&mut self, error: &HelperError) -> bool {
        if let HelperError::Hangs { program } = error {
            self.hanging.insert(program.clone());
        }
        self.told.insert(error.to_string())
    }
}

fn listed(helper: &Helper, place: &CredentialPlace) -> Result<Vec<Login>, HelperError> {
    let login = |(server, username): (String, String)| Login {
        account: Some(Account::from_server(&server)),
        username,
        place: place.clone(),
        helper: Some(helper.clone()),
        credential: None,
    };
    Ok(helper.list()?.into_iter().map(login).collect())
}

fn in_file(
    file: &CredentialFile,
    found: &mut Vec<Login>,
    errors: &mut Vec<LookupError>,
    failed: &mut Failed,
) {
    let helpers = file.helpers().unwrap_or_else(|error| {
        errors.push(error.into());
        Vec::new()
    });
    for (account, name) in helpers {
        let asked = Helper::named(&name).and_then(|helper| {
            // What the keyring has is in the list already.
            if helper.is_ours() || failed.hanging.contains(helper.program()) {
                return Ok(Vec::new());
            }
            let place = CredentialPlace::Helper { program: helper.program().to_owned(), owner: file.owner };
            match account {
                None => listed(&helper, &place),
                Some(account) => {
                    let credential = helper.get(&account.server())?;
                    Ok(credential.map(|c| Login::here(Some(account), place, c)).into_iter().collect())
                }
            }
        });
        match asked {
            Ok(logins) => found.extend(logins),
            Err(source) if failed.is_news(&source) => {
                errors.push(LookupError::HelperOf { place: file.place.clone(), source });
            }
            Err(_) => {}
        }
    }
    // Credentials in clear text are listed even if a helper is asked instead: they can still be read.
    match file.entries() {
        Err(error) => errors.push(error.into()),
        Ok(entries) => {
            let place = || file.place.clone();
            found.extend(entries.into_iter().map(|(account, c)| Login::here(Some(account), place(), c)));
        }
    }
}

/// Moves a credential from the first file that has it in clear text to the keyring, and returns the path of the file;
/// `None` if no file has it. An error if the keyring has one of another user, unless `replaces` is true.
pub fn adopt(account: &Account, replaces: bool) -> Result<Option<PathBuf>, CredentialStoreError> {
    for (owner, path) in files() {
        let Some(file) = CredentialFile::read(owner, &path)? else { continue };
        let entry = file.entries()?.into_iter().find(|(found, _)| found == account);
        let Some((_, credential)) = entry else { continue };
        if matches!(credential, Credential::RegistryToken(_)) {
            return Err(FileError::RegistryToken.into());
        }
        if !replaces && let Some(kept) = Helper::keyring()?.get(&account.server())? {
            let [kept, found] =
                [&kept, &credential].map(|credential| protocol::parts(credential).0.to_owned());
            if kept != found {
                return Err(CredentialStoreError::OtherUser { kept, found });
            }
        }
        move_to_keyring(owner, &path, account, &credential)?;
        return Ok(Some(path));
    }
    Ok(None)
}

fn move_to_keyring(
    owner: Owner,
    path: &Path,
    account: &Account,
    credential: &Credential,
) -> Result<(), CredentialStoreError> {
    let keyring = Helper::keyring()?;
    keyring.store(account, credential)?;
    // It is removed from the file only when the keyring returns it.
    if keyring.get(&account.server())?.as_ref() != Some(credential) {
        return Err(CredentialStoreError::NotKept);
    }
    edit::remove(owner, path, account)?;
    Ok(())
}
