//! Changes a credential file. It is written whole or not at all, by one process at a time, and members that we do not
//! know are kept.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::account::Account;
use super::document::{Object, key_of, object, text};
use super::file::{CredentialFile, FileError};
use super::protocol;
use crate::credential::{Credential, CredentialPlace, Owner, Secret};
use crate::disk::{AtPath as _, PathError, make_private_dirs, open_private, replace, target, uninterrupted};
use crate::go_json;

/// Writes a credential into a file, in clear text as docker's format has it.
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
    set(owner, path, account, &entry)
}

/// Writes an empty entry, docker's mark that a helper has the credential (docker/cli, credentials/native_store.go).
pub(super) fn mark(owner: Owner, path: &Path, account: &Account) -> Result<(), FileError> {
    set(owner, path, account, &json!({}))
}

fn set(owner: Owner, path: &Path, account: &Account, entry: &Value) -> Result<(), FileError> {
    edit(owner, path, "auths", |auths| {
        // Other spellings of the same registry are replaced, too.
        auths.take_out(|key, _| Account::from_server(key) == *account);
        auths.set(account.server(), entry).map_err(io::Error::other).at("write", path)?;
        Ok(true)
    })
    .map(drop)
}

/// Removes a credential from a file. Returns whether it was there.
pub(super) fn remove(owner: Owner, path: &Path, account: &Account) -> Result<bool, FileError> {
    if !path.is_file() {
        return Ok(false);
    }
    edit(owner, path, "auths", |auths| Ok(auths.take_out(|key, _| Account::from_server(key) == *account)))
}

/// Names a helper for one registry in `credHelpers`. Helm and docker ask it before `credsStore`. An error if the user
/// has named another one for this registry. Returns whether the file was changed.
pub(super) fn name_helper(
    owner: Owner,
    path: &Path,
    account: &Account,
    helper: &str,
) -> Result<bool, FileError> {
    edit(owner, path, "credHelpers", |helpers| {
        let named = helpers.0.iter().find(|(key, _)| Account::from_server(key) == *account);
        match named.map(|(_, name)| text(name).filter(|_| name.get() != "null")) {
            Some(Some(name)) if *name == helper => Ok(false),
            Some(Some(other)) => {
                Err(FileError::OtherHelper { path: path.to_owned(), helper: other.to_string() })
            }
            Some(None) => {
                let place = CredentialPlace::File { path: path.to_owned(), owner };
                Err(FileError::Form { place, field: "credHelpers".to_owned() })
            }
            None => {
                helpers.set(account.server(), &helper.into()).map_err(io::Error::other).at("write", path)?;
                Ok(true)
            }
        }
    })
}

/// Removes what [`name_helper`] has written. Returns whether it was there.
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
        Ok(helpers.take_out(|key, name| {
            Account::from_server(key) == *account && text(name).is_some_and(|name| *name == helper)
        }))
    })
}

/// Changes the object `field` of the document. `change` returns whether it changed something; if not, nothing is
/// written. Returns the same.
fn edit(
    owner: Owner,
    path: &Path,
    field: &str,
    change: impl FnOnce(&mut Object) -> Result<bool, FileError>,
) -> Result<bool, FileError> {
    let path = target(path);
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private_dirs(directory).at("create directory", directory)?;
    let _lock = lock(&path)?;
    // Read under the lock, so that nothing is lost that another process has written.
    let file = CredentialFile::read(owner, &path)?;
    let mut document = file.as_ref().map(CredentialFile::document).unwrap_or_default();
    let key = key_of(&document.0, field);
    let mut members = match document.0.get(&key) {
        None => Object::default(),
        Some(value) => {
            let place = CredentialPlace::File { path: path.clone(), owner };
            let form = || FileError::Form { place, field: field.to_owned() };
            Object::of(&object(value).ok_or_else(form)?)
        }
    };
    if !change(&mut members)? {
        return Ok(false);
    }
    if let Some(what) = file.as_ref().and_then(CredentialFile::beside) {
        return Err(FileError::Loss { path, what });
    }
    // Docker and Helm write `auths` even if it is empty, but no other empty member.
    if members.0.is_empty() && field != "auths" {
        document.0.remove(&key);
    } else {
        document.set_object(key, &members).map_err(io::Error::other).at("write", &path)?;
    }
    let json = document.to_json().map_err(io::Error::other).at("write", &path)?;
    replace(&path, go_json::indented(&json).as_bytes(), true)?;
    Ok(true)
}

