//! The route to a server: direct, or through a proxy.

use ureq_proto::http::{HeaderMap, HeaderValue};

use super::via::{Speaks, Via};
use crate::http::authorization::Authorization;
use crate::http::location::Location;
use crate::http::proxy::Proxies;
use crate::http::trouble::Trouble;

/// The route to a server.
#[derive(Clone, Debug)]
pub(in crate::http) enum HttpRoute {
    /// Connect to the server itself.
    Direct,
    /// Through a proxy that relays bytes: we speak to the server itself over the proxy's connection.
    Tunnel(Via),
    /// Through an HTTP proxy that makes plain HTTP requests for us. It is used without TLS, as many proxies open
    /// tunnels to port 443 only.
    Forward(Via),
}

impl HttpRoute {
    /// The route to a server by the proxies of the environment. An error if the proxy's URL is invalid.
    pub(in crate::http) fn to(location: &Location, proxies: &Proxies) -> Result<Self, Trouble> {
        let https = location.is_https();
        let Some(text) = proxies.proxy_for(https, location.host(), location.port()) else {
            return Ok(Self::Direct);
        };
        let via = Via::parse(text).map_err(|how| Trouble::Proxy {
            // The text may hold a password, so the error names the variable and not its value.
            proxy: if https { "in HTTPS_PROXY" } else { "in HTTP_PROXY" }.to_owned(),
            how: how.to_owned(),
        })?;
        Ok(match via.speaks {
            Speaks::Http | Speaks::Https if !https => Self::Forward(via),
            _ => Self::Tunnel(via),
        })
    }

    /// Connections with equal keys can replace each other. It may contain a password: never show it.
    pub(in crate::http) fn key(&self, location: &Location) -> String {
        match self {
            Self::Direct => location.origin(),
            Self::Tunnel(via) => format!("{} {}", via.key(), location.origin()),
            Self::Forward(via) => via.key(),
        }
    }

    /// The `Proxy-Authorization` of each request to a proxy that forwards it, if the proxy has a user.
    pub(in crate::http) fn authorization(&self) -> Option<Authorization> {
        match self {
            Self::Forward(via) => via.authorization(),
            Self::Direct | Self::Tunnel(_) => None,
        }
    }

    /// The error for an answer that comes from the forwarding proxy itself and not from the server; `None` if it is the
    /// server's, or there is no forwarding proxy.
    ///
    /// 407 is the proxy's: it wants credentials or rejects ours, and is not asked again, as some lock an account after
    /// a few failures. Other refusals and gateway errors are the proxy's if Squid's `X-Squid-Error` says so, or if the
    /// body is a page of text or HTML and no header is one of a registry's.
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
