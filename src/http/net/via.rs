//! A proxy, by its URL in the environment.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::credential::Secret;
use crate::http::authorization::Authorization;
use crate::http::error::HttpFailure;
use crate::http::stream::StreamError;
use crate::http::trouble::Trouble;

/// The protocol that we speak to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Speaks {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS 5 (RFC 1928), for `socks5` and `socks5h`. As in Go, both let the proxy resolve names.
    Socks,
}

/// A proxy.
#[derive(Clone)]
pub(in crate::http) struct Via {
    pub(super) speaks: Speaks,
    scheme: &'static str,
    /// The name of the proxy, or its address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// User and password, if the URL has them.
    pub(super) user: Option<(String, Secret)>,
}

/// Writes scheme, host and port, without user and password.
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
    /// Parses a proxy's URL; one without a scheme is `http`, as in Go. The error says what is wrong, and quotes
    /// nothing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "its URL is invalid";
        const ESCAPE: &str = "its URL is invalid: there is an @ behind a /, ? or #";
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (speaks, scheme, default) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Speaks::Http, "http", 80),
            "https" => (Speaks::Https, "https", 443),
            "socks5" => (Speaks::Socks, "socks5", 1080),
            "socks5h" => (Speaks::Socks, "socks5h", 1080),
            _ => return Err("only http, https, socks5 and socks5h proxies are supported"),
        };
        // An unescaped `/`, `?` or `#` in a password would end the host here, and part of the password would be shown
        // and resolved as a name.
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if rest.get(end..).is_some_and(|behind| behind.contains('@')) {
            return Err(ESCAPE);
        }
        // All schemes are parsed as http, so that their hosts are read alike.
        let url = Url::parse(&format!("http://{rest}")).map_err(|_| WRONG)?;
        let host = match url.host().ok_or(WRONG)? {
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(ip) => ip.to_string(),
            url::Host::Ipv6(ip) => ip.to_string(),
        };
        // The url crate drops port 80 as the default of http, so the port is read here.
        let authority = rest.get(..end).unwrap_or_default();
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

    /// The `Authorization` for an HTTP proxy, if it has a user.
    pub(super) fn authorization(&self) -> Option<Authorization> {
        self.user.as_ref().map(|(name, password)| Authorization::basic(name, password))
    }

    /// Equal keys mean the same proxy with the same user. It contains the password: never show it.
    pub(in crate::http) fn key(&self) -> String {
        let (name, password) =
            self.user.as_ref().map_or(("", ""), |(name, password)| (name, password.expose()));
        format!("{self} {name}:{password}")
    }

    /// The error when the connection to the proxy fails.
    pub(super) fn broken(&self, error: StreamError, limit: Duration) -> Trouble {
        match Trouble::of(error, "to get through it", limit) {
            Trouble::Later(HttpFailure::Io(source)) => Trouble::Later(HttpFailure::Proxy {
                proxy: self.to_string(),
                how: "the connection failed".to_owned(),
                source: Some(source),
            }),
            Trouble::Later(failure) => self.failed(failure.to_string()),
            Trouble::Tls(failure) => self.useless(&failure.to_string()),
            other => other,
        }
    }

    /// The error for a 407: the proxy wants credentials, or rejects ours. `challenges` are its `Proxy-Authenticate`
    /// values.
    pub(super) fn unauthorized<'a>(&self, challenges: impl Iterator<Item = &'a [u8]>) -> Trouble {
        let methods = methods(challenges);
        if !methods.is_empty() && !methods.iter().any(|method| method.eq_ignore_ascii_case("basic")) {
            let methods = methods.join(" or ");
            return self.useless(&format!("it takes nothing but {methods}, and we speak Basic (407)"));
        }
        match self.user {
            Some(_) => self.useless("it does not accept this user and password (407)"),
            None => self.useless("it wants a user and a password (407)"),
        }
    }

    /// The error for an answer of the proxy itself, where the server should have answered through it.
    pub(super) fn refused(&self, status: u16) -> Trouble {
        match status {
            408 | 429 | 500.. => self.failed(format!("it does not get through ({status})")),
            status => Trouble::RefusedByProxy { proxy: self.to_string(), status },
        }
    }

    /// An error of the proxy that may pass, so a later attempt may succeed.
    pub(super) fn failed(&self, how: String) -> Trouble {
        Trouble::Later(HttpFailure::Proxy { proxy: self.to_string(), how, source: None })
    }

    /// An error of the proxy that will not pass.
    pub(super) fn useless(&self, how: &str) -> Trouble {
        Trouble::Proxy { proxy: self.to_string(), how: how.to_owned() }
    }
}

/// The methods that `Proxy-Authenticate` values name (RFC 9110 11.6.1): the first word of each challenge. The
/// parameters in between, `name=value`, may be quoted and contain commas.
fn methods<'a>(challenges: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    const MOST: usize = 4;
    let mut found: Vec<String> = Vec::new();
    for value in challenges {
        let text = String::from_utf8_lossy(value);
        let mut quoted = false;
        for part in text.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        }) {
            let word = part.split_ascii_whitespace().next().unwrap_or_default();
            let is_method =
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            if is_method && found.len() < MOST && !found.iter().any(|known| known.eq_ignore_ascii_case(word))
            {
                found.push(word.chars().take(32).collect());
            }
        }
    }
    found
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
        for text in [
            "http://us:12345#1@10.1.2.4:3128",
            "http://us:12345/1@10.1.2.4:3128",
            "http://us:12345?1@10.1.2.4:3128",
            "us:12345/#1@10.1.2.4:3128",
            "socks5://us:1#2@3@p.example",
            "http://p.example:3128/@",
        ] {
            let how = "its URL is invalid: there is an @ behind a /, ? or #";
            assert_eq!(Via::parse(text).err(), Some(how), "{text}");
        }
        for text in ["ftp://p.example", "socks4://p.example", "quic://p"] {
            assert!(Via::parse(text).is_err_and(|how| how.starts_with("only http, ")), "{text}");
        }
    }

    #[test]
    fn a_proxy_names_the_methods_that_it_takes() {
        for (challenges, named) in [
            (&["Negotiate", "NTLM"][..], &["Negotiate", "NTLM"][..]),
            (&["Negotiate, NTLM,Basic realm=\"a, b\""], &["Negotiate", "NTLM", "Basic"]),
            (&["Basic realm=\"x\", charset=\"UTF-8\""], &["Basic"]),
            (&["Digest realm=x, nonce=\"y,z\", algorithm=MD5", "digest realm=x"], &["Digest"]),
            (&["NTLM TlRMTVNTUAAC=="], &["NTLM"]),
            (&["", ",", "=", "\u{1b}[31m x"], &[]),
        ] {
            assert_eq!(methods(challenges.iter().map(|text| text.as_bytes())), named, "{challenges:?}");
        }
    }
}
