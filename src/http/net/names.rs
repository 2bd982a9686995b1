//! Resolves host names.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::http::error::HttpFailure;
use crate::http::trouble::Trouble;
use crate::threads::{Unfinished, locked, within};

/// How long a result is reused: less than the shortest pause between attempts, so that each attempt resolves again.
const HOLDS: Duration = Duration::from_millis(200);
/// How many addresses of one host are used at most.
const MAX_ADDRESSES: usize = 16;

/// The system's resolver. Requests in quick succession share one lookup, and an address is not looked up.
#[derive(Debug)]
pub(super) struct Names {
    known: Mutex<Vec<KnownNames>>,
    holds: Duration,
}

impl Default for Names {
    fn default() -> Self {
        Self { known: Mutex::default(), holds: HOLDS }
    }
}

#[derive(Debug)]
struct KnownNames {
    host: String,
    addresses: Vec<IpAddr>,
    since: Instant,
}

impl Names {
    /// The addresses of a host, at least one, in the system's order. The host is a name, or an address without
    /// brackets.
    pub(super) fn resolve(&self, host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, Trouble> {
        let with_port =
            |addresses: &[IpAddr]| addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        if let Ok(address) = host.parse() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        {
            let mut known = locked(&self.known);
            known.retain(|known| known.since.elapsed() < self.holds);
            if let Some(known) = known.iter().find(|known| known.host == host) {
                return Ok(with_port(&known.addresses));
            }
        }
        let addresses = look_up(host, limit)?;
        let found = with_port(&addresses);
        let known = KnownNames { host: host.to_owned(), addresses, since: Instant::now() };
        locked(&self.known).push(known);
        Ok(found)
    }
}

fn look_up(host: &str, limit: Duration) -> Result<Vec<IpAddr>, Trouble> {
    let ask = {
        let host = host.to_owned();
        move || {
            (host.as_str(), 0)
                .to_socket_addrs()
                .map(|found| found.map(|address| address.ip()).collect::<Vec<_>>())
        }
    };
    let answer = match within(limit, ask.clone()) {
        Ok(answer) => answer,
        Err(Unfinished::Late) => return Err(Trouble::late("to find the host", limit)),
        // There is no thread for it: resolve here, with the system's own time limit.
        Err(Unfinished::NoThread(_)) => ask(),
    };
    let mut found = answer.unwrap_or_else(|error| {
        log::debug!("{host}: {error}");
        Vec::new()
    });
    found.truncate(MAX_ADDRESSES);
    if found.is_empty() { Err(Trouble::Later(HttpFailure::HostNotFound)) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_once_and_an_address_never() {
        let names = Names { holds: Duration::MAX, ..Names::default() };
        let resolve = |host: &str, port| names.resolve(host, port, Duration::from_secs(10)).unwrap();
        for (host, port, address) in [("127.0.0.1", 5000, "127.0.0.1:5000"), ("::1", 443, "[::1]:443")] {
            assert_eq!(resolve(host, port), [address.parse().unwrap()]);
        }
        assert!(names.known.lock().unwrap().is_empty());
        let first = resolve("localhost", 5000);
        assert_eq!(first, resolve("localhost", 5000));
        assert!(resolve("localhost", 5001).iter().all(|address| address.port() == 5001));
        let known = names.known.lock().unwrap();
        assert_eq!(known.iter().map(|known| known.host.as_str()).collect::<Vec<_>>(), ["localhost"]);
    }
}
