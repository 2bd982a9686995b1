//! Credential files in docker's format, which docker, helm, podman and others share: `auths`, `credHelpers`,
//! `credsStore`.

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

/// Base64 as Go decodes it: surplus bits at the end are ignored.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Why a credential file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused something.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The file is not JSON.
    #[error("{place} is not JSON")]
    Json {
        /// The file or variable.
        place: CredentialPlace,
        /// The error, with the position.
        source: serde_json::Error,
    },
    /// The file is JSON, but a member has a wrong type.
    #[error("{place}: `{field}` is not what docker's format has there")]
    Form {
        /// The file or variable.
        place: CredentialPlace,
        /// The member; `{` stands for the whole document.
        field: String,
    },
    /// The file holds something besides its document that would be lost if it were written.
    #[error("{} cannot be changed without a loss: {what}", path.display())]
    Loss {
        /// The path of the file.
        path: PathBuf,
        /// What would be lost.
        what: &'static str,
    },
    /// The user name has a colon, which separates user and password in the format. Holds the path of the file.
    #[error("a user name with a colon cannot be written to {}", .0.display())]
    Colon(PathBuf),
    /// The file names another helper for this registry. An empty name stands for the file itself.
    #[error("{} says already that `{helper}` keeps the credential of this registry", path.display())]
    OtherHelper {
        /// The path of the file.
        path: PathBuf,
        /// The name of the other helper.
        helper: String,
    },
    /// A token that the registry itself accepts can only be stored by docker's file, in clear text.
    #[error("a token for the registry itself is kept by docker's file alone")]
    RegistryToken,
}

/// A credential file or the variable `DOCKER_AUTH_CONFIG`, with the content that it had when it was read.
pub struct CredentialFile {
    /// The program that the file belongs to.
    pub owner: Owner,
    /// Where the content is from.
    pub place: CredentialPlace,
    /// The JSON. Any part of it may be a secret.
    text: Zeroizing<String>,
    /// What the file holds besides the document, for the message of [`FileError::Loss`].
    beside: Option<&'static str>,
}

impl fmt::Debug for CredentialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialFile({})", self.place)
    }
}

/// Where a credential file says that a credential is.
#[derive(Debug)]
pub enum Kept {
    /// In the file itself, in clear text, under this account.
    Here(Account, Credential),
    /// In the credential helper of this name.
    Helper(String),
}

impl CredentialFile {
    /// Reads a file; `None` if it does not exist. An empty file is read as one without credentials, as Helm does
    /// (oras-go, 78e98b0a).
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

    /// Reads the value of `DOCKER_AUTH_CONFIG`, as docker (cli/config/configfile/file.go, GetCredentialsStore, at
    /// v28.2) and GitLab's runners do. An empty value has no credentials.
    pub fn of_variable(text: &str) -> Result<Self, FileError> {
        Self::parse(Owner::Docker, CredentialPlace::DockerAuthConfig, text.as_bytes())
    }

