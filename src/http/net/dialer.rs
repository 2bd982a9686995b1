//! New connections: to a place itself, or through a proxy; with TLS where the place has it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::names::Names;
use super::route::HttpRoute;
use super::tcp::Tcp;
use super::via::{Speaks, Via};
use super::{race, socks, tunnel};
use crate::http::error::HttpError;
use crate::http::inside::{Surroundings, place_of};
use crate::http::location::Location;
use crate::http::options::HttpOptions;
use crate::http::proxy::Proxies;
use crate::http::stream::Stream;
use crate::http::timeouts::Timeouts;
use crate::http::tls::Tls;
use crate::http::trouble::Trouble;
use crate::threads::locked;

/// Makes connections.
pub(in crate::http) struct Dialer {
    tls: Tls,
    names: Names,
    timeouts: Timeouts,
    proxies: Proxies,
    /// Where hosts were found to be that we were connected to without a proxy.
    seen: Mutex<HashMap<String, IpAddr>>,
}

/// What a connection is for, and so where it may lead.
#[derive(Clone, Copy)]
pub(in crate::http) struct Purpose<'a> {
    /// The place to reach.
    pub(in crate::http) to: &'a Location,
    /// The server that the user has named, if another one sends us there.
    pub(in crate::http) sent_by: Option<&'a Location>,
    /// Whether the user has named this place, too.
    pub(in crate::http) named: bool,
}

/// A connection.
#[derive(Debug)]
pub(in crate::http) struct Connected {
    pub(in crate::http) stream: Box<dyn Stream>,
    /// The address of the place, if there is no proxy in between.
    pub(in crate::http) address: Option<IpAddr>,
}

impl Dialer {
    /// Reads the files that the options name.
    pub(in crate::http) fn new(options: &HttpOptions) -> Result<Self, HttpError> {
        let (tls, timeouts, proxies) = (Tls::new(options)?, options.timeouts, options.proxies.clone());
        Ok(Self { tls, names: Names::default(), timeouts, proxies, seen: Mutex::default() })
    }

    /// By which way a place is reached.
    pub(in crate::http) fn route(&self, to: &Location) -> Result<HttpRoute, Trouble> {
        HttpRoute::to(to, &self.proxies)
    }

    /// Whether a place is reached through a proxy, which alone knows where its name leads.
    pub(in crate::http) fn is_blind(&self, to: &Location) -> bool {
        !matches!(self.route(to), Ok(HttpRoute::Direct))
    }

    /// Connects. What a name resolves to is looked at here, and connected to here, so that it cannot change in between.
    pub(in crate::http) fn connect(
        &self,
        purpose: Purpose<'_>,
        route: &HttpRoute,
    ) -> Result<Connected, Trouble> {
        let (to, limit) = (purpose.to, self.timeouts.connect);
        let host = bare(to.host());
        let mut connected = match route {
            HttpRoute::Direct => {
                let found = self.names.resolve(host, to.port(), self.timeouts.resolve)?;
                let (addresses, refused): (Vec<_>, Vec<_>) =
                    found.into_iter().partition(|address| self.may_lead(purpose, address.ip()));
                if let (true, Some(first)) = (addresses.is_empty(), refused.first()) {
                    return Err(Trouble::Inside { host: to.authority(), place: place_of(first.ip()) });
                }
                let until = Instant::now() + limit;
                let (stream, address) = self.tcp(&addresses, until)?;
                self.note(host, address);
                (stream, Some(address), until)
            }
            HttpRoute::Forward(via) => {
                let (stream, until) = self.proxy(via)?;
                (stream, None, until)
            }
            HttpRoute::Tunnel(via) => {
                let (mut stream, until) = self.proxy(via)?;
                if via.speaks == Speaks::Socks {
                    socks::open(&mut *stream, via, host, to.port(), until, limit)?;
                } else {
                    let authority = format!("{}:{}", to.host(), to.port());
                    tunnel::open(&mut *stream, via, &authority, until, limit)?;
                }
                (stream, None, until)
            }
        };
        if to.is_https() {
            // Certificates know no dot at the end of a name.
            let name = host.strip_suffix('.').unwrap_or(host);
            let secured = self.tls.begin(name, connected.0, connected.2);
            connected.0 = Box::new(secured.map_err(|error| Trouble::of(error, CONNECTING, limit))?);
        }
        Ok(Connected { stream: connected.0, address: connected.1 })
    }

    fn tcp(&self, addresses: &[SocketAddr], until: Instant) -> Result<(Box<dyn Stream>, IpAddr), Trouble> {
        let trouble = |error| Trouble::of(error, CONNECTING, self.timeouts.connect);
        let stream = race::connect(addresses, until).map_err(trouble)?;
        let address = stream.peer_addr().map_err(|error| trouble(error.into()))?.ip();
        let tcp = Tcp::new(stream).map_err(|error| trouble(error.into()))?;
        Ok((Box::new(tcp), address))
    }

    /// A connection to a proxy, and until when it may take to get through.
    fn proxy(&self, via: &Via) -> Result<(Box<dyn Stream>, Instant), Trouble> {
        let limit = self.timeouts.connect;
        let addresses = self.names.resolve(&via.host, via.port, self.timeouts.resolve).map_err(
            |trouble| match trouble {
                Trouble::Later(failure) => via.failed(failure.to_string()),
                other => other,
            },
        )?;
        let until = Instant::now() + limit;
        let stream = race::connect(&addresses, until).map_err(|error| via.broken(error, limit))?;
        let stream: Box<dyn Stream> =
            Box::new(Tcp::new(stream).map_err(|error| via.broken(error.into(), limit))?);
        if via.speaks != Speaks::Https {
            return Ok((stream, until));
        }
        let secured = self.tls.begin(&via.host, stream, until).map_err(|error| via.broken(error, limit))?;
        Ok((Box::new(secured), until))
    }

    /// Whether a connection for this purpose may lead to this address.
    pub(in crate::http) fn may_lead(&self, purpose: Purpose<'_>, address: IpAddr) -> bool {
        let Some(sender) = purpose.sent_by else { return true };
        let place = place_of(address);
        place.is_public() || Surroundings::new(self.whereabouts(sender), purpose.named).reach(place)
    }

    /// Where a server is: where it was found last, or else where its name leads. Of one behind a proxy only that knows.
    pub(in crate::http) fn whereabouts(&self, server: &Location) -> Option<IpAddr> {
        let host = bare(server.host());
        if let Ok(address) = host.parse() {
            return Some(address);
        }
        if self.is_blind(server) {
            return None;
        }
        let seen = locked(&self.seen).get(host).copied();
        seen.or_else(|| {
            let found =
                self.names.resolve(host, server.port(), self.timeouts.resolve.min(LOOK_AROUND)).ok()?;
            found.first().map(SocketAddr::ip)
        })
    }

    fn note(&self, host: &str, address: IpAddr) {
        locked(&self.seen).insert(host.to_owned(), address);
    }
}

const CONNECTING: &str = "to connect";
/// To find out where a server is that we are not connected to.
const LOOK_AROUND: Duration = Duration::from_secs(2);

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
