//! Where hosts are. ureq asks for every request, whether it needs a connection or not, and each time in a thread of its own.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration as Patience;

use crate::threads::{Unfinished, within};

/// So long an answer holds: less than the shortest pause, so that whoever tries again asks again.
const HOLDS: Duration = Duration::from_millis(200);

/// The default resolver, asked once for requests that follow one another closely, and not at all for an address.
#[derive(Debug)]
pub(super) struct Names {
    resolver: DefaultResolver,
    known: Mutex<Vec<Known>>,
    holds: Duration,
}

impl Default for Names {
    fn default() -> Self {
        Self { resolver: DefaultResolver::default(), known: Mutex::default(), holds: HOLDS }
    }
}

#[derive(Debug)]
struct Known {
    name: String,
    addresses: ResolvedSocketAddrs,
    since: Instant,
}

impl Names {
    /// ureq would start a thread for the time limit, too, and panic where there is none to be had.
    fn look_up(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let unlimited = NextTimeout { after: Patience::NotHappening, ..timeout };
        let Patience::Exact(limit) = timeout.after else {
            return self.resolver.resolve(uri, config, unlimited);
        };
        let ask = {
            let (resolver, uri, config) = (DefaultResolver::default(), uri.clone(), config.clone());
            move || resolver.resolve(&uri, &config, unlimited)
        };
        match within(limit, ask) {
            Ok(addresses) => addresses,
            Err(Unfinished::Late) => Err(ureq::Error::Timeout(timeout.reason)),
            // With the patience of the system, then.
            Err(Unfinished::NoThread(_)) => self.resolver.resolve(uri, config, unlimited),
        }
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        mut timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let name = uri.scheme().zip(uri.authority());
        let Some(name) = name.and_then(|(scheme, host)| DefaultResolver::host_and_port(scheme, host)) else {
            return self.resolver.resolve(uri, config, timeout);
        };
        if name.parse::<SocketAddr>().is_ok() {
            // Nobody has to be asked, so there is nothing to wait for.
            timeout.after = Patience::NotHappening;
            return self.resolver.resolve(uri, config, timeout);
        }
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|known| known.since.elapsed() < self.holds);
            if let Some(known) = known.iter().find(|known| known.name == name) {
                return Ok(known.addresses.clone());
            }
        }
        let addresses = self.look_up(uri, config, timeout)?;
        let known = Known { name, addresses: addresses.clone(), since: Instant::now() };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).push(known);
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_once_and_an_address_never() {
        let names = Names { holds: Duration::MAX, ..Names::default() };
        let resolve = |uri: &str| {
            let after = Duration::from_secs(10).into();
            let timeout = NextTimeout { after, reason: ureq::Timeout::Resolve, ..NextTimeout::default() };
            names.resolve(&uri.parse().unwrap(), &Config::default(), timeout)
        };
        for (uri, address) in
            [("http://127.0.0.1:5000/v2/", "127.0.0.1:5000"), ("https://[::1]/", "[::1]:443")]
        {
            assert_eq!(resolve(uri).unwrap().first(), Some(&address.parse().unwrap()));
        }
        assert!(names.known.lock().unwrap().is_empty());
        let first = resolve("http://localhost:5000/v2/a").unwrap();
        assert_eq!(first, resolve("http://localhost:5000/v2/b").unwrap());
        assert!(resolve("http://localhost:5001/").unwrap().iter().all(|address| address.port() == 5001));
        let known = names.known.lock().unwrap();
        assert_eq!(
            known.iter().map(|known| known.name.as_str()).collect::<Vec<_>>(),
            ["localhost:5000", "localhost:5001"]
        );
    }
}
