//! Changing a credential file: whole or not at all, one process at a time, and nothing lost that we do not know.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize as _;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::file::{CredentialFile, FileError, Owner, wipe};
use super::{Account, protocol};
use crate::credential::{Credential, Secret};
use crate::disk::{At as _, PathError, replace, uninterrupted};

/// Puts a credential into a file, in clear text as the format has it.
pub(super) fn put(
    owner: Owner,
    path: &Path,
    account: &Account,
    credential: &Credential,
) -> Result<(), FileError> {
    let entry = match credential {
        Credential::IdentityToken(token) => json!({ "identitytoken": token.expose() }),
        Credential::Basic { username, .. } if username.contains(':') => {
            return Err(FileError::Colon(path.to_owned()));
        }
        Credential::Basic { .. } => {
            let (username, password) = protocol::parts(credential);
            let pair = Secret::new(format!("{username}:{}", password.expose()));
            json!({ "auth": BASE64_STANDARD.encode(pair.expose()) })
        }
    };
    set(owner, path, account, entry)
}

/// Leaves docker's mark that a helper has the credential: an empty entry (docker/cli, credentials/native_store.go).
pub(super) fn mark(owner: Owner, path: &Path, account: &Account) -> Result<(), FileError> {
    set(owner, path, account, json!({}))
}

fn set(owner: Owner, path: &Path, account: &Account, entry: Value) -> Result<(), FileError> {
    edit(owner, path, |auths| {
        // All spellings of one registry are one entry.
        auths.retain(|key, _| Account::from_server(key) != *account);
        auths.insert(account.server(), entry);
        true
    })
    .map(drop)
}

/// Takes a credential out of a file. Whether it was there.
pub(super) fn remove(owner: Owner, path: &Path, account: &Account) -> Result<bool, FileError> {
    if !path.is_file() {
        return Ok(false);
    }
    edit(owner, path, |auths| {
        let before = auths.len();
        auths.retain(|key, _| Account::from_server(key) != *account);
        auths.len() != before
    })
}

/// Changes `auths`. Whether `change` says that there is a change; without one nothing is written.
fn edit(
    owner: Owner,
    path: &Path,
    change: impl FnOnce(&mut Map<String, Value>) -> bool,
) -> Result<bool, FileError> {
    let path = target(path);
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private(directory)?;
    let _lock = lock(&path)?;
    // Read under the lock: what another process has written until now is kept.
    let file = CredentialFile::read(owner, &path)?;
    let mut document = Wiped(file.map(CredentialFile::into_document).unwrap_or_default());
    let auths = document.0.entry("auths").or_insert_with(|| json!({}));
    if auths.is_null() {
        *auths = json!({});
    }
    let Value::Object(auths) = auths else {
        return Err(FileError::Form { path, field: "auths".to_owned() });
    };
    if !change(auths) {
        return Ok(false);
    }
    let mut text = Zeroizing::new(Vec::new());
    let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let written = document.0.serialize(&mut serde_json::Serializer::with_formatter(&mut *text, tabs));
    written.map_err(io::Error::other).at("write", &path)?;
    replace(&path, &text, true)?;
    Ok(true)
}

/// A document that is wiped when it is dropped.
struct Wiped(Map<String, Value>);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Where a file really is: people keep theirs as links into other places, and a rename would cut them.
fn target(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    // A link to a file that is yet to be.
    match fs::read_link(path) {
        Ok(to) => path.parent().map_or_else(|| to.clone(), |parent| parent.join(&to)),
        Err(_) => path.to_owned(),
    }
}

pub(super) fn make_private(directory: &Path) -> Result<(), PathError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory).at("create directory", directory)
}

/// Holds off others of us until it is dropped. Helm and docker know no lock; the time in which they could come between
/// is that of one small file.
pub(super) fn lock(path: &Path) -> Result<File, PathError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&name).at("lock", &name)?;
    uninterrupted(|| file.lock()).at("lock", &name)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn basic(username: &str) -> Credential {
        Credential::Basic { username: username.into(), password: Secret::new("secret".into()) }
    }

    #[test]
    fn a_file_keeps_what_we_do_not_know_and_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry/config.json");
        let account = Account::from_server("h:5000");
        put(Owner::Helm, &path, &account, &basic("me")).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "{\n\t\"auths\": {\n\t\t\"h:5000\": {\n\t\t\t\"auth\": \"bWU6c2VjcmV0\"\n\t\t}\n\t}\n}"
        );
        fs::write(&path, r#"{"auths":{"https://h:5000/":{"auth":"eDp4"},"g":{"x":1}},"other":{"a":[1]}}"#)
            .unwrap();
        put(Owner::Helm, &path, &account, &Credential::IdentityToken(Secret::new("t".into()))).unwrap();
        let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let auths = json!({"h:5000": {"identitytoken": "t"}, "g": {"x": 1}});
        assert_eq!(document, json!({"auths": auths, "other": {"a": [1]}}));
        assert!(remove(Owner::Helm, &path, &account).unwrap());
        assert!(!remove(Owner::Helm, &path, &account).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        }
        assert!(matches!(put(Owner::Helm, &path, &account, &basic("a:b")), Err(FileError::Colon(_))));
    }

    #[test]
    fn a_file_that_does_not_parse_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for text in ["{ no JSON", "[]", r#"{"auths":[]}"#] {
            fs::write(&path, text).unwrap();
            assert!(put(Owner::Helm, &path, &Account::from_server("h"), &basic("me")).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, real) =
            (directory.path().join("config.json"), directory.path().join("dotfiles/config.json"));
        std::os::unix::fs::symlink("dotfiles/config.json", &path).unwrap();
        for user in ["me", "you"] {
            put(Owner::Helm, &path, &Account::from_server("h"), &basic(user)).unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
            assert!(fs::metadata(&real).unwrap().is_file());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_owner() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, "{}").unwrap();
        // Only root can give it to somebody else; for everybody else it is their own, before and after.
        let given = chown(&path, Some(12345), Some(12346)).is_ok();
        let before = fs::metadata(&path).unwrap();
        put(Owner::Helm, &path, &Account::from_server("h"), &basic("me")).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()), "given: {given}");
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        thread::scope(|scope| {
            for n in 0..32 {
                let path = &path;
                scope.spawn(move || {
                    put(Owner::Helm, path, &Account::from_server(&format!("h{n}")), &basic("me")).unwrap();
                });
            }
        });
        let file = CredentialFile::read(Owner::Helm, &path).unwrap().unwrap();
        assert_eq!(file.entries().unwrap().len(), 32);
    }
}
