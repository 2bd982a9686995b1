//! Turns: what only one thread of a process may do at a time, by what it is done to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::threads::locked;

/// Something that threads take turns at; it keeps whether one of them has done it.
pub(super) type Turn = Arc<Mutex<bool>>;

/// All turns of a client, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Turn>>);

impl Turns {
    /// The turn at what is called so, the same one for all that ask.
    pub(super) fn at(&self, name: String) -> Turn {
        Arc::clone(locked(&self.0).entry(name).or_default())
    }
}
