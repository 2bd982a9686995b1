//! What this process has learned about registries: how they want to be authenticated to, credentials, and tokens. All
//! threads share it, and it ends with the process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use super::token::Token;
use crate::credential::{CredentialOrigin, Obtained};
use crate::http::Location;
use crate::reference::{Host, Repository};
use crate::registry::hints::Hint;
use crate::registry::scope::Scopes;
use crate::threads::locked;

/// How a registry wants to be authenticated to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AuthWay {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        /// The scopes that challenges asked for, beyond those of the request itself.
        scopes: Vec<String>,
    },
}

impl AuthWay {
    pub(super) fn hint(&self) -> Hint {
        match self {
            Self::Basic => Hint::Basic,
            Self::Bearer { realm, service, .. } => {
                Hint::Bearer { realm: realm.clone(), service: service.clone() }
            }
        }
    }

    /// Whether both have the same scheme, realm and service; scopes do not count.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.hint() == other.hint()
    }
}

impl From<Hint> for AuthWay {
    fn from(hint: Hint) -> Self {
        match hint {
            Hint::Basic => Self::Basic,
            Hint::Bearer { realm, service } => Self::Bearer { realm, service, scopes: Vec::new() },
        }
    }
}

/// Values that are created once for each key. The thread that creates one locks its slot, and the others wait.
pub(super) struct Slots<K, V>(Mutex<HashMap<K, Arc<Mutex<Option<V>>>>>);

impl<K: Hash + Eq, V> Slots<K, V> {
    pub(super) fn slot(&self, key: K) -> Arc<Mutex<Option<V>>> {
        Arc::clone(locked(&self.0).entry(key).or_default())
    }
}

impl<K, V> Default for Slots<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What a token is for: tokens with equal keys can replace each other.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    /// The origin of the registry: two registries may share a token service and have different credentials.
    pub(super) origin: String,
    pub(super) realm: Location,
    pub(super) service: Option<String>,
    pub(super) scopes: Scopes,
    /// Whether it was requested without a credential. A user whose credential was refused may have both kinds.
    pub(super) guest: bool,
}

/// A stored credential that a registry has refused, so that reading continues without it.
pub(super) struct Refused {
    /// The origin of the credential.
    pub(super) origin: Arc<CredentialOrigin>,
    /// Whether the user has been told.
    pub(super) told: bool,
}

/// The origin of a registry, and one of its repositories, or `None` for all.
pub(super) type AuthPlace = (String, Option<Repository>);

/// What this process has learned about registries. None of it is stored on disk from here.
#[derive(Default)]
pub(super) struct AuthKnowledge {
    /// How to authenticate, for each registry and each of its repositories. `None` if a hint did not work.
    pub(super) ways: Mutex<HashMap<AuthPlace, Option<AuthWay>>>,
    pub(super) credentials: Slots<(Host, Option<Repository>), Option<Arc<Obtained>>>,
    pub(super) tokens: Slots<TokenKey, Arc<Token>>,
    pub(super) refused: Mutex<HashMap<AuthPlace, Refused>>,
}
