//! What `helm repo add` has noted: repositories.yaml (pkg/repo/v1/repo.go of Helm 4).

use std::path::PathBuf;

use serde_json::Value;

use crate::chart::{YamlError, read_yaml};
use crate::credential::Secret;
use crate::limits::Budget;

/// A repository that has a name.
#[derive(Clone, Debug, Default)]
pub struct ConfiguredRepository {
    /// Its URL.
    pub url: String,
    /// The user, if there is a login.
    pub username: String,
    /// The password.
    pub password: Option<Secret>,
    /// Whether other hosts see the login, too.
    pub passed_on: bool,
    /// The authorities that are trusted, and no others.
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// Whether any certificate is trusted.
    pub insecure: bool,
}

/// The repository of this name in a repositories.yaml, if there is one.
pub fn configured_repository(
    text: &[u8],
    name: &str,
    budget: &Budget,
) -> Result<Option<ConfiguredRepository>, YamlError> {
    let document = read_yaml(text, budget)?;
    let repositories = document.get("repositories").and_then(Value::as_array);
    let found =
        repositories.into_iter().flatten().find(|known| text_of(known, "name").as_deref() == Some(name));
    Ok(found.map(|found| {
        let text = |key: &str| text_of(found, key).unwrap_or_default();
        let path = |key: &str| text_of(found, key).map(PathBuf::from);
        let is = |key: &str| found.get(key).and_then(Value::as_bool).unwrap_or_default();
        ConfiguredRepository {
            url: text("url"),
            username: text("username"),
            password: text_of(found, "password").map(Secret::new),
            passed_on: is("pass_credentials_all"),
            ca_file: path("caFile"),
            cert_file: path("certFile"),
            key_file: path("keyFile"),
            insecure: is("insecure_skip_tls_verify"),
        }
    }))
}

/// A text that is not empty. Where YAML makes a number of a password without quotes, Helm has its digits.
fn text_of(map: &Value, key: &str) -> Option<String> {
    match map.get(key)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_found_by_its_name() {
        let text = "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories:\n- caFile: /ca.pem\n  certFile: \"\"\n  \
                    insecure_skip_tls_verify: false\n  keyFile: \"\"\n  name: one\n  pass_credentials_all: true\n  password: 1234\n  url: \
                    https://r.example/a\n  username: me\n- name: two\n  url: http://x\n";
        let budget = Budget::default();
        let find = |name: &str| configured_repository(text.as_bytes(), name, &budget).unwrap();
        let one = find("one").unwrap();
        assert_eq!((one.url.as_str(), one.username.as_str()), ("https://r.example/a", "me"));
        assert_eq!(one.password.as_ref().map(Secret::expose), Some("1234"));
        assert_eq!((one.ca_file, one.cert_file, one.passed_on), (Some("/ca.pem".into()), None, true));
        let two = find("two").unwrap();
        assert_eq!((two.url.as_str(), two.password.is_none(), two.passed_on), ("http://x", true, false));
        assert!(find("three").is_none());
        assert!(configured_repository(b"", "one", &budget).unwrap().is_none());
    }
}
