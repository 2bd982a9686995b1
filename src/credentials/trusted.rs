//! The token services that a user trusts with credentials of a registry, by the registry's origin. A login with
//! `--trust-realm` that succeeds adds them.
//!
//! They are stored beside Helm's credentials, and not in a cache, because it is the user's decision who may get a
//! password. A registry cannot add anything here: what it names is kept elsewhere, as hints, and checked each time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use super::account::Account;
use super::edit::lock;
use super::file::FileError;
use crate::credential::{CredentialPlace, Owner};
use crate::disk::{AtPath as _, make_private_dirs, replace, target};
use crate::environment;
use crate::reference::Host;

/// The hosts of token services, by the origin of the registry whose credentials they may get.
type Trusted = BTreeMap<String, BTreeSet<String>>;

/// The token services that may get credentials of the registry at this origin, such as `https://registry.example.com`.
/// If the file cannot be read, none, with a warning.
pub fn realms(origin: &str) -> Vec<Host> {
    let found = all().unwrap_or_else(|error| {
        log::warn!("{error}");
        Trusted::new()
    });
    found.get(origin).into_iter().flatten().filter_map(|host| host.parse().ok()).collect()
}

/// All trusted token services, by the registry's host: its http and https origins count as one. An error if the file
/// cannot be read.
pub fn realms_by_registry() -> Result<BTreeMap<String, BTreeSet<String>>, FileError> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for (origin, hosts) in all()? {
        found.entry(registry(&origin)).or_default().extend(hosts);
    }
    Ok(found)
}

/// Adds token services to those that are trusted for the registry at this origin.
pub fn remember(origin: &str, hosts: &[Host]) -> Result<(), FileError> {
    let Some(path) = environment::trusted_realms() else { return Ok(()) };
    edit(&path, |trusted| {
        let known = trusted.entry(origin.to_owned()).or_default();
        let before = known.len();
        known.extend(hosts.iter().map(ToString::to_string));
        known.len() != before
    })
    .map(drop)
}

/// Removes all trusted token services of a registry. Returns whether there were any.
pub(super) fn forget(account: &Account) -> Result<bool, FileError> {
    match environment::trusted_realms().filter(|path| path.is_file()) {
        None => Ok(false),
        Some(path) => edit(&path, |trusted| {
            let before = trusted.len();
            trusted.retain(|origin, _| registry(origin) != account.host());
            trusted.len() != before
        }),
    }
}

/// The host of the registry at an origin, as [`Account`] has it.
fn registry(origin: &str) -> String {
    Account::from_server(origin).host().to_owned()
}

fn all() -> Result<Trusted, FileError> {
    environment::trusted_realms().map_or_else(|| Ok(Trusted::new()), |path| read(&path))
}

fn read(path: &Path) -> Result<Trusted, FileError> {
    match fs::read(path) {
        Ok(bytes) => {
            let place = || CredentialPlace::File { path: path.to_owned(), owner: Owner::Helm };
            serde_json::from_slice(&bytes).map_err(|source| FileError::Json { place: place(), source })
        }
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Trusted::new())
        }
        Err(e) => Err(e).at("read", path).map_err(FileError::Disk),
    }
}

/// Changes the file. `change` returns whether it changed something; if not, nothing is written. A file that cannot be
/// read is not changed.
fn edit(path: &Path, change: impl FnOnce(&mut Trusted) -> bool) -> Result<bool, FileError> {
    let path = target(path);
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private_dirs(directory).at("create directory", directory)?;
    let _lock = lock(&path)?;
    let mut trusted = read(&path)?;
    if !change(&mut trusted) {
        return Ok(false);
    }
    let text = serde_json::to_vec_pretty(&trusted).map_err(io::Error::other).at("write", &path)?;
    replace(&path, &text, true)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::disk::testing;

    #[test]
    fn many_at_once_lose_nothing_and_what_cannot_be_read_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oci/trusted-realms.json");
        thread::scope(|scope| {
            for n in 0..16 {
                let path = &path;
                scope.spawn(move || {
                    edit(path, |trusted| {
                        trusted.entry("https://r".into()).or_default().insert(format!("h{n}"))
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(read(&path).unwrap()["https://r"].len(), 16);
        fs::write(&path, "{ no JSON").unwrap();
        assert!(edit(&path, |_| true).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{ no JSON");
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, real) =
            (directory.path().join("oci/trusted-realms.json"), directory.path().join("dotfiles/realms.json"));
        fs::create_dir(directory.path().join("oci")).unwrap();
        testing::link("../dotfiles/realms.json", &path);
        // A link to a file that does not exist yet, and one to a file that exists.
        for host in ["a", "b"] {
            edit(&path, |trusted| trusted.entry("https://r".into()).or_default().insert(host.into()))
                .unwrap();
            assert!(path.is_symlink());
        }
        assert!(fs::symlink_metadata(&real).unwrap().is_file());
        assert_eq!(read(&path).unwrap()["https://r"].len(), 2);
        assert!(edit(&path, |trusted| trusted.remove("https://r").is_some()).unwrap());
        assert!(path.is_symlink() && read(&real).unwrap().is_empty());
    }
}
