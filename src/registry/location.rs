//! Where a request goes: joining what a registry says with where it said it, and what is refused. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use crate::reference::Host;

/// An absolute `http` or `https` URL without userinfo and fragment.
///
/// The query stands apart: it may hold a signature, so it is kept byte for byte and never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Location {
    url: Url,
    query: Option<Box<str>>,
}

/// Why a place that the registry points to is not gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a URL.
    #[error("that is not a URL")]
    Malformed,
    /// Neither `http` nor `https`.
    #[error("only http and https are followed")]
    Scheme,
    /// `user:password@` in a URL, which would be sent as credentials.
    #[error("it holds a user name or password")]
    Userinfo,
    /// From `https` to `http`.
    #[error("it leads from https to plain http")]
    Downgrade,
    /// The same host, but `http` where we came by `https`: a registry that does not know it is behind TLS.
    #[error(
        "it is the same host over plain http: the proxy in front of the registry has to send it X-Forwarded-Proto: https"
    )]
    ForwardedProto,
    /// A loopback, private or link-local address named by a registry that is not there itself.
    #[error("it is an address inside this network, which the registry has no business to name")]
    Internal,
    /// An upload that would leave the registry.
    #[error("it is another host, and content is sent to the registry only")]
    ForeignUpload,
    /// A next page at another place.
    #[error("it is another host")]
    ForeignPage,
    /// A token service that would hand our credential on.
    #[error("it is another host than the token service, and credentials stay there")]
    ForeignToken,
}

impl Location {
    /// The root of a registry: `<scheme>://<host>/`.
    pub(super) fn registry(scheme: &str, host: &Host) -> Result<Self, Refusal> {
        let host = match host.as_str() {
            // Docker Hub's name in references is not where its API is.
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        Self::parse(&format!("{scheme}://{host}/"))
    }

    /// An absolute URL.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        Self::read(None, text)
    }

    /// What `reference` means here: absolute, `//host/path`, `/path` or relative (RFC 3986 5.2).
    pub(super) fn join(&self, reference: &str) -> Result<Self, Refusal> {
        Self::read(Some(&self.url), reference)
    }

    fn read(base: Option<&Url>, text: &str) -> Result<Self, Refusal> {
        // The url crate would drop control characters silently, and re-encode the query.
        let text = text.trim_matches(' ');
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Refusal::Malformed);
        }
        let text = text.split('#').next().unwrap_or_default();
        let (rest, query) = match text.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (text, None),
        };
        let url = match base {
            Some(base) => base.join(rest),
            None => Url::parse(rest),
        }
        .map_err(|_| Refusal::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Userinfo);
        }
        Ok(Self { url, query: query.map(encode) })
    }

    /// The same place with `name=value` behind what the query already has.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let query = match self.query.as_deref() {
            None | Some("") => format!("{name}={value}"),
            Some(query) if query.ends_with('&') => format!("{query}{name}={value}"),
            Some(query) => format!("{query}&{name}={value}"),
        };
        Self { url: self.url.clone(), query: Some(query.into()) }
    }

    /// Whether both have the same scheme, host and port, a scheme's own port being the same as none.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// Scheme, host and port as RFC 6454 6.2 writes them, a scheme's own port left out.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host, and its port unless that is the scheme's own.
    pub(super) fn authority(&self) -> String {
        self.url.port().map_or_else(|| self.host().to_owned(), |port| format!("{}:{port}", self.host()))
    }

    /// Whether the host is a name, and not an address in any of its spellings.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.url.host(), Some(url::Host::Domain(_)))
    }

    /// Whether it is reached over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host, an IPv6 address in brackets.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, given or the scheme's own.
    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// The whole of it, for the request line. Not for eyes.
    pub(super) fn with_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.url),
            None => self.url.to_string(),
        }
    }

    /// Whether the host is one that only means something inside a network: a name or address for this machine, or an
    /// address that is not of the public internet. Names are not resolved.
    pub(super) fn is_internal(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Domain(name)) => is_local_name(name),
            Some(url::Host::Ipv4(ip)) => is_internal_v4(ip),
            Some(url::Host::Ipv6(ip)) => is_internal_v6(ip),
            None => true,
        }
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Domain(name)) => is_local_name(name),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
            None => false,
        }
    }

    /// Whether this may stand in for `other`: never without TLS where that has it.
    pub(super) fn stays_encrypted(&self, other: &Self) -> Result<(), Refusal> {
        stay_encrypted(other, other, self)
    }
}

