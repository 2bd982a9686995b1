//! Remembers how a registry wanted to be authenticated to, which saves the request that only brings the challenge.

use serde::{Deserialize, Serialize};

/// What a registry asked for. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase")]
pub enum Hint {
    /// User name and password.
    Basic,
    /// A token from a token service.
    Bearer {
        /// The URL of the token service. It is judged again each time.
        realm: String,
        /// The name of the service that the token is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
    },
}

/// A store for hints. It may forget them, and they may be wrong: a 401 always takes precedence, and a hint that does
/// not work is replaced.
pub trait Hints: Send + Sync {
    /// The hint for a registry, by its origin: `https://registry.example.com`, `http://localhost:5000`.
    fn get(&self, origin: &str) -> Option<Hint>;

    /// Stores what the registry asked for, once that has worked. A failure to store it is not an error.
    fn put(&self, origin: &str, hint: &Hint);
}
