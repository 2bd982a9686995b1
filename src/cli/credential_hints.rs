//! Hints for credentials that are refused, and for keyrings that are missing or locked.

use super::exit_code::{EXISTS, FAILED, USAGE};
use crate::credential::{CredentialOrigin, CredentialPlace, Owner};
use crate::credentials::stores::CredentialStoreError;
use crate::credentials::{FileError, HelperError, LookupError};
use crate::environment;

/// Another place for a credential. None is ever stored in clear text unless the user asks for that.
const IN_A_FILE: &str = "--store=file keeps it in Helm's file, in clear text unless that has a credsStore";

/// A way without storing a credential.
const NOWHERE: &str = "HELM_OCI_USERNAME and HELM_OCI_PASSWORD keep it nowhere";

/// The hint for the kernel's keyring, which needs no daemon; empty if that is the one that fails.
fn kernels_keyring() -> &'static str {
    match environment::keyring().as_deref() {
        Some("keyutils") => "",
        _ if cfg!(target_os = "linux") => "HELM_OCI_KEYRING=keyutils in the kernel's, until the next start; ",
        _ => "",
    }
}

/// The hint for a credential that a registry has refused. A user who has just given one is not told to log in.
pub(super) fn refused(origin: &CredentialOrigin, why: &str) -> String {
    let login = format!("helm oci registry login {}", origin.account);
    let login = match &origin.place {
        CredentialPlace::CommandLine => return format!("{origin} {why}"),
        CredentialPlace::Environment | CredentialPlace::SourceEnvironment => {
            return format!("{origin} {why}; without it, what is stored is used");
        }
        CredentialPlace::Keyring
        | CredentialPlace::Helper { owner: Owner::Helm, .. }
        | CredentialPlace::File { owner: Owner::Helm, .. } => format!("{login} replaces it"),
        CredentialPlace::Helper { .. } | CredentialPlace::File { .. } | CredentialPlace::DockerAuthConfig => {
            format!("{login} comes before it")
        }
    };
    let logout = origin.logout().map(|logout| format!(", {logout} forgets it")).unwrap_or_default();
    format!("{origin} {why}: {login}{logout}")
}

/// The hint for credentials that cannot be looked up.
pub(super) fn of_lookup(error: &LookupError) -> Option<(u8, Option<String>)> {
    let helper = match error {
        LookupError::HelperOf { place, source: HelperError::NotInstalled(program) } => {
            return Some((FAILED, Some(format!("put {program} on the PATH, or take it out of {place}"))));
        }
        LookupError::HelperOf { source, .. } | LookupError::Helper(source) => source,
        LookupError::Half { .. } | LookupError::File(_) => return None,
    };
    let without = "HELM_OCI_KEYRING=none goes on without it; HELM_OCI_USERNAME and HELM_OCI_PASSWORD, or -u USER \
                   --password-stdin, need none";
    Some((FAILED, helper.is_locked().then(|| without.to_owned())))
}

/// The hint for a credential helper that fails.
pub(super) fn of_helper(error: &HelperError) -> Option<(u8, Option<String>)> {
    if let HelperError::NotInstalled(program) = error
        && error.is_absence()
    {
        return Some((FAILED, Some(beside(program))));
    }
    if error.is_absence() {
        let kernels = kernels_keyring().trim_end_matches("; ");
        return (!kernels.is_empty()).then(|| (FAILED, Some(kernels.replace(" in the", " is the"))));
    }
    let more = "sysctl kernel.keys.maxbytes and kernel.keys.maxkeys raise it";
    let hint = || format!("helm oci registry logout makes room, and {more}; {IN_A_FILE}; {NOWHERE}");
    error.is_full().then(|| (FAILED, Some(hint())))
}

/// The hint for our own helper, if it is missing.
fn beside(program: &str) -> String {
    format!("{program} belongs beside this executable, or on the PATH: install both")
}

/// The choices of a user who logs in while the keyring is missing or locked.
pub fn keyring_choices(error: &CredentialStoreError) -> Option<String> {
    let CredentialStoreError::Helper(error) = error else { return None };
    let choices = format!("{IN_A_FILE}; {}{NOWHERE}", kernels_keyring());
    match error {
        HelperError::NotInstalled(program) if error.is_absence() => {
            Some(format!("{}; without it: {IN_A_FILE}; {NOWHERE}", beside(program)))
        }
        error if error.is_absence() => Some(choices),
        error if error.is_locked() => Some(format!(
            "unlock it where it can ask for its password, which it cannot over SSH; or {choices}"
        )),
        _ => None,
    }
}

/// The hint for a store that cannot take a credential.
pub(super) fn of_store(error: &CredentialStoreError) -> Option<(u8, Option<String>)> {
    let hint = |text: &str| Some(text.to_owned());
    match error {
        CredentialStoreError::NoParts { .. } => Some((
            USAGE,
            hint("log in to the registry as a whole, or without --store=file: the keyring knows parts"),
        )),
        CredentialStoreError::HelmNoParts => {
            Some((USAGE, hint("log in to the registry as a whole, or without --for-helm")))
        }
        CredentialStoreError::OtherUser { .. } => {
            Some((EXISTS, hint("--force replaces what the keyring has")))
        }
        CredentialStoreError::File(FileError::OtherHelper { .. }) => {
            Some((EXISTS, hint("take that out there, or leave --for-helm away")))
        }
        CredentialStoreError::Helper(_)
        | CredentialStoreError::File(_)
        | CredentialStoreError::NoHome
        | CredentialStoreError::NotKept => None,
    }
}
