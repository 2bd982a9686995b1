//! Registries behind networks as they are: certificates of one's own, proxies, servers that hold one up, addresses inside.

mod held;
mod inside;
mod patience;
mod proxies;
mod spared;
mod stored;
mod trust;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::mock::Mock;
use oci::http::{self, Backoff};
use oci::registry::{Client, RegistryError, RegistryOptions, RepositoryClient};

/// Options that wait for nothing, and the waits they were asked for.
fn options() -> (RegistryOptions, Arc<Mutex<Vec<Duration>>>) {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&waits);
    let http = http::HttpOptions {
        sleep: Arc::new(move |wait| kept.lock().unwrap().push(wait)),
        backoff: Backoff { first: Duration::from_millis(1), ..Backoff::default() },
        ..http::HttpOptions::default()
    };
    (RegistryOptions { http, ..RegistryOptions::default() }, waits)
}

fn repository_at(options: &RegistryOptions, host: &str) -> RepositoryClient {
    Client::new(options).unwrap().repository(&host.parse().unwrap(), &"a".parse().unwrap()).unwrap()
}

fn repository(mock: &Mock) -> RepositoryClient {
    repository_at(&options().0, &mock.host())
}

/// How many tags there are in `a`.
fn tags_at(options: &RegistryOptions, host: &str) -> Result<usize, RegistryError> {
    repository_at(options, host).tags().map(|tags| tags.len())
}

const TAGS: &str = "GET /v2/a/tags/list";
const ONE_TAG: &[u8] = br#"{"tags":["1"]}"#;

/// The message with all its causes, as the user sees it.
fn chain(error: &RegistryError) -> String {
    oci::causes::chain(error)
}
