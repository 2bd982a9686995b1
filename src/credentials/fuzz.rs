//! Fuzz targets for credentials: see `crate::fuzz`.

use super::account::Account;
use super::file::CredentialFile;
use super::helper::Helper;
use super::protocol::HelperCredential;
use crate::credential::{CredentialPlace, Owner};

/// Reads the data as a file in docker's format, and as the answer of a helper. Neither may panic.
pub fn credential_file(data: &[u8]) {
    let candidates = Account::from_server("localhost:5000/a/b").candidates();
    for owner in [Owner::Helm, Owner::Docker, Owner::Podman] {
        let place = CredentialPlace::File { path: "config.json".into(), owner };
        match CredentialFile::parse(owner, place, data) {
            Err(error) => drop(error.to_string()),
            Ok(file) => {
                let _ = (file.find(&candidates), file.entries());
                for (_, name) in file.helpers().into_iter().flatten() {
                    // Only the name of the program is made; no program is run.
                    if let Ok(helper) = Helper::named(&name) {
                        assert!(!helper.program().contains('/'), "{}", helper.program());
                    }
                }
            }
        }
    }
    if let Ok(entry) = HelperCredential::read(data) {
        let _ = entry.credential();
    }
}
