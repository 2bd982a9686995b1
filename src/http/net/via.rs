//! A proxy, as its URL in the environment tells of it.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::credential::Secret;
use crate::http::authorization::Authorization;
use crate::http::error::Failure;
use crate::http::stream::StreamError;
use crate::http::trouble::Trouble;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Speaks {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS 5 (RFC 1928). Go takes `socks5` and `socks5h` for the same: the proxy looks names up.
    Socks,
}

/// A proxy.
#[derive(Clone)]
pub(in crate::http) struct Via {
    pub(super) speaks: Speaks,
    scheme: &'static str,
    /// A name or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// User and password.
    pub(super) user: Option<(String, Secret)>,
}

/// Without the password.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{}://{open}{}{close}:{}", self.scheme, self.host, self.port)
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({self})")
    }
}

impl Via {
    /// Reads a proxy's URL; without a scheme it is `http`, as in Go. An error tells what is wrong, and repeats nothing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "its URL is invalid";
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (speaks, scheme, default) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Speaks::Http, "http", 80),
            "https" => (Speaks::Https, "https", 443),
            "socks5" => (Speaks::Socks, "socks5", 1080),
            "socks5h" => (Speaks::Socks, "socks5h", 1080),
            _ => return Err("only http, https, socks5 and socks5h proxies are supported"),
        };
        // As http, so that hosts of all of them are read alike.
        let url = Url::parse(&format!("http://{rest}")).map_err(|_| WRONG)?;
        let host = match url.host().ok_or(WRONG)? {
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(ip) => ip.to_string(),
            url::Host::Ipv6(ip) => ip.to_string(),
        };
        // The url crate does not tell a port of 80 from none.
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let given = place
            .rsplit_once(':')
            .filter(|(host, port)| !port.is_empty() && (!host.contains(':') || host.ends_with(']')));
        let port = given.map_or(Ok(default), |(_, port)| port.parse()).map_err(|_| WRONG)?;
        let decoded = |text: &str| {
            percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| WRONG)
        };
        let (name, password) = (decoded(url.username())?, url.password().map(decoded).transpose()?);
        let user = (!name.is_empty() || password.is_some())
            .then(|| (name, Secret::new(password.unwrap_or_default())));
        Ok(Self { speaks, scheme, host, port, user })
    }

    /// What an HTTP proxy wants to see of us.
    pub(super) fn authorization(&self) -> Option<Authorization> {
        self.user.as_ref().map(|(name, password)| Authorization::basic(name, password))
    }

    /// What tells it from other proxies, and from itself with another user. Not for eyes.
    pub(in crate::http) fn key(&self) -> String {
        let (name, password) =
            self.user.as_ref().map_or(("", ""), |(name, password)| (name, password.expose()));
        format!("{self} {name}:{password}")
    }

    /// The proxy itself is not reached, or breaks off.
    pub(super) fn broken(&self, error: StreamError, limit: Duration) -> Trouble {
        match Trouble::of(error, "to get through it", limit) {
            Trouble::Later(Failure::Io(source)) => Trouble::Later(Failure::Proxy {
                proxy: self.to_string(),
                how: "the connection failed".to_owned(),
                source: Some(source),
            }),
            Trouble::Later(failure) => self.failed(failure.to_string()),
            Trouble::Tls(failure) => self.useless(&failure.to_string()),
            other => other,
        }
    }

    /// It wants to know who we are, or does not believe it.
    pub(super) fn unauthorized(&self) -> Trouble {
        match self.user {
            Some(_) => self.useless("it does not accept this user and password (407)"),
            None => self.useless("it wants a user and a password (407)"),
        }
    }

    /// Something that may pass.
    pub(super) fn failed(&self, how: String) -> Trouble {
        Trouble::Later(Failure::Proxy { proxy: self.to_string(), how, source: None })
    }

    /// Something that will not.
    pub(super) fn useless(&self, how: &str) -> Trouble {
        Trouble::Proxy { proxy: self.to_string(), how: how.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_proxies_as_go_does() {
        for (text, shown, user) in [
            ("http://p.example:3128", "http://p.example:3128", None),
            ("HTTP://P.example:3128/", "http://p.example:3128", None),
            ("p.example", "http://p.example:80", None),
            ("p.example:3128", "http://p.example:3128", None),
            ("10.0.0.1:3128", "http://10.0.0.1:3128", None),
            ("https://p.example", "https://p.example:443", None),
            ("https://p.example:80", "https://p.example:80", None),
            ("socks5://p.example", "socks5://p.example:1080", None),
            ("socks5h://p.example:80", "socks5h://p.example:80", None),
            ("SOCKS5://u:p@[::1]:9", "socks5://[::1]:9", Some(("u", "p"))),
            ("http://[::1]", "http://[::1]:80", None),
            ("http://me:s%40cret%3A@p.example", "http://p.example:80", Some(("me", "s@cret:"))),
            ("me:pw@p.example:3128", "http://p.example:3128", Some(("me", "pw"))),
            ("http://me@p.example", "http://p.example:80", Some(("me", ""))),
            ("http://my_proxy:3128", "http://my_proxy:3128", None),
        ] {
            let via = Via::parse(text).unwrap_or_else(|how| panic!("{text}: {how}"));
            assert_eq!(via.to_string(), shown, "{text}");
            let found = via.user.as_ref().map(|(name, password)| (name.as_str(), password.expose()));
            assert_eq!(found, user, "{text}");
            assert!(!format!("{via} {via:?}").contains("s@cret"), "{via:?}");
        }
        for text in ["", "http://", "http://user:hunter2@", "http://p:99999", "http://p:x", "http://a b/"] {
            assert_eq!(Via::parse(text).err(), Some("its URL is invalid"), "{text}");
        }
        for text in ["ftp://p.example", "socks4://p.example", "quic://p"] {
            assert!(Via::parse(text).is_err_and(|how| how.starts_with("only http, ")), "{text}");
        }
    }
}
