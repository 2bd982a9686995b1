//! Changing a credential file: whole or not at all, one process at a time, and nothing lost that we do not know.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize as _;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::file::{CredentialFile, FileError, key_of, wipe};
use super::{Account, protocol};
use crate::credential::{Credential, Owner, Place, Secret};
use crate::disk::{At as _, PathError, make_private_dirs, open_private, replace, target, uninterrupted};

/// Puts a credential into a file, in clear text as the format has it.
pub(super) fn put(
    owner: Owner,
    path: &Path,
    account: &Account,
    credential: &Credential,
) -> Result<(), FileError> {
    let entry = match credential {
        Credential::IdentityToken(token) => json!({ "identitytoken": token.expose() }),
        Credential::RegistryToken(_) => return Err(FileError::RegistryToken),
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
    edit(owner, path, "auths", |auths| {
        // All spellings of one registry are one entry.
        auths.retain(|key, _| Account::from_server(key) != *account);
        auths.insert(account.server(), entry);
        Ok(true)
    })
    .map(drop)
}

/// Takes a credential out of a file. Whether it was there.
pub(super) fn remove(owner: Owner, path: &Path, account: &Account) -> Result<bool, FileError> {
    if !path.is_file() {
        return Ok(false);
    }
    edit(owner, path, "auths", |auths| {
        let before = auths.len();
        auths.retain(|key, _| Account::from_server(key) != *account);
        Ok(auths.len() != before)
    })
}

/// Names a helper for one registry: Helm and docker ask it before any other helper that the file names. Another one that
/// the user has named for this registry stays, and is an error. Whether there was a change.
pub(super) fn name_helper(
    owner: Owner,
    path: &Path,
    account: &Account,
    helper: &str,
) -> Result<bool, FileError> {
    edit(owner, path, "credHelpers", |helpers| {
        let named = helpers.iter().find(|(key, _)| Account::from_server(key) == *account);
        match named.map(|(_, name)| name) {
            Some(Value::String(name)) if name == helper => Ok(false),
            Some(Value::String(other)) => {
                Err(FileError::OtherHelper { path: path.to_owned(), helper: other.to_owned() })
            }
            Some(_) => {
                let place = Place::File { path: path.to_owned(), owner };
                Err(FileError::Form { place, field: "credHelpers".to_owned() })
            }
            None => {
                helpers.insert(account.server(), helper.into());
                Ok(true)
            }
        }
    })
}

/// Undoes [`name_helper`]. Whether there was something to undo.
pub(super) fn forget_helper(
    owner: Owner,
    path: &Path,
    account: &Account,
    helper: &str,
) -> Result<bool, FileError> {
    if !path.is_file() {
        return Ok(false);
    }
    edit(owner, path, "credHelpers", |helpers| {
        let before = helpers.len();
        helpers.retain(|key, name| Account::from_server(key) != *account || name.as_str() != Some(helper));
        Ok(helpers.len() != before)
    })
}

/// Changes an object of the document. Whether `change` says that there is a change; without one nothing is written.
fn edit(
    owner: Owner,
    path: &Path,
    field: &str,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<bool, FileError>,
) -> Result<bool, FileError> {
    let path = target(path);
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private_dirs(directory).at("create directory", directory)?;
    let _lock = lock(&path)?;
    // Read under the lock: what another process has written until now is kept.
    let file = CredentialFile::read(owner, &path)?;
    let mut document = Wiped(file.map(CredentialFile::into_document).unwrap_or_default());
    let key = key_of(&document.0, field);
    let object = document.0.entry(key.clone()).or_insert_with(|| json!({}));
    if object.is_null() {
        *object = json!({});
    }
    let Value::Object(object) = object else {
        return Err(FileError::Form { place: Place::File { path, owner }, field: field.to_owned() });
    };
    if !change(object)? {
        return Ok(false);
    }
    // Docker and Helm always write `auths`, and nothing else that is empty.
    if object.is_empty() && field != "auths" {
        document.0.remove(&key);
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

/// Holds off others of us until it is dropped. Helm and docker know no lock; the time in which they could come between
/// is that of one small file.
pub(super) fn lock(path: &Path) -> Result<File, PathError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = open_private(&name).at("lock", &name)?;
    uninterrupted(|| file.lock()).at("lock", &name)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

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
        // A link to a link to a file that is yet to be.
        let first = directory.path().join("first.json");
        std::os::unix::fs::symlink("second.json", &first).unwrap();
        std::os::unix::fs::symlink("dotfiles/third.json", directory.path().join("second.json")).unwrap();
        put(Owner::Helm, &first, &Account::from_server("h"), &basic("me")).unwrap();
        for link in ["first.json", "second.json"] {
            assert!(directory.path().join(link).is_symlink(), "{link}");
        }
        assert!(fs::symlink_metadata(directory.path().join("dotfiles/third.json")).unwrap().is_file());
    }

    #[test]
    fn a_helper_is_named_for_one_registry_and_nothing_else_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        let (account, owner) = (Account::from_server("h:5000"), Owner::Helm);
        let document = || serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).unwrap();
        let before = json!({
            "auths": {"h:5000": {"auth": "eDp4"}},
            "credsStore": "desktop",
            "CredHelpers": {"g": "ecr-login"},
            "other": [1]
        });
        fs::write(&path, before.to_string()).unwrap();
        assert!(name_helper(owner, &path, &account, "helm-oci").unwrap());
        assert!(!name_helper(owner, &path, &account, "helm-oci").unwrap());
        let mut expected = before.clone();
        expected["CredHelpers"]["h:5000"] = "helm-oci".into();
        assert_eq!(document(), expected);
        let other = name_helper(owner, &path, &Account::from_server("https://G/"), "helm-oci").unwrap_err();
        assert!(matches!(other, FileError::OtherHelper { helper, .. } if helper == "ecr-login"));
        assert!(!forget_helper(owner, &path, &Account::from_server("g"), "helm-oci").unwrap());
        assert!(forget_helper(owner, &path, &account, "helm-oci").unwrap());
        assert!(!forget_helper(owner, &path, &account, "helm-oci").unwrap());
        assert_eq!(document(), before);
        // What was not there before is not there afterwards, and Docker Hub is what docker calls it.
        fs::remove_file(&path).unwrap();
        assert!(!forget_helper(owner, &path, &account, "helm-oci").unwrap());
        assert!(name_helper(owner, &path, &Account::from_server("docker.io"), "helm-oci").unwrap());
        assert_eq!(document(), json!({"credHelpers": {"https://index.docker.io/v1/": "helm-oci"}}));
        assert!(forget_helper(owner, &path, &Account::from_server("docker.io"), "helm-oci").unwrap());
        assert_eq!(document(), json!({}));
        for text in [r#"{"credHelpers":[]}"#, r#"{"credHelpers":{"h:5000":7}}"#, "{ no JSON"] {
            fs::write(&path, text).unwrap();
            assert!(name_helper(owner, &path, &account, "helm-oci").is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
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
