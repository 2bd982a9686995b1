//! What this process knows of registries: how they want to be asked, credentials, and tokens. It is shared by all
//! threads, and forgotten at the end.

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

/// How a registry wants to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AuthWay {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        /// What challenges wanted beyond what a request asks for by itself.
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

    /// The same scheme, realm and service.
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

/// Values made once for each key. The thread that makes one holds its slot, and the others wait for it.
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

/// What a token is good for.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    /// Two registries may have one token service, and different credentials.
    pub(super) origin: String,
    pub(super) realm: Location,
    pub(super) service: Option<String>,
    pub(super) scopes: Scopes,
    /// Whether it was made for a guest. A user whose credential was refused has both kinds.
    pub(super) guest: bool,
}

/// A stored credential that a registry has refused, and that reading goes on without.
pub(super) struct Refused {
    /// Where it came from.
    pub(super) origin: Arc<CredentialOrigin>,
    /// Whether that has been said.
    pub(super) told: bool,
}

/// An origin, and a repository or all of them.
pub(super) type AuthPlace = (String, Option<Repository>);

/// What this process knows. Nothing of it is ever written down.
#[derive(Default)]
pub(super) struct AuthKnowledge {
    /// How registries want to be asked, by origin and by origin and repository. `None` where a hint did not help.
    pub(super) ways: Mutex<HashMap<AuthPlace, Option<AuthWay>>>,
    pub(super) credentials: Slots<(Host, Option<Repository>), Option<Arc<Obtained>>>,
    pub(super) tokens: Slots<TokenKey, Arc<Token>>,
    pub(super) refused: Mutex<HashMap<AuthPlace, Refused>>,
}
