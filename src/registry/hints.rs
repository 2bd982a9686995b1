//! How a registry wanted to be asked the last time. It saves the request that only brings the challenge.

use serde::{Deserialize, Serialize};

/// What a registry asked for. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase")]
pub enum Hint {
    /// User name and password.
    Basic,
    /// A token.
    Bearer {
        /// The URL of the token service. It is judged anew every time.
        realm: String,
        /// What the token is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
    },
}

/// A memory for hints. It may forget and it may be wrong: every 401 is believed more, and a hint that does not help is
/// replaced.
pub trait Hints: Send + Sync {
    /// The hint for a registry, by its origin: `https://registry.example.com`, `http://localhost:5000`.
    fn get(&self, origin: &str) -> Option<Hint>;

    /// Remembers what the registry asked for, once that has helped. That it could not be is no error.
    fn put(&self, origin: &str, hint: &Hint);
}
