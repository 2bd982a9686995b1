//! The URL of a request, and how the references in a server's answers are resolved against it. Without I/O.

use std::fmt;

use url::Url;

use super::inside::{self, NetworkPlace};
use super::refusal::RedirectRefusal;

/// An absolute `http` or `https` URL without userinfo and fragment.
///
/// The query is kept separately, byte for byte, and is never shown: it may hold a signature.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Location {
    url: Url,
    query: Option<Box<str>>,
}

impl Location {
    /// The root of a host: `<scheme>://<host>/`.
    pub(crate) fn root(scheme: &str, host: &str) -> Result<Self, RedirectRefusal> {
        Self::parse(&format!("{scheme}://{host}/"))
    }

    /// Parses an absolute URL.
    pub(crate) fn parse(text: &str) -> Result<Self, RedirectRefusal> {
        Self::read(None, text)
    }

    /// Resolves a reference against this URL (RFC 3986 5.2). It may be absolute, `//host/path`, `/path` or relative.
    pub(crate) fn join(&self, reference: &str) -> Result<Self, RedirectRefusal> {
        Self::read(Some(&self.url), reference)
    }

    fn read(base: Option<&Url>, text: &str) -> Result<Self, RedirectRefusal> {
        // The url crate would drop control characters silently, and re-encode the query.
        let text = text.trim_matches(' ');
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(RedirectRefusal::Malformed);
        }
        let text = text.split('#').next().unwrap_or_default();
        let (rest, query) = match text.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (text, None),
        };
        if !has_plain_host(rest) {
            return Err(RedirectRefusal::Malformed);
        }
        let url = match base {
            Some(base) => base.join(rest),
            None => Url::parse(rest),
        }
        .map_err(|_| RedirectRefusal::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(RedirectRefusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectRefusal::Userinfo);
        }
        Ok(Self { url, query: query.map(encode) })
    }

    /// The same URL with `name=value` appended to its query.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let query = match self.query.as_deref() {
            None | Some("") => format!("{name}={value}"),
            Some(query) if query.ends_with('&') => format!("{query}{name}={value}"),
            Some(query) => format!("{query}&{name}={value}"),
        };
        Self { url: self.url.clone(), query: Some(query.into()) }
    }

    /// The same URL with the query of `other` appended to its own.
    pub(crate) fn with_query_of(&self, other: &Self) -> Self {
        let query = match (self.query.as_deref(), other.query.as_deref()) {
            (own, None | Some("")) => own.map(Into::into),
            (None | Some(""), Some(other)) => Some(other.into()),
            (Some(own), Some(other)) => Some(format!("{own}&{other}").into()),
        };
        Self { url: self.url.clone(), query }
    }

    /// The URL with `suffix` appended to its path, and the same query. An error if that is not a valid URL.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Result<Self, RedirectRefusal> {
        Ok(Self { query: self.query.clone(), ..Self::parse(&format!("{}{suffix}", self.url))? })
    }

    /// Whether both have the same scheme, host and port. A missing port is the scheme's default one.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// Scheme, host and port as RFC 6454 6.2 writes them, without the port if it is the scheme's default one.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host, with its port unless that is the scheme's default one.
    pub(crate) fn authority(&self) -> String {
        self.url.port().map_or_else(|| self.host().to_owned(), |port| format!("{}:{port}", self.host()))
    }

    /// Whether the host is a name, and not an address in any of its spellings.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.url.host(), Some(url::Host::Domain(_)))
    }

    /// Whether it is reached over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host, an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, or the scheme's default one.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// The whole URL with its query, for the request line. It may hold a signature: never show it.
    pub(crate) fn with_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.url),
            None => self.url.to_string(),
        }
    }

    /// From where the host can be reached, as far as its name or address shows. The name is not resolved.
    pub(crate) fn place(&self) -> NetworkPlace {
        match self.url.host() {
            Some(url::Host::Domain(name)) => inside::place_of_name(name),
            Some(url::Host::Ipv4(ip)) => inside::place_of(ip.into()),
            Some(url::Host::Ipv6(ip)) => inside::place_of(ip.into()),
            None => NetworkPlace::Local,
        }
    }

    /// Whether the host is an address in a private network (RFC 1918, RFC 4193). False for this machine, and for the
    /// addresses at which clouds give out credentials.
    pub(crate) fn is_private(&self) -> bool {
        self.place() == NetworkPlace::Private
    }

    /// Whether the host is a name or an address that has a meaning only inside one network or on this machine.
    pub(crate) fn is_internal(&self) -> bool {
        !self.place().is_public()
    }

    /// Whether the host is a name that has a meaning only inside one network.
    pub(super) fn is_inside_name(&self) -> bool {
        matches!(self.url.host(), Some(url::Host::Domain(name)) if inside::is_inside_name(name))
    }

    /// Whether the host is a name or an address for this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.place() == NetworkPlace::Loopback
    }
}

