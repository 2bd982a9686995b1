//! A registry that wants to know who asks, its token service, and what a client is given for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oci::credential::{Credential, CredentialPlace, Credentials, CredentialsError, Obtained, Secret};
use oci::digest::Digest;
use oci::http::{self, Backoff};
use oci::manifest::Descriptor;
use oci::media_type;
use oci::reference::{Host, Repository};
use oci::registry::{Client, Hint, Hints, ManifestAnswer, RegistryError, RegistryOptions, RepositoryClient};

use crate::common::mock::{Mock, Recorded, Step, on};
use crate::common::target::target;
use crate::common::wire::{self, descriptor};

pub(crate) const USER: &str = "me";
pub(crate) const PASSWORD: &str = "hunter2:with:colons";
/// `me:hunter2:with:colons`
pub(crate) const BASIC: &str = "Basic bWU6aHVudGVyMjp3aXRoOmNvbG9ucw==";
pub(crate) const HEAD: &str = "HEAD /v2/a/manifests/1.0";
pub(crate) const TAGS: &str = "GET /v2/a/tags/list";

/// A manifest of two blobs, `config` and `layer`.
pub(crate) fn manifest() -> Vec<u8> {
    let layers = [descriptor(media_type::CHART, b"layer")];
    wire::manifest(&descriptor(media_type::CONFIG, b"config"), &layers)
}

pub(crate) fn password() -> Credential {
    Credential::Basic { username: USER.into(), password: Secret::new(PASSWORD.into()) }
}

pub(crate) fn identity() -> Credential {
    Credential::IdentityToken(Secret::new("identity-token".into()))
}

/// A store of one credential, which counts how often it is asked.
pub(crate) struct Store {
    credential: Option<Credential>,
    place: CredentialPlace,
    pub(crate) fails: bool,
    pub(crate) asked: AtomicUsize,
}

impl Store {
    pub(crate) fn of(credential: Option<Credential>) -> Arc<Self> {
        // What is given with a command is never gone without.
        Self::at(CredentialPlace::CommandLine, credential)
    }

    /// One whose credential is kept at this place.
    pub(crate) fn at(place: CredentialPlace, credential: Option<Credential>) -> Arc<Self> {
        Arc::new(Self { credential, place, fails: false, asked: AtomicUsize::new(0) })
    }

    pub(crate) fn locked() -> Arc<Self> {
        Arc::new(Self {
            credential: None,
            place: CredentialPlace::Keyring,
            fails: true,
            asked: AtomicUsize::new(0),
        })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Credentials for Store {
    fn find(&self, host: &Host, _: Option<&Repository>) -> Result<Option<Obtained>, CredentialsError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails {
            return Err(CredentialsError { host: host.clone(), source: "the keyring is locked".into() });
        }
        Ok(self.credential.clone().map(|credential| Obtained::new(credential, self.place.clone(), host)))
    }
}

/// Hints in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) hints: Mutex<HashMap<String, Hint>>,
    pub(crate) puts: AtomicUsize,
}

impl Memory {
    pub(crate) fn with(origin: &str, hint: Hint) -> Arc<Self> {
        let memory = Self::default();
        memory.hints.lock().unwrap().insert(origin.to_owned(), hint);
        Arc::new(memory)
    }

    pub(crate) fn hint(&self, origin: &str) -> Option<Hint> {
        self.get(origin)
    }
}

impl Hints for Memory {
    fn get(&self, origin: &str) -> Option<Hint> {
        self.hints.lock().unwrap().get(origin).cloned()
    }

    fn put(&self, origin: &str, hint: &Hint) {
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.hints.lock().unwrap().insert(origin.to_owned(), hint.clone());
    }
}

/// Options that wait for nothing.
pub(crate) fn options(credential: Option<Credential>) -> RegistryOptions {
    let http = http::HttpOptions {
        sleep: Arc::new(|_| {}),
        backoff: Backoff { first: Duration::from_millis(1), ..Backoff::default() },
        ..http::HttpOptions::default()
    };
    RegistryOptions { http, credentials: Some(Store::of(credential)), ..RegistryOptions::default() }
}

pub(crate) fn repository(options: &RegistryOptions, host: &str) -> RepositoryClient {
    Client::new(options).unwrap().repository(&host.parse().unwrap(), &"a".parse().unwrap()).unwrap()
}

