//! Named locks, for what only one thread of a process may do at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::threads::locked;

/// A lock that threads take in turn. Its value is whether one of them has done the work.
pub(super) type Turn = Arc<Mutex<bool>>;

/// All locks of a client, by name.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Turn>>);

impl Turns {
    /// The lock of this name; all callers get the same one.
    pub(super) fn at(&self, name: String) -> Turn {
        Arc::clone(locked(&self.0).entry(name).or_default())
    }
}
