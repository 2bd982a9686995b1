//! How connections come about: counted, so that it can be told whether one was reused, and in pairs where two will be
//! needed.
//!
//! What belongs together goes over two connections at once. The second one costs round trips, two or three of them with
//! TLS, and these need not come after those of the first: whoever knows that more will follow asks for both together.

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport};

/// What the next connection of a thread may be and bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It may have been opened earlier.
    #[default]
    Alone,
    /// The same, and another one is opened beside it, for whoever needs it next.
    Paired,
    /// It has to be a new one.
    Fresh,
}

thread_local! {
    static BEGUN: Cell<u64> = const { Cell::new(0) };
    static OPENING: Cell<Opening> = const { Cell::new(Opening::Alone) };
}

/// How many connections this thread has begun so far, or taken that nobody had used. ureq does not say whether a request
/// went over a kept-alive connection; a count that did not move does.
pub(super) fn begun() -> u64 {
    BEGUN.get()
}

/// Decides for the next request of this thread.
pub(super) fn opening(opening: Opening) {
    OPENING.set(opening);
}

/// The default connector, counted and in pairs.
#[derive(Debug, Default)]
pub(super) struct Connections {
    connector: Arc<DefaultConnector>,
    spares: Mutex<Vec<Spare>>,
}

/// A connection that is being opened, or waits to be used. A program that ends does not wait for it.
#[derive(Debug)]
struct Spare {
    to: String,
    opening: JoinHandle<Option<Box<dyn Transport>>>,
}

impl Connector<()> for Connections {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // Taken, because the way through a proxy comes by here a second time.
        let opening = OPENING.take();
        if opening != Opening::Fresh
            && let Some(transport) = self.take_spare(&destination(details))
        {
            // Counted like a new one, which it is to whoever asks: a server that closes it has failed a request.
            BEGUN.set(BEGUN.get() + 1);
            return Ok(Some(transport));
        }
        BEGUN.set(BEGUN.get() + 1);
        if opening == Opening::Paired {
            self.open_spare(details);
        }
        self.connector.connect(&lasting(details), chained)
    }
}

impl Connections {
    fn take_spare(&self, to: &str) -> Option<Box<dyn Transport>> {
        let spare = {
            let mut spares = self.spares.lock().unwrap_or_else(PoisonError::into_inner);
            let position = spares.iter().position(|spare| spare.to == to)?;
            spares.swap_remove(position)
        };
        // Whatever went wrong with it, the connection that is opened in its place will say.
        let mut transport = spare.opening.join().ok().flatten()?;
        transport.is_open().then_some(transport)
    }

    fn open_spare(&self, details: &ConnectionDetails) {
        let (uri, config) = (details.uri.clone(), details.config.clone());
        let (addrs, now, timeout) = (details.addrs.clone(), details.now, details.timeout);
        let (current_time, run_connector) = (details.current_time.clone(), details.run_connector.clone());
        let register_shutdown = details.register_shutdown.clone();
        let connector = Arc::clone(&self.connector);
        let open = move || {
            let details = ConnectionDetails {
                uri: &uri,
                addrs,
                config: &config,
                request_level: false,
                resolver: &DefaultResolver::default(),
                now,
                timeout,
                current_time,
                run_connector,
                register_shutdown,
            };
            let opened = connector.connect(&details, None);
            opened.inspect_err(|error| log::debug!("no second connection: {error}")).ok().flatten()
        };
        // Without another thread there is no pair, and no harm.
        if let Ok(opening) = thread::Builder::new().spawn(open) {
            let spare = Spare { to: destination(details), opening };
            self.spares.lock().unwrap_or_else(PoisonError::into_inner).push(spare);
        }
    }
}

/// Timeouts and proxies differ between our requests, TLS does not. Called a setting of the request, it would be built
/// anew for every connection, reading all of the system's roots each time.
fn lasting<'a>(details: &ConnectionDetails<'a>) -> ConnectionDetails<'a> {
    ConnectionDetails {
        request_level: false,
        addrs: details.addrs.clone(),
        current_time: details.current_time.clone(),
        run_connector: details.run_connector.clone(),
        register_shutdown: details.register_shutdown.clone(),
        ..*details
    }
}

/// Where a connection leads, and by which way.
fn destination(details: &ConnectionDetails) -> String {
    let mut to = String::new();
    for uri in [Some(details.uri), details.config.proxy().map(ureq::Proxy::uri)].into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(to, "{:?} {:?};", uri.scheme(), uri.authority());
    }
    to
}