    /// Reads a document as Go's `json.Decoder` does: text after it is ignored, and bytes that are not UTF-8 are
    /// replaced.
    pub(super) fn parse(owner: Owner, place: CredentialPlace, bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self { owner, place, text: Zeroizing::default(), beside: None });
        }
        let text = go_json::readable(bytes);
        let beside = match members(&text) {
            // The error's own text repeats what was found, so it is not passed on.
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
        // Text that does not parse is refused in `parse`.
        members(&self.text).map(|(members, _)| members).unwrap_or_default()
    }

    /// The whole document, to be changed.
    pub(super) fn document(&self) -> Object {
        Object::of(&self.members())
    }

    /// What the file holds besides the document, and would be lost if the document were written; None if nothing.
    pub(super) fn beside(&self) -> Option<&'static str> {
        self.beside
    }

    fn object(&self, field: &str) -> Result<Option<JsonMembers<'_>>, FileError> {
        let found = field_of(&self.members(), field).copied();
        found.map(|value| object(value).ok_or_else(|| self.form(field))).transpose()
    }

    /// The value of a member of the document that is a string; None if it is absent or empty.
    fn name(&self, field: &str) -> Result<Option<String>, FileError> {
        let found = field_of(&self.members(), field).copied();
        let name = found.map(|value| text(value).ok_or_else(|| self.form(field))).transpose()?;
        Ok(name.map(|name| name.to_string()).filter(|name| !name.is_empty()))
    }

    fn form(&self, field: &str) -> FileError {
        FileError::Form { place: self.place.clone(), field: field.to_owned() }
    }

    /// The name of the helper that has the credentials of this account's host, from `credHelpers`, else from
    /// `credsStore`. None if the file itself has them; an empty name in `credHelpers` says so too (docker/cli,
    /// configfile/file.go, getConfiguredCredentialStore).
    pub fn helper(&self, account: &Account) -> Result<Option<String>, FileError> {
        match self.own_helper(account)? {
            Some(name) => Ok(Some(name).filter(|name| !name.is_empty())),
            None => self.name("credsStore"),
        }
    }

    /// The helper that `credHelpers` names for the host of this account. An empty name stands for the file itself.
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

    /// The helpers that the file names, each with the account that `credHelpers` names it for, or None for
    /// `credsStore`.
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

    /// What the file says about a repository. `candidates` are the accounts that contain it, the longest first.
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
        // Helm and docker compare hosts only, and ignore the path of a key (oras-go, credentials/internal/config.go).
        // Podman does not.
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

    /// All credentials that the file has in clear text.
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

    /// The credential in an entry of `auths`; None for an empty one, which is docker's mark that a helper has it.
    fn credential(&self, key: &str, entry: &RawValue) -> Result<Option<Credential>, FileError> {
        // The key may have a password before the host, which the message must not show.
        let form = || self.form(key.rsplit('@').next().unwrap_or_default());
        // Go reads `null` as an empty object.
        let entry = object(entry).ok_or_else(form)?;
        let text = |field: &str| match field_of(&entry, field) {
            None => Ok(Zeroizing::default()),
            Some(value) => text(value).ok_or_else(form),
        };
        // This token comes first, as in other programs that read it (oras-go, registry/remote/auth/client.go,
        // fetchBearerToken).
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
            // The form that docker wrote before 1.7, and that people write by hand.
            return Ok(protocol::from_parts(&text("username")?, Secret::new(text("password")?.to_string())));
        }
        // The text may have been wrapped into lines, and Go ignores line ends anywhere in it (encoding/base64).
        let mut line = auth.trim().to_owned();
        line.retain(|letter| !matches!(letter, '\r' | '\n'));
        let decoded = Zeroizing::new(BASE64.decode(Secret::new(line).expose()).map_err(|_| form())?);
        let colon = decoded.iter().position(|byte| *byte == b':').ok_or_else(form)?;
        let (username, password) = (decoded.get(..colon), decoded.get(colon + 1..));
        let username = std::str::from_utf8(username.unwrap_or_default()).map_err(|_| form())?;
        // Zeros at the end are docker's padding (configfile/file.go, decodeAuth).
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

    /// Reads a file: `user:password`, `token TOKEN`, `helper NAME`, `-` for none, `!` for an error.
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
        // me:secret, and me:a:b with docker's zeros at the end.
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
            // Wrapped lines, and surplus bits, as Go accepts them.
            (r#"{"auth":"bWU6\nc2Vj\r\ncmV0\n"}"#, "me:secret"),
            (r#"{"auth":"bWU6eB=="}"#, "me:x"),
            (r#"{"auth":"bWU6 c2VjcmV0"}"#, "!"),
            (r#"{"auth":"bWU6eA"}"#, "!"),
            (r#"{"auth":"%%%"}"#, "!"),
            // Members that nobody reads may have any type, but must be JSON.
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
        // The key has a password in it.
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
            // Helm 3.10 writes this after `login h/g`, and uses it for all of h.
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