/// Without the query.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// Without the query.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.url)
    }
}

/// What cannot stand in a request line is percent-encoded; all else stays as it is.
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

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

fn is_internal_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_unspecified()
        || a == 0
        || a >= 224 // multicast, reserved, broadcast
        || (a, b & 0xc0) == (100, 64) // RFC 6598: carrier-grade NAT
        || (a, b, c) == (192, 0, 0) // RFC 6890: protocol assignments, Oracle's metadata
        || (a, b & 0xfe) == (198, 18) // RFC 2544: benchmarks
        || ip == Ipv4Addr::new(168, 63, 129, 16) // Azure's own services for its machines
}

fn is_internal_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    // IPv4 in disguise: mapped, compatible (RFC 4291 2.5.5), NAT64 (RFC 6052 2.1).
    let v4 = match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            let [.., a, b, c, d] = ip.octets();
            is_internal_v4(Ipv4Addr::new(a, b, c, d))
        }
        // 6to4 (RFC 3056 2).
        [0x2002, ..] => {
            let [_, _, a, b, c, d, ..] = ip.octets();
            is_internal_v4(Ipv4Addr::new(a, b, c, d))
        }
        _ => false,
    };
    // NAT64 of a network's own (RFC 8215) has the address in a place of its choice.
    let own_nat64 = matches!(segments, [0x64, 0xff9b, 1, ..]);
    v4 || own_nat64
        || ip.is_multicast()
        || ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
}

/// Where a redirect of a `GET` or `HEAD` leads, if it may be followed.
pub(super) fn redirect(registry: &Location, from: &Location, text: &str) -> Result<Location, Refusal> {
    let to = from.join(text)?;
    stay_encrypted(registry, from, &to)?;
    let home = to.host() == registry.host() || (to.is_loopback() && registry.is_loopback());
    if to.is_internal() && !home {
        return Err(Refusal::Internal);
    }
    Ok(to)
}

/// Where an upload goes on: to the registry itself, or to a host that the user has named.
pub(super) fn upload(
    registry: &Location,
    from: &Location,
    text: &str,
    allowed: &[Host],
) -> Result<Location, Refusal> {
    let to = from.join(text)?;
    stay_encrypted(registry, from, &to)?;
    let named = |host: &Host| Location::registry("https", host).is_ok_and(|host| to.same_origin(&host));
    if !to.same_origin(registry) && !allowed.iter().any(named) {
        return Err(Refusal::ForeignUpload);
    }
    Ok(to)
}

/// Where the next page of a listing is.
pub(super) fn next_page(from: &Location, text: &str) -> Result<Location, Refusal> {
    let to = from.join(text)?;
    stay_encrypted(from, from, &to)?;
    if to.same_origin(from) { Ok(to) } else { Err(Refusal::ForeignPage) }
}

/// Where a token service sends on to: another place of its own.
pub(super) fn token(from: &Location, text: &str) -> Result<Location, Refusal> {
    let to = from.join(text)?;
    stay_encrypted(from, from, &to)?;
    if to.same_origin(from) { Ok(to) } else { Err(Refusal::ForeignToken) }
}

