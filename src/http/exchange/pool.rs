//! Connections that wait for the next request, and how they come about: kept from the last one, new, or two at once where
//! two will be needed.
//!
//! What belongs together goes over two connections at once. The second one costs round trips, two or three of them with
//! TLS, and these need not come after those of the first: a caller that knows that more will follow asks for both together.

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

/// Blobs of one chart go over two connections, and several charts are on their way at once. What is opened is kept: to
/// open one costs more than to send what most charts consist of.
const IDLE_PER_PLACE: usize = 16;
/// A redirect to storage may add its own.
const IDLE: usize = 2 * IDLE_PER_PLACE;
/// Servers close what rests for longer.
const MAX_AGE: Duration = Duration::from_secs(15);

/// The connections of a program.
pub(in crate::http) struct ConnectionPool {
    dialer: Arc<Dialer>,
    idle: Mutex<Vec<Connection>>,
    spares: Mutex<Vec<Spare>>,
}

/// A connection that is being opened, or waits to be used. A program that ends does not wait for it.
struct Spare {
    key: String,
    opening: JoinHandle<Option<Connected>>,
}

impl ConnectionPool {
    pub(in crate::http) fn new(dialer: Arc<Dialer>) -> Self {
        Self { dialer, idle: Mutex::default(), spares: Mutex::default() }
    }

    /// A connection for this purpose, by this way.
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
                // It counts as a new one: a server that closes it has failed a request.
                return Ok(Connection::new(spare, key));
            }
        }
        if opening == Opening::Paired {
            self.open_spare(purpose, route, &key);
        }
        Ok(Connection::new(self.dialer.connect(purpose, route)?, key))
    }

    /// One that was in use, the youngest first.
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

    /// Names can change their meaning, and another server may have been allowed to send us there.
    fn leads_right(&self, address: Option<IpAddr>, purpose: Purpose<'_>) -> bool {
        address.is_none_or(|address| self.dialer.may_lead(purpose, address))
    }

    fn spare(&self, key: &str, purpose: Purpose<'_>) -> Option<Connected> {
        let spare = {
            let mut spares = locked(&self.spares);
            let position = spares.iter().position(|spare| spare.key == key)?;
            spares.swap_remove(position)
        };
        // Whatever went wrong with it, the connection that is opened in its place will say.
        let mut opened = spare.opening.join().ok().flatten()?;
        let usable = opened.stream.pending() == Pending::Nothing && self.leads_right(opened.address, purpose);
        usable.then_some(opened)
    }

    fn open_spare(&self, purpose: Purpose<'_>, route: &HttpRoute, key: &str) {
        let (dialer, route, named) = (Arc::clone(&self.dialer), route.clone(), purpose.named);
        let (to, sent_by): (Location, Option<Location>) = (purpose.to.clone(), purpose.sent_by.cloned());
        let open = move || {
            let purpose = Purpose { to: &to, sent_by: sent_by.as_ref(), named };
            // What went wrong with it, the connection that is opened in its place will tell.
            dialer.connect(purpose, &route).ok()
        };
        // Without another thread there is no pair, and no harm.
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