/// Locks the file against other processes of ours until the result is dropped. Helm and docker do not use locks;
/// between reading and writing the small file there is little time for them to interfere.
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
    use crate::disk::testing;

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
        let modes = (testing::mode(&path), testing::mode(path.parent().unwrap()));
        assert_eq!(modes, (0o600, 0o700));
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

    #[test]
    fn what_would_be_lost_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        let account = Account::from_server("h");
        let entry = r#""auths":{"h":{"auth":"bWU6c2VjcmV0"}}"#;
        for (text, what) in [
            (format!("{{{entry}}} {{}}"), "there is text behind its JSON"),
            (format!("{{{entry}}}\n#"), "there is text behind its JSON"),
            (format!("{{{entry},\"x\":\"\u{e9}\"}}"), "there is text in it that is no UTF-8"),
        ] {
            // The text in Latin-1.
            let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
            fs::write(&path, &bytes).unwrap();
            let error = put(Owner::Helm, &path, &account, &basic("me")).unwrap_err().to_string();
            assert_eq!(error, format!("{} cannot be changed without a loss: {what}", path.display()));
            assert!(remove(Owner::Helm, &path, &account).is_err());
            // Nothing has to be changed.
            assert!(!remove(Owner::Helm, &path, &Account::from_server("g")).unwrap());
            assert_eq!(fs::read(&path).unwrap(), bytes);
            let file = CredentialFile::read(Owner::Helm, &path).unwrap().unwrap();
            assert_eq!(file.entries().unwrap().len(), 1, "{text}");
        }
        // Members that we do not know are kept, and spaces after the document may be lost.
        let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
        fs::write(&path, format!("{{{entry},\"n\":1e999,\"d\":{deep},\"s\":\"\\ud83d\\ude00 {{\\\"\"}}\n\n"))
            .unwrap();
        put(Owner::Helm, &path, &Account::from_server("g"), &basic("me")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let packed: String = text.split_whitespace().collect();
        let expected = format!(
            "{{\"auths\":{{\"g\":{{\"auth\":\"bWU6c2VjcmV0\"}},\"h\":{{\"auth\":\"bWU6c2VjcmV0\"}}}},\"d\":{deep},\
             \"n\":1e999,\"s\":\"\\ud83d\\ude00{{\\\"\"}}"
        );
        assert_eq!(packed, expected);
        assert!(text.contains("\n\t\"n\": 1e999,\n\t\"s\": \"\\ud83d\\ude00 {\\\"\"\n}"), "{text}");
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, real) =
            (directory.path().join("config.json"), directory.path().join("dotfiles/config.json"));
        testing::link("dotfiles/config.json", &path);
        for user in ["me", "you"] {
            put(Owner::Helm, &path, &Account::from_server("h"), &basic(user)).unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
            assert!(fs::metadata(&real).unwrap().is_file());
        }
        // A link to a link to a file that does not exist yet.
        let first = directory.path().join("first.json");
        testing::link("second.json", &first);
        testing::link("dotfiles/third.json", &directory.path().join("second.json"));
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
        // A member that was not there before is not there afterwards, and Docker Hub has docker's name.
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

    #[test]
    fn a_file_keeps_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, "{}").unwrap();
        // Only root can give the file to another user; for others it is their own before and after.
        let given = testing::give(&path, 12345, 12346).is_ok();
        let before = testing::owner(&path);
        put(Owner::Helm, &path, &Account::from_server("h"), &basic("me")).unwrap();
        assert_eq!(testing::owner(&path), before, "given: {given}");
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
