//! By which way a place is reached.

use ureq_proto::http::{HeaderMap, HeaderValue};

use super::via::{Speaks, Via};
use crate::http::authorization::Authorization;
use crate::http::location::Location;
use crate::http::proxy::Proxies;
use crate::http::trouble::Trouble;

/// By which way a place is reached.
#[derive(Clone, Debug)]
pub(in crate::http) enum HttpRoute {
    /// Without a proxy.
    Direct,
    /// Through a proxy that only relays bytes: we speak to the place itself, over the proxy's connection.
    Tunnel(Via),
    /// Through an HTTP proxy that is asked for what the place has. Many of them open tunnels to port 443 alone, and speak
    /// for us where there is no TLS.
    Forward(Via),
}

impl HttpRoute {
    /// The way that the environment has for a place.
    pub(in crate::http) fn to(location: &Location, proxies: &Proxies) -> Result<Self, Trouble> {
        let https = location.is_https();
        let Some(text) = proxies.proxy_for(https, location.host(), location.port()) else {
            return Ok(Self::Direct);
        };
        let via = Via::parse(text).map_err(|how| Trouble::Proxy {
            // It may hold a password, so it is told where it is, and not what.
            proxy: if https { "in HTTPS_PROXY" } else { "in HTTP_PROXY" }.to_owned(),
            how: how.to_owned(),
        })?;
        Ok(match via.speaks {
            Speaks::Http | Speaks::Https if !https => Self::Forward(via),
            _ => Self::Tunnel(via),
        })
    }

    /// What connections by this way to this place have in common, so that one can stand in for another. Not for eyes.
    pub(in crate::http) fn key(&self, location: &Location) -> String {
        match self {
            Self::Direct => location.origin(),
            Self::Tunnel(via) => format!("{} {}", via.key(), location.origin()),
            Self::Forward(via) => via.key(),
        }
    }

    /// What the proxy wants to see of us with each request, if it speaks for us.
    pub(in crate::http) fn authorization(&self) -> Option<Authorization> {
        match self {
            Self::Forward(via) => via.authorization(),
            Self::Direct | Self::Tunnel(_) => None,
        }
    }

    /// What is wrong with an answer that is not the place's, but the proxy's that was to speak for us.
    ///
    /// It wants to know who we are, or does not believe it: not again with the same password, some lock it after a few. Or
    /// it refuses, or does not get through. Squid says that such an answer is its own; a registry says so in JSON, or by its
    /// headers, where others have a page.
    pub(in crate::http) fn refused(&self, status: u16, headers: &HeaderMap) -> Option<Trouble> {
        let Self::Forward(via) = self else { return None };
        if status == 407 {
            let challenges = headers.get_all("proxy-authenticate").iter();
            return Some(via.unauthorized(challenges.map(HeaderValue::as_bytes)));
        }
        let registrys = ["www-authenticate", "docker-distribution-api-version"]
            .iter()
            .any(|name| headers.contains_key(*name));
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.trim_start().to_ascii_lowercase();
        let is_page = match status {
            403 => kind.starts_with("text/"),
            502..=504 => kind.starts_with("text/html"),
            _ => false,
        };
        let own = status >= 400 && headers.contains_key("x-squid-error") || is_page && !registrys;
        own.then(|| via.refused(status))
    }
}
