//! Where hosts are. ureq asks for every request, whether it needs a connection or not, and each time in a thread of its own.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration as Patience;

/// So long an answer holds. Whoever tries again after a pause asks again.
const HOLDS: Duration = Duration::from_secs(5);

/// The default resolver, asked once for all the requests of a chart, and not at all for an address.
#[derive(Debug, Default)]
pub(super) struct Names {
    resolver: DefaultResolver,
    known: Mutex<Vec<Known>>,
}

#[derive(Debug)]
struct Known {
    name: String,
    addresses: ResolvedSocketAddrs,
    since: Instant,
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
            known.retain(|known| known.since.elapsed() < HOLDS);
            if let Some(known) = known.iter().find(|known| known.name == name) {
                return Ok(known.addresses.clone());
            }
        }
        let addresses = self.resolver.resolve(uri, config, timeout)?;
        let known = Known { name, addresses: addresses.clone(), since: Instant::now() };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).push(known);
        Ok(addresses)
    }
}
