//! Opens connections: directly or through a proxy, and with TLS for `https`.

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

/// Opens connections.
pub(in crate::http) struct Dialer {
    tls: Tls,
    names: Names,
    timeouts: Timeouts,
    proxies: Proxies,
    /// The address of each host that we last connected to without a proxy.
    seen: Mutex<HashMap<String, IpAddr>>,
}

/// What a connection is for, which decides the addresses that it may lead to.
#[derive(Clone, Copy)]
pub(in crate::http) struct Purpose<'a> {
    /// The server to connect to.
    pub(in crate::http) to: &'a Location,
    /// The server that the user has named, if another host is contacted because of its answer.
    pub(in crate::http) sent_by: Option<&'a Location>,
    /// Whether the user has allowed the host of `to`.
    pub(in crate::http) named: bool,
}

/// An open connection.
#[derive(Debug)]
pub(in crate::http) struct Connected {
    pub(in crate::http) stream: Box<dyn Stream>,
    /// The address of the server; `None` behind a proxy.
    pub(in crate::http) address: Option<IpAddr>,
}

impl Dialer {
    /// Reads the files that the options name. An error if one of them cannot be used.
    pub(in crate::http) fn new(options: &HttpOptions) -> Result<Self, HttpError> {
        let (tls, timeouts, proxies) = (Tls::new(options)?, options.timeouts, options.proxies.clone());
        Ok(Self { tls, names: Names::default(), timeouts, proxies, seen: Mutex::default() })
    }

    /// The route to a server: direct, or through the proxy that the environment names for it.
    pub(in crate::http) fn route(&self, to: &Location) -> Result<HttpRoute, Trouble> {
        HttpRoute::to(to, &self.proxies)
    }

    /// Whether a server is reached through a proxy. Then the proxy resolves its name, and we do not know the address.
    pub(in crate::http) fn is_blind(&self, to: &Location) -> bool {
        !matches!(self.route(to), Ok(HttpRoute::Direct))
    }

    /// Connects. The addresses of the name are checked and used in one step, so that they cannot change in between.
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
            // In certificates names have no dot at the end.
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

    /// Connects to a proxy. Also returns the deadline for getting through it to the server.
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

    /// The address of a server: where we last connected to it, or else where its name resolves to. `None` if it is
    /// behind a proxy or its name does not resolve.
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
/// How long to resolve the name of a server that we are not connected to.
const LOOK_AROUND: Duration = Duration::from_secs(2);

/// The host, an IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
