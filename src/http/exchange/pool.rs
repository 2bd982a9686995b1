//! Connections for the next request: kept from an earlier request, opened anew, or opened in pairs where two will be
//! needed.
//!
//! Requests that belong together use two connections at once. To open one costs two or three round trips with TLS. A
//! caller that knows that a second request will follow asks for both, and they are opened at the same time.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::connection::Connection;
use crate::http::location::Location;
use crate::http::net::{Connected, Dialer, HttpRoute, Purpose};
use crate::http::opening::Opening;
use crate::http::stream::Pending;
use crate::http::trouble::Trouble;
use crate::threads::locked;

/// How many idle connections to one place are kept. The blobs of a chart use two, and several charts are transferred at
/// once; to open a connection costs more than to send most charts.
const IDLE_PER_PLACE: usize = 16;
/// How many idle connections are kept in all: a redirect to storage may use as many again.
const IDLE: usize = 2 * IDLE_PER_PLACE;
/// How long an idle connection is kept. Many servers close it soon after.
const MAX_AGE: Duration = Duration::from_secs(15);

/// The connections of this process.
pub(in crate::http) struct ConnectionPool {
    dialer: Arc<Dialer>,
    idle: Mutex<Vec<Connection>>,
    spares: Mutex<Vec<Spare>>,
}

/// A connection that a thread is opening, or that is open and unused. The process does not wait for it when it ends.
struct Spare {
    key: String,
    opening: JoinHandle<Option<Connected>>,
}

impl ConnectionPool {
    pub(in crate::http) fn new(dialer: Arc<Dialer>) -> Self {
        Self { dialer, idle: Mutex::default(), spares: Mutex::default() }
    }

    /// A connection for this purpose over this route: an idle one, a spare one, or a new one.
    pub(super) fn connection(
        &self,
        purpose: Purpose<'_>,
        route: &HttpRoute,
        opening: Opening,
    ) -> Result<Connection, Trouble> {
        let key = route.key(purpose.to);
        if opening != Opening::Fresh {
            if let Some(kept) = self.kept(&key, purpose) {
                return Ok(kept);
            }
            if let Some(spare) = self.spare(&key, purpose) {
                // It is treated as new: if the server closes it, that counts as a failed request.
                return Ok(Connection::new(spare, key));
            }
        }
        if opening == Opening::Paired {
            self.open_spare(purpose, route, &key);
        }
        Ok(Connection::new(self.dialer.connect(purpose, route)?, key))
    }

    /// An idle connection with this key, the most recently used first.
    fn kept(&self, key: &str, purpose: Purpose<'_>) -> Option<Connection> {
        loop {
            let mut found = {
                let mut idle = locked(&self.idle);
                idle.retain(|connection| connection.idle_for() < MAX_AGE);
                let fits = |connection: &Connection| {
                    connection.key == key && self.leads_right(connection.address, purpose)
                };
                let position = idle.iter().rposition(fits)?;
                idle.remove(position)
            };
            if found.is_idle() {
                return Some(found);
            }
        }
    }

    /// Checks the address again for this purpose: names can resolve differently by now, and a connection that one
    /// server was allowed to cause need not be allowed for another.
    fn leads_right(&self, address: Option<IpAddr>, purpose: Purpose<'_>) -> bool {
        address.is_none_or(|address| self.dialer.may_lead(purpose, address))
    }

    fn spare(&self, key: &str, purpose: Purpose<'_>) -> Option<Connected> {
        let spare = {
            let mut spares = locked(&self.spares);
            let position = spares.iter().position(|spare| spare.key == key)?;
            spares.swap_remove(position)
        };
        // An error of the spare connection is dropped: opening the connection that replaces it will report the same.
        let mut opened = spare.opening.join().ok().flatten()?;
        let usable = opened.stream.pending() == Pending::Nothing && self.leads_right(opened.address, purpose);
        usable.then_some(opened)
    }

    fn open_spare(&self, purpose: Purpose<'_>, route: &HttpRoute, key: &str) {
        let (dialer, route, named) = (Arc::clone(&self.dialer), route.clone(), purpose.named);
        let (to, sent_by): (Location, Option<Location>) = (purpose.to.clone(), purpose.sent_by.cloned());
        let open = move || {
            let purpose = Purpose { to: &to, sent_by: sent_by.as_ref(), named };
            // The error is dropped: opening the connection that replaces this one will report the same.
            dialer.connect(purpose, &route).ok()
        };
        // If the system gives no thread, there is no spare connection, which does no harm.
        if let Ok(opening) = thread::Builder::new().spawn(open) {
            locked(&self.spares).push(Spare { key: key.to_owned(), opening });
        }
    }

    /// Keeps a connection whose answer was read to the end.
    pub(super) fn keep(&self, mut connection: Connection) {
        if !connection.is_idle() {
            return;
        }
        connection.rest();
        let mut idle = locked(&self.idle);
        let same = idle.iter().filter(|kept| kept.key == connection.key).count();
        let oldest = if same >= IDLE_PER_PLACE {
            idle.iter().position(|kept| kept.key == connection.key)
        } else {
            (idle.len() >= IDLE).then_some(0)
        };
        if let Some(oldest) = oldest {
            idle.remove(oldest);
        }
        idle.push(connection);
    }
}