/// Whether the host that a URL or a network-path reference (RFC 3986 4.2) names is written in ASCII without
/// percent-encoding; true if it names no host. The url crate would decode all others and map them by IDNA. Names of
/// registries are not written so: an internationalised name is given in its `xn--` form.
fn has_plain_host(reference: &str) -> bool {
    let is_slash = |c| matches!(c, '/' | '\\');
    let scheme = reference.find(':').filter(|&colon| !reference[..colon].contains(is_slash));
    let rest = scheme.map_or(reference, |colon| &reference[colon + 1..]);
    let slashes = rest.chars().take_while(|&c| is_slash(c)).count();
    if scheme.is_none() && slashes < 2 {
        return true;
    }
    let authority = rest[slashes..].split(is_slash).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.is_ascii() && !host.contains('%')
}

/// Writes the URL without its query.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// Writes the URL without its query.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.url)
    }
}

/// Percent-encodes the bytes that cannot stand in a request line, and leaves all others as they are.
fn encode(query: &str) -> Box<str> {
    let mut out = String::with_capacity(query.len());
    for byte in query.bytes() {
        match byte {
            b' ' | b'"' | b'<' | b'>' | 0x7f..=0xff => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(char::from(byte)),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Location {
        Location::parse(text).unwrap()
    }

    #[test]
    fn joins_every_kind_of_location() {
        let from = at("https://r.example/v2/a/blobs/uploads/?mount=x");
        for (text, joined) in [
            ("https://r.example/u/1", "https://r.example/u/1"),
            ("https://r.example:443/u/1", "https://r.example/u/1"),
            ("/u/1?state=a%2Fb", "https://r.example/u/1?state=a%2Fb"),
            ("//r.example/u/1", "https://r.example/u/1"),
            ("1", "https://r.example/v2/a/blobs/uploads/1"),
            ("../1", "https://r.example/v2/a/blobs/1"),
            ("?state=1", "https://r.example/v2/a/blobs/uploads/?state=1"),
            ("/u#part", "https://r.example/u"),
            ("/u?a='b'&c=\"d\"|{e}\\^`~%zz", "https://r.example/u?a='b'&c=%22d%22|{e}\\^`~%zz"),
            ("/u?a=b c&d=é", "https://r.example/u?a=b%20c&d=%C3%A9"),
            ("/u?a=https://x/?y=1", "https://r.example/u?a=https://x/?y=1"),
            ("/a b/%41", "https://r.example/a%20b/%41"),
            ("/É/%C3", "https://r.example/%C3%89/%C3"),
            ("//xn--9ca.example/é", "https://xn--9ca.example/%C3%A9"),
        ] {
            assert_eq!(from.join(text).map(|l| l.with_query()).as_deref(), Ok(joined), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_location() {
        let from = at("https://r.example/v2/");
        for (text, refusal) in [
            ("", RedirectRefusal::Malformed),
            ("http://", RedirectRefusal::Malformed),
            ("/a\tb", RedirectRefusal::Malformed),
            ("https://r.example:99999/", RedirectRefusal::Malformed),
            ("//RegisÉ.example/", RedirectRefusal::Malformed),
            ("\\\\RegisÉ.example/", RedirectRefusal::Malformed),
            ("https:RegisÉ.example/", RedirectRefusal::Malformed),
            ("https://Regis%C3%89.example/", RedirectRefusal::Malformed),
            ("file:///etc/passwd", RedirectRefusal::Scheme),
            ("https://user@r.example/", RedirectRefusal::Userinfo),
            ("https://user:pw@r.example/", RedirectRefusal::Userinfo),
            ("//user:pw@r.example/", RedirectRefusal::Userinfo),
        ] {
            assert_eq!(from.join(text), Err(refusal), "{text}");
        }
    }

    #[test]
    fn appends_to_a_query_and_keeps_it() {
        for (text, whole) in [
            ("https://r.example/u", "https://r.example/u?digest=d"),
            ("https://r.example/u?", "https://r.example/u?digest=d"),
            ("https://r.example/u?s=a%2B+b", "https://r.example/u?s=a%2B+b&digest=d"),
            ("https://r.example/u?s&", "https://r.example/u?s&digest=d"),
        ] {
            assert_eq!(at(text).with("digest", "d").with_query(), whole, "{text}");
        }
    }

    #[test]
    fn never_shows_a_query() {
        let location = at("https://r.example/u?signature=s3cret");
        assert_eq!(location.to_string(), "https://r.example/u");
        assert!(!format!("{location:?}").contains("s3cret"));
    }
}