pub(crate) fn basic_challenge() -> [(&'static str, &'static str); 1] {
    [("WWW-Authenticate", "Basic realm=\"charts\"")]
}

/// A 401 that sends to this token service.
pub(crate) fn bearer(line: &str, service: &Mock, more: &str) -> Step {
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"charts\"{more}", service.host());
    on(line).answer(401, &[("WWW-Authenticate", &challenge)], b"")
}

/// `GET /token?service=charts&scope=…` for these scopes.
pub(crate) fn asks(scopes: &[&str]) -> String {
    let scopes: String = scopes
        .iter()
        .map(|scope| {
            let escaped = scope.replace(':', "%3A").replace(',', "%2C").replace('/', "%2F");
            format!("&scope={escaped}")
        })
        .collect();
    format!("GET /token?service=charts{scopes}")
}

pub(crate) fn gives(line: &str, token: &str) -> Step {
    on(line).answer(200, &[], format!(r#"{{"token":"{token}"}}"#).as_bytes())
}

pub(crate) fn tags(line: &str) -> Step {
    on(line).answer(200, &[], br#"{"tags":["1"]}"#)
}

/// `Authorization` of every request, `-` where there is none.
pub(crate) fn authorizations(mock: &Mock) -> Vec<String> {
    mock.requests().iter().map(|r| r.header("authorization").unwrap_or("-").to_owned()).collect()
}

/// The message with all its causes, as the user sees it.
pub(crate) fn chain(error: &RegistryError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// A token service that gives `token-<n>` to whoever shows the password, and counts nothing else.
pub(crate) fn token_service() -> Mock {
    let count = AtomicUsize::new(0);
    Mock::serve(move |request| {
        if request.header("authorization") != Some(BASIC) {
            return on(&request.line).answer(401, &[], b"");
        }
        gives(&request.line, &format!("token-{}", count.fetch_add(1, Ordering::SeqCst)))
    })
}

/// What a registry answers to those that it lets in: it has the chart `1.0` if it is told so, and takes all blobs.
pub(crate) fn answer(request: &Recorded, has_chart: bool) -> Step {
    let line = request.line.as_str();
    let digest = Digest::of(&manifest()).to_string();
    let headers = [("Docker-Content-Digest", &*digest), ("Content-Type", media_type::MANIFEST)];
    match line.split_once(' ').unwrap() {
        ("HEAD", path) if path.contains("/manifests/") && has_chart => on(line).answer(200, &headers, b""),
        ("HEAD", _) => on(line).answer(404, &[], b""),
        ("GET", path) if path.contains("/manifests/") && request.header("if-none-match").is_some() => {
            on(line).answer(304, &headers, b"")
        }
        ("GET", path) if path.contains("/manifests/") => on(line).answer(200, &headers, &manifest()),
        ("GET", path) if path.contains(&Digest::of(b"config").to_string()) => {
            on(line).answer(200, &[], b"config")
        }
        ("GET", path) if path.contains("/blobs/") => on(line).answer(200, &[], b"layer"),
        ("GET", _) => tags(line),
        ("POST", _) => on(line).answer(202, &[("Location", "/u/1")], b""),
        _ => on(line).answer(201, &[], b""),
    }
}

pub(crate) fn blob(content: &[u8]) -> Descriptor {
    Descriptor::of("application/octet-stream", content)
}

/// The requests that a push of a new chart makes.
pub(crate) fn push(repository: &RepositoryClient) -> Result<(), RegistryError> {
    let repository = repository.clone().for_push();
    if repository.head_manifest(target("1.0"))?.is_some() {
        return Ok(());
    }
    for content in [b"config".to_vec(), b"layer".to_vec()] {
        repository.push_blob(&blob(&content), &content, &|_| {})?;
    }
    repository.put_manifest(target("1.0"), media_type::MANIFEST, &manifest())
}

/// The requests that a pull makes, of a chart that is in the cache or is not.
pub(crate) fn pull(repository: &RepositoryClient, known: bool) -> Result<(), RegistryError> {
    let known = known.then(|| Digest::of(&manifest()));
    if repository.get_manifest(target("1.0"), known.as_ref())? == ManifestAnswer::NotModified {
        return Ok(());
    }
    assert_eq!(repository.get_small_blob(&blob(b"config"))?, b"config");
    assert_eq!(repository.get_small_blob(&blob(b"layer"))?, b"layer");
    Ok(())
}