fn stay_encrypted(registry: &Location, from: &Location, to: &Location) -> Result<(), Refusal> {
    if to.is_https() || !(from.is_https() || registry.is_https()) {
        return Ok(());
    }
    Err(if to.host() == from.host() { Refusal::ForwardedProto } else { Refusal::Downgrade })
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
        ] {
            assert_eq!(from.join(text).map(|l| l.with_query()).as_deref(), Ok(joined), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_location() {
        let from = at("https://r.example/v2/");
        for (text, refusal) in [
            ("", Refusal::Malformed),
            ("http://", Refusal::Malformed),
            ("/a\tb", Refusal::Malformed),
            ("https://r.example:99999/", Refusal::Malformed),
            ("file:///etc/passwd", Refusal::Scheme),
            ("https://user@r.example/", Refusal::Userinfo),
            ("https://user:pw@r.example/", Refusal::Userinfo),
            ("//user:pw@r.example/", Refusal::Userinfo),
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

    #[test]
    fn docker_hub_has_its_api_elsewhere() {
        for name in ["docker.io", "index.docker.io"] {
            let host = name.parse().unwrap();
            assert_eq!(
                Location::registry("https", &host).unwrap().to_string(),
                "https://registry-1.docker.io/"
            );
        }
    }

    #[test]
    fn follows_redirects_outwards_but_not_inwards() {
        let registry = at("https://r.example/v2/");
        for (text, verdict) in [
            ("https://cdn.example/x", None),
            ("https://8.8.8.8/x", None),
            ("/x", None),
            ("http://cdn.example/x", Some(Refusal::Downgrade)),
            ("http://r.example/x", Some(Refusal::ForwardedProto)),
            ("https://localhost/x", Some(Refusal::Internal)),
            ("https://LOCALHOST./x", Some(Refusal::Internal)),
            ("https://a.localhost/x", Some(Refusal::Internal)),
            ("https://127.0.0.1/x", Some(Refusal::Internal)),
            ("https://2130706433/x", Some(Refusal::Internal)),
            ("https://0x7f.1/x", Some(Refusal::Internal)),
            ("https://0177.0.0.1/x", Some(Refusal::Internal)),
            ("https://10.1.2.3/x", Some(Refusal::Internal)),
            ("https://172.16.0.1/x", Some(Refusal::Internal)),
            ("https://192.168.1.1/x", Some(Refusal::Internal)),
            ("https://169.254.169.254/latest/meta-data", Some(Refusal::Internal)),
            ("https://100.100.100.200/x", Some(Refusal::Internal)),
            ("https://0.0.0.0/x", Some(Refusal::Internal)),
            ("https://[::1]/x", Some(Refusal::Internal)),
            ("https://[::]/x", Some(Refusal::Internal)),
            ("https://[::ffff:10.0.0.1]/x", Some(Refusal::Internal)),
            ("https://[::ffff:8.8.8.8]/x", None),
            ("https://[64:ff9b::a9fe:a9fe]/x", Some(Refusal::Internal)),
            ("https://[fd00:ec2::254]/x", Some(Refusal::Internal)),
            ("https://[fe80::1]/x", Some(Refusal::Internal)),
        ] {
            assert_eq!(redirect(&registry, &registry, text).err(), verdict, "{text}");
        }
    }

    #[test]
    fn a_registry_inside_may_name_itself() {
        for (registry, text, verdict) in [
            ("https://10.0.0.1/", "https://10.0.0.1:8443/x", None),
            ("https://10.0.0.1/", "https://10.0.0.2/x", Some(Refusal::Internal)),
            ("http://localhost:5000/", "http://localhost:9000/x", None),
            ("http://localhost:5000/", "http://127.0.0.1:9000/x", None),
            ("http://localhost:5000/", "http://10.0.0.1/x", Some(Refusal::Internal)),
        ] {
            let registry = at(registry);
            assert_eq!(redirect(&registry, &registry, text).err(), verdict, "{text}");
        }
    }

    #[test]
    fn never_leaves_tls_even_after_a_detour() {
        let (registry, cdn) = (at("http://r.example/"), at("https://cdn.example/"));
        assert_eq!(redirect(&registry, &cdn, "http://x.example/").err(), Some(Refusal::Downgrade));
        assert_eq!(redirect(&cdn, &registry, "http://x.example/").err(), Some(Refusal::Downgrade));
    }

    #[test]
    fn uploads_stay_with_the_registry() {
        let registry = at("https://r.example:443/v2/");
        let allowed = ["up.example".parse().unwrap()];
        for (text, verdict) in [
            ("/u", None),
            ("https://r.example/u", None),
            ("https://R.EXAMPLE:443/u", None),
            ("https://up.example/u", None),
            ("https://up.example:8443/u", Some(Refusal::ForeignUpload)),
            ("https://r.example:444/u", Some(Refusal::ForeignUpload)),
            ("https://sub.r.example/u", Some(Refusal::ForeignUpload)),
            ("http://r.example/u", Some(Refusal::ForwardedProto)),
            ("http://up.example/u", Some(Refusal::Downgrade)),
        ] {
            assert_eq!(upload(&registry, &registry, text, &allowed).err(), verdict, "{text}");
        }
    }

    #[test]
    fn pages_stay_with_the_registry() {
        let from = at("https://r.example/v2/a/tags/list");
        assert!(next_page(&from, "/v2/a/tags/list?last=x&n=2").is_ok());
        assert_eq!(next_page(&from, "https://r.example:8/v2/").err(), Some(Refusal::ForeignPage));
        assert_eq!(next_page(&from, "http://r.example/v2/").err(), Some(Refusal::ForwardedProto));
    }
}
