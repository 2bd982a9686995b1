//! Files in docker's format, which docker, helm, podman and their kin share: `auths`, `credHelpers`, `credsStore`.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::account::Account;
use super::document::{JsonMembers, Object, field_of, members, object, text};
use super::protocol;
use crate::credential::{Credential, CredentialPlace, Owner, Secret};
use crate::disk::{AtPath as _, PathError};
use crate::go_json;

/// As Go reads it, which does not look at the bits that are left over.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Why a credential file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// It is not JSON.
    #[error("{place} is not JSON")]
    Json {
        /// The file.
        place: CredentialPlace,
        /// Where in it.
        source: serde_json::Error,
    },
    /// It is JSON of another kind.
    #[error("{place}: `{field}` is not what docker's format has there")]
    Form {
        /// The file.
        place: CredentialPlace,
        /// Which part of it.
        field: String,
    },
    /// It holds more than its document, which would be lost if it were written again.
    #[error("{} cannot be changed without a loss: {what}", path.display())]
    Loss {
        /// The file.
        path: PathBuf,
        /// What would be lost.
        what: &'static str,
    },
    /// The format separates user and password by a colon.
    #[error("a user name with a colon cannot be written to {}", .0.display())]
    Colon(PathBuf),
    /// Somebody has chosen another helper for a registry, or, without a name, the file itself.
    #[error("{} says already that `{helper}` keeps the credential of this registry", path.display())]
    OtherHelper {
        /// The file.
        path: PathBuf,
        /// The helper.
        helper: String,
    },
    /// The format has no place for a token that the registry itself takes, but in clear text.
    #[error("a token for the registry itself is kept by docker's file alone")]
    RegistryToken,
}

/// One file, or `DOCKER_AUTH_CONFIG`, as it was when it was read.
pub struct CredentialFile {
    /// Whose.
    pub owner: Owner,
    /// Where.
    pub place: CredentialPlace,
    /// Any part of it may be a secret.
    text: Zeroizing<String>,
    /// What of the file is not in the document.
    beside: Option<&'static str>,
}

impl fmt::Debug for CredentialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialFile({})", self.place)
    }
}

/// Where a file says that a credential is.
#[derive(Debug)]
pub enum Kept {
    /// In the file itself, in clear text, for this account.
    Here(Account, Credential),
    /// With the helper of this name.
    Helper(String),
}

impl CredentialFile {
    /// Reads one; `None` if there is none. An empty file is an empty one, as Helm has it (oras-go, 78e98b0a).
    pub fn read(owner: Owner, path: &Path) -> Result<Option<Self>, FileError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(e) => return Err(e).at("read", path).map_err(FileError::Disk),
        };
        Self::parse(owner, CredentialPlace::File { path: path.to_owned(), owner }, &bytes).map(Some)
    }

    /// What is in `DOCKER_AUTH_CONFIG`, as docker (cli/config/configfile/file.go, GetCredentialsStore, at v28.2) and
    /// GitLab's runners have it. Empty is as good as unset.
    pub fn of_variable(text: &str) -> Result<Self, FileError> {
        Self::parse(Owner::Docker, CredentialPlace::DockerAuthConfig, text.as_bytes())
    }

    /// The document at a place, of its content, as Go's `json.Decoder` reads it: up to its end, and what is no UTF-8
    /// replaced.
    pub(super) fn parse(owner: Owner, place: CredentialPlace, bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self { owner, place, text: Zeroizing::default(), beside: None });
        }
        let text = go_json::readable(bytes);
        let beside = match members(&text) {
            // Its error repeats what it has found.
            Err(source) if source.is_data() => {
                return Err(FileError::Form { place, field: "{".to_owned() });
            }
            Err(source) => return Err(FileError::Json { place, source }),
            Ok((_, rest)) if !rest.trim_ascii().is_empty() => Some("there is text behind its JSON"),
            Ok(_) if text.as_bytes() != bytes => Some("there is text in it that is no UTF-8"),
            Ok(_) => None,
        };
        Ok(Self { owner, place, text, beside })
    }

    fn members(&self) -> JsonMembers<'_> {
        // What does not parse is no such file.
        members(&self.text).map(|(members, _)| members).unwrap_or_default()
    }

    /// The document as a whole.
    pub(super) fn document(&self) -> Object {
        Object::of(&self.members())
    }

    /// What of the file is not in the document, and is lost where that is written again.
    pub(super) fn beside(&self) -> Option<&'static str> {
        self.beside
    }

    fn object(&self, field: &str) -> Result<Option<JsonMembers<'_>>, FileError> {
        let found = field_of(&self.members(), field).copied();
        found.map(|value| object(value).ok_or_else(|| self.form(field))).transpose()
    }

    /// A name at the top, if there is one.
    fn name(&self, field: &str) -> Result<Option<String>, FileError> {
        let found = field_of(&self.members(), field).copied();
        let name = found.map(|value| text(value).ok_or_else(|| self.form(field))).transpose()?;
        Ok(name.map(|name| name.to_string()).filter(|name| !name.is_empty()))
    }

    fn form(&self, field: &str) -> FileError {
        FileError::Form { place: self.place.clone(), field: field.to_owned() }
    }

    /// The helper that keeps the credentials of a host: `credHelpers`, then `credsStore`. An empty name among the first
    /// is the file itself (docker/cli, configfile/file.go, getConfiguredCredentialStore).
    pub fn helper(&self, account: &Account) -> Result<Option<String>, FileError> {
        match self.own_helper(account)? {
            Some(name) => Ok(Some(name).filter(|name| !name.is_empty())),
            None => self.name("credsStore"),
        }
    }

    /// What is named for a host alone, the empty name for the file itself among it.
    pub(super) fn own_helper(&self, account: &Account) -> Result<Option<String>, FileError> {
        let whole = account.whole();
        let named = self.object("credHelpers")?.and_then(|helpers| {
            let exact = helpers.get(&whole.server());
            let same = || helpers.iter().find(|(key, _)| Account::from_server(key) == whole).map(|(_, v)| v);
            exact.or_else(same).copied()
        });
        let Some(named) = named else { return Ok(None) };
        let name = text(named).ok_or_else(|| self.form("credHelpers"))?;
        Ok(Some(name.to_string()))
    }

    /// The helpers that it names, each with the accounts that are theirs alone; `credsStore` has none and so all.
    pub fn helpers(&self) -> Result<Vec<(Option<Account>, String)>, FileError> {
        let mut found = Vec::new();
        for (key, name) in self.object("credHelpers")?.into_iter().flatten() {
            let name = text(name).ok_or_else(|| self.form("credHelpers"))?;
            if !name.is_empty() {
                found.push((Some(Account::from_server(&key)), name.to_string()));
            }
        }
        found.extend(self.name("credsStore")?.map(|name| (None, name)));
        Ok(found)
    }

    /// What this file says about a repository, given the accounts that fit it, the longest first.
    pub fn find(&self, candidates: &[Account]) -> Result<Option<Kept>, FileError> {
        let Some(whole) = candidates.last() else { return Ok(None) };
        if let Some(helper) = self.helper(whole)? {
            return Ok(Some(Kept::Helper(helper)));
        }
        let Some(auths) = self.object("auths")? else { return Ok(None) };
        let exact = candidates.iter().flat_map(|account| {
            let same = |(key, _): &(&String, &&RawValue)| Account::from_server(key) == *account;
            auths.get_key_value(&account.server()).into_iter().chain(auths.iter().filter(same))
        });
        // Helm and docker compare hosts alone, whatever path a key has (oras-go, credentials/internal/config.go);
        // podman does not.
        let loose = auths.iter().filter(|(key, _)| {
            self.owner != Owner::Podman && Account::from_server(key).host() == whole.host()
        });
        for (key, entry) in exact.chain(loose) {
            if let Some(credential) = self.credential(key, entry)? {
                return Ok(Some(Kept::Here(Account::from_server(key), credential)));
            }
        }
        Ok(None)
    }

    /// What is in clear text in it.
    pub fn entries(&self) -> Result<Vec<(Account, Credential)>, FileError> {
        let mut found = Vec::new();
        for (key, entry) in self.object("auths")?.into_iter().flatten() {
            let account = Account::from_server(&key);
            if let Some(credential) = self.credential(&key, entry)? {
                found.push((account, credential));
            }
        }
        Ok(found)
    }

    /// The credential in an entry; docker leaves empty ones as marks of what its helpers have.
    fn credential(&self, key: &str, entry: &RawValue) -> Result<Option<Credential>, FileError> {
        // A key may have userinfo in it.
        let form = || self.form(key.rsplit('@').next().unwrap_or_default());
        // `null` is what a map of Go's structs has of it: an empty one.
        let entry = object(entry).ok_or_else(form)?;
        let text = |field: &str| match field_of(&entry, field) {
            None => Ok(Zeroizing::default()),
            Some(value) => text(value).ok_or_else(form),
        };
        // Before all else, as where it is read by others (oras-go, registry/remote/auth/client.go, fetchBearerToken).
        let token = text("registrytoken")?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(form());
        }
        if !token.is_empty() {
            return Ok(Some(Credential::RegistryToken(Secret::new(token.to_string()))));
        }
        let token = text("identitytoken")?;
        if !token.is_empty() {
            return Ok(Some(Credential::IdentityToken(Secret::new(token.to_string()))));
        }
        let auth = text("auth")?;
        if auth.is_empty() {
            // As docker wrote it before 1.7, and as people write it.
            return Ok(protocol::from_parts(&text("username")?, Secret::new(text("password")?.to_string())));
        }
        // What wraps lines wraps this, and Go passes over the ends of lines wherever they are (encoding/base64).
        let mut line = auth.trim().to_owned();
        line.retain(|letter| !matches!(letter, '\r' | '\n'));
        let decoded = Zeroizing::new(BASE64.decode(Secret::new(line).expose()).map_err(|_| form())?);
        let colon = decoded.iter().position(|byte| *byte == b':').ok_or_else(form)?;
        let (username, password) = (decoded.get(..colon), decoded.get(colon + 1..));
        let username = std::str::from_utf8(username.unwrap_or_default()).map_err(|_| form())?;
        // Trailing zeros are docker's, too (configfile/file.go, decodeAuth).
        let mut password = password.unwrap_or_default();
        while let [0, rest @ ..] | [rest @ .., 0] = password {
            password = rest;
        }
        Ok(protocol::from_parts(username, Secret::of_bytes(password)))
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn file(owner: Owner, text: impl AsRef<[u8]>) -> Result<CredentialFile, FileError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, text).unwrap();
        CredentialFile::read(owner, &path).map(Option::unwrap)
    }

    /// `user:password`, `token TOKEN`, `helper NAME`, `-` for none, `!` for an error.
    fn found(owner: Owner, text: &str, host: &str, repository: &str) -> String {
        let candidates = Account::of(&host.parse().unwrap(), &repository.parse().unwrap()).candidates();
        match file(owner, text).and_then(|file| file.find(&candidates)) {
            Err(_) => "!".into(),
            Ok(None) => "-".into(),
            Ok(Some(Kept::Helper(name))) => format!("helper {name}"),
            Ok(Some(Kept::Here(_, Credential::IdentityToken(token)))) => format!("token {}", token.expose()),
            Ok(Some(Kept::Here(_, Credential::RegistryToken(token)))) => {
                format!("registry {}", token.expose())
            }
            Ok(Some(Kept::Here(_, Credential::Basic { username, password }))) => {
                format!("{username}:{}", password.expose())
            }
        }
    }

    #[test]
    fn all_forms_of_an_entry_are_read() {
        // me:secret, and me:a:b with docker's zeros.
        for (entry, expected) in [
            (r#"{"auth":"bWU6c2VjcmV0"}"#, "me:secret"),
            (r#"{"auth":"bWU6c2VjcmV0\n"}"#, "me:secret"),
            (r#"{"auth":"bWU6YTpiAAA="}"#, "me:a:b"),
            (r#"{"username":"me","password":"secret"}"#, "me:secret"),
            (r#"{"auth":"","username":"me","password":"secret","email":"a@b"}"#, "me:secret"),
            (r#"{"auth":"bWU6c2VjcmV0","identitytoken":"abc"}"#, "token abc"),
            (r#"{"identitytoken":"abc"}"#, "token abc"),
            (r#"{"identitytoken":null,"auth":null}"#, "-"),
            (r#"{"registrytoken":"a.b-c"}"#, "registry a.b-c"),
            (r#"{"registrytoken":"abc","identitytoken":"x","auth":"bWU6c2VjcmV0"}"#, "registry abc"),
            (r#"{"registrytoken":"","auth":"bWU6c2VjcmV0"}"#, "me:secret"),
            (r#"{"registrytoken":"a\r\nX: b"}"#, "!"),
            (r#"{"registrytoken":7}"#, "!"),
            (r#"{"Auth":"bWU6c2VjcmV0"}"#, "me:secret"),
            (r#"{"AUTH":"eDp5","auth":"bWU6c2VjcmV0"}"#, "me:secret"),
            (r#"{"IdentityToken":"abc","Extra":{}}"#, "token abc"),
            ("{}", "-"),
            // Lines that something has wrapped, and bits that say nothing, as Go takes them.
            (r#"{"auth":"bWU6\nc2Vj\r\ncmV0\n"}"#, "me:secret"),
            (r#"{"auth":"bWU6eB=="}"#, "me:x"),
            (r#"{"auth":"bWU6 c2VjcmV0"}"#, "!"),
            (r#"{"auth":"bWU6eA"}"#, "!"),
            (r#"{"auth":"%%%"}"#, "!"),
            // What nobody reads is not looked at, but for being JSON.
            (r#"{"auth":"bWU6c2VjcmV0","x":1e999,"y":"\ud800"}"#, "me:secret"),
            (r#"{"auth":"bWU6c2VjcmV0","x":1e}"#, "!"),
            (r#"{"auth":1e999}"#, "!"),
            ("null", "-"),
            (r#"{"auth":"bWU="}"#, "!"),
            (r#"{"auth":7}"#, "!"),
            ("7", "!"),
        ] {
            let text = format!(r#"{{"auths":{{"h:5000":{entry}}}}}"#);
            assert_eq!(found(Owner::Docker, &text, "h:5000", "a/b"), expected, "{entry}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_the_end_of_its_document() {
        let auths = r#"{"auths":{"h":{"auth":"bWU6c2VjcmV0"}}"#;
        let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
        for text in [
            format!("{auths}}} trailing"),
            format!("{auths}}}{{\"auths\":{{}}}}"),
            format!("{auths}}}\n}}"),
            format!("{auths},\"x\":1e999}}"),
            format!("{auths},\"x\":{deep}}}"),
            format!("{auths},\"x\":\"\\ud800\",\"\\udc00\":1}}"),
        ] {
            assert_eq!(found(Owner::Docker, &text, "h", "a"), "me:secret", "{text}");
        }
        let mut bytes = auths.as_bytes().to_vec();
        bytes.extend_from_slice(b",\"x\xff\":\"\xe9\"}");
        assert_eq!(file(Owner::Docker, bytes).unwrap().entries().unwrap().len(), 1);
        assert_eq!(found(Owner::Docker, "null", "h", "a"), "-");
    }

    #[test]
    fn a_password_in_latin_1_is_sent_as_it_is() {
        let auth = BASE64_STANDARD.encode(b"me:p\xe9\0");
        let file = file(Owner::Docker, format!(r#"{{"auths":{{"h":{{"auth":"{auth}"}}}}}}"#)).unwrap();
        let (_, credential) = file.entries().unwrap().remove(0);
        let Credential::Basic { password, .. } = credential else { panic!("{credential:?}") };
        assert_eq!((password.expose_bytes(), password.expose()), (&b"p\xe9"[..], "p\u{fffd}"));
    }

    #[test]
    fn a_host_is_found_however_its_key_is_written() {
        // The password is the key.
        let entry =
            |key: &&str| format!(r#""{key}":{{"auth":"{}"}}"#, BASE64_STANDARD.encode(format!("me:{key}")));
        let text = |keys: &[&str]| {
            format!(r#"{{"auths":{{{}}}}}"#, keys.iter().map(entry).collect::<Vec<_>>().join(","))
        };
        let (docker, podman) = (Owner::Docker, Owner::Podman);
        for (owner, keys, host, repository, expected) in [
            (docker, &["h:1"][..], "h:1", "a", "h:1"),
            (docker, &["h"], "h:1", "a", "-"),
            (docker, &["https://h:1/v2/"], "h:1", "a", "https://h:1/v2/"),
            (docker, &["http://h:1", "h:1"], "h:1", "a", "h:1"),
            (docker, &["h"], "h:443", "a", "h"),
            (docker, &["h:1", "h:1/g"], "h:1", "g/a", "h:1/g"),
            (docker, &["h:1", "h:1/g"], "h:1", "gg/a", "h:1"),
            (docker, &["h:1/g", "h:1/g/s"], "h:1", "g/s/a", "h:1/g/s"),
            // Helm 3.10 writes `login h/g` so, and finds it for all of h.
            (docker, &["h:1/g"], "h:1", "other", "h:1/g"),
            (podman, &["h:1/g"], "h:1", "other", "-"),
            (podman, &["h:1/g"], "h:1", "g/a", "h:1/g"),
            (docker, &["https://index.docker.io/v1/"], "docker.io", "a", "https://index.docker.io/v1/"),
            (
                docker,
                &["https://index.docker.io/v1/"],
                "registry-1.docker.io",
                "a",
                "https://index.docker.io/v1/",
            ),
            (docker, &["registry-1.docker.io"], "docker.io", "a", "registry-1.docker.io"),
            (docker, &["notdocker.io"], "docker.io", "a", "-"),
        ] {
            let found = found(owner, &text(keys), host, repository);
            let password = found.strip_prefix("me:").unwrap_or(&found);
            assert_eq!(password, expected, "{keys:?} for {host}/{repository}");
        }
    }

    #[test]
    fn helpers_come_before_what_the_file_has() {
        let auths = r#""auths":{"h":{"auth":"bWU6c2VjcmV0"}}"#;
        for (text, expected) in [
            (format!("{{{auths}}}"), "me:secret"),
            (format!(r#"{{{auths},"credsStore":"x"}}"#), "helper x"),
            (format!(r#"{{{auths},"credsStore":"x","credHelpers":{{"h":"y"}}}}"#), "helper y"),
            (format!(r#"{{{auths},"credsStore":"x","credHelpers":{{"https://H/":"y"}}}}"#), "helper y"),
            (format!(r#"{{{auths},"credsStore":"x","credHelpers":{{"g":"y"}}}}"#), "helper x"),
            (format!(r#"{{{auths},"credsStore":"x","credHelpers":{{"h":""}}}}"#), "me:secret"),
            (format!(r#"{{{auths},"credsStore":""}}"#), "me:secret"),
            (format!(r#"{{{auths},"credsStore":7}}"#), "!"),
            (format!(r#"{{{auths},"credsstore":"x"}}"#), "helper x"),
            (format!(r#"{{{auths},"CredHelpers":{{"h":"y"}},"CREDSSTORE":"x"}}"#), "helper y"),
            (r#"{"Auths":{"h":{"auth":"bWU6c2VjcmV0"}}}"#.into(), "me:secret"),
            (r#"{"auths":[]}"#.into(), "!"),
            (r#"{"auths":null}"#.into(), "-"),
            ("[]".into(), "!"),
            ("{ no JSON".into(), "!"),
            ("\n".into(), "-"),
            (String::new(), "-"),
        ] {
            assert_eq!(found(Owner::Helm, &text, "h", "a"), expected, "{text}");
        }
    }

    #[test]
    fn a_helper_without_a_name_is_none() {
        let text = r#"{"credHelpers":{"a":null,"b":"","c":"x"},"credsStore":null}"#;
        let helpers = file(Owner::Docker, text).unwrap().helpers().unwrap();
        assert_eq!(helpers.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["x"]);
        assert!(file(Owner::Docker, r#"{"credHelpers":{"a":7}}"#).unwrap().helpers().is_err());
    }

    #[test]
    fn an_error_names_the_file_and_repeats_nothing_of_it() {
        for text in [r#"{"auths":{"h":{"auth":"hunter2"}}}"#, r#"{"auths": hunter2}"#, r#""hunter2""#] {
            let error = file(Owner::Helm, text).and_then(|file| file.entries()).unwrap_err();
            assert!(error.to_string().contains("config.json"), "{error}");
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(!format!("{error}{source}{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
