//! Which proxy a request goes through, by the rules of Go's `golang.org/x/net/http/httpproxy`, which Helm uses. Without
//! I/O.

use std::fmt;
use std::net::IpAddr;

/// The proxy settings of the environment, as plain text.
#[derive(Clone, Default)]
pub struct Proxies {
    /// `HTTP_PROXY`: the proxy for http.
    pub http: Option<String>,
    /// `HTTPS_PROXY`: the proxy for https.
    pub https: Option<String>,
    /// `NO_PROXY`: hosts, domains, addresses and networks to connect to directly, separated by commas.
    pub no_proxy: String,
}

/// Shows which proxies are set, and not their URLs, which may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl Proxies {
    /// Reads the settings with `variable`, which returns the value of an environment variable. The name in upper case
    /// takes precedence over lower case, and an empty value counts as unset.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            [name.to_owned(), name.to_lowercase()]
                .iter()
                .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        };
        Self {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            no_proxy: either("NO_PROXY").unwrap_or_default(),
        }
    }

    /// The proxy setting for this host and port, or `None` to connect directly. An IPv6 address is in brackets.
    pub(super) fn proxy_for(&self, https: bool, host: &str, port: u16) -> Option<&str> {
        let proxy = if https { &self.https } else { &self.http }.as_deref().filter(|p| !p.is_empty())?;
        (!self.is_direct(host, port)).then_some(proxy)
    }

    fn is_direct(&self, host: &str, port: u16) -> bool {
        let host = unbracket(host).to_ascii_lowercase();
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let entries = self.no_proxy.split(',').map(|entry| entry.trim().to_ascii_lowercase());
        entries.filter(|entry| !entry.is_empty()).any(|entry| matches(&entry, &host, ip, port))
    }
}

/// Whether one entry of `NO_PROXY` matches this host and port.
fn matches(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse(), bits.parse())
    {
        return ip.is_some_and(|ip| in_network(ip, network, bits));
    }
    let (name, at) = match entry.rsplit_once(':') {
        // A colon separates a port, unless it is one of an IPv6 address without brackets.
        Some((name, at)) if !name.contains(':') || name.ends_with(']') => (name, Some(at)),
        _ => (entry, None),
    };
    if at.is_some_and(|at| at.parse() != Ok(port)) {
        return false;
    }
    let name = unbracket(name);
    if let Ok(address) = name.parse::<IpAddr>() {
        return ip == Some(address.to_canonical());
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        // `.example.com` and `*.example.com` match what is below the domain; `example.com` matches itself as well.
        Some(domain) => !domain.is_empty() && is_below(host, domain),
        None => !name.is_empty() && (host == name || is_below(host, name)),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn in_network(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    let prefix = |address: u128, width: u32| address.checked_shr(width - bits).unwrap_or(0);
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) if bits <= 32 => {
            prefix(u32::from(ip).into(), 32) == prefix(u32::from(network).into(), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) if bits <= 128 => {
            prefix(ip.into(), 128) == prefix(network.into(), 128)
        }
        _ => false,
    }
}

fn unbracket(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_means_what_it_means_to_go() {
        for (no_proxy, host, port, direct) in [
            ("", "r.example", 443, false),
            ("*", "r.example", 443, true),
            ("a.example, *", "r.example", 443, true),
            ("r.example", "r.example", 443, true),
            ("r.example", "R.EXAMPLE", 443, true),
            ("R.example", "sub.r.example", 443, true),
            ("r.example", "other.example", 443, false),
            ("r.example", "bar.example", 443, false),
            (".r.example", "sub.r.example", 443, true),
            (".r.example", "r.example", 443, false),
            ("*.r.example", "a.b.r.example", 443, true),
            ("*.r.example", "r.example", 443, false),
            (" a.example ,r.example ", "r.example", 443, true),
            (",,", "r.example", 443, false),
            (".", "r.example", 443, false),
            ("r.example:443", "r.example", 443, true),
            ("r.example:8443", "r.example", 443, false),
            ("r.example:x", "r.example", 443, false),
            ("10.0.0.1", "10.0.0.1", 443, true),
            ("10.0.0.1:80", "10.0.0.1", 443, false),
            ("10.0.0.0/8", "10.9.9.9", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.0.0.0/8", "r.example", 443, false),
            ("10.0.0.0/33", "10.0.0.1", 443, false),
            ("0.0.0.0/0", "8.8.8.8", 443, true),
            ("fd00::/8", "[fd12::1]", 443, true),
            ("fd00::/8", "[fe80::1]", 443, false),
            ("::/0", "[fe80::1]", 443, true),
            ("fd12::1", "[fd12::1]", 443, true),
            ("[fd12::1]", "[fd12::1]", 443, true),
            ("[fd12::1]:443", "[fd12::1]", 443, true),
            ("[fd12::1]:80", "[fd12::1]", 443, false),
            ("", "localhost", 5000, true),
            ("", "127.0.0.1", 5000, true),
            ("", "127.1.2.3", 5000, true),
            ("", "[::1]", 5000, true),
        ] {
            let proxies = Proxies { no_proxy: no_proxy.to_owned(), ..Proxies::default() };
            assert_eq!(proxies.is_direct(host, port), direct, "{no_proxy:?} {host}:{port}");
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let proxies = Proxies::read(|name| match name {
            "HTTP_PROXY" => Some(String::new()),
            "http_proxy" => Some("plain.example:3128".to_owned()),
            "HTTPS_PROXY" => Some("https://secure.example".to_owned()),
            "https_proxy" => Some("http://ignored.example".to_owned()),
            "no_proxy" => Some("direct.example".to_owned()),
            _ => None,
        });
        assert_eq!(proxies.proxy_for(false, "r.example", 80), Some("plain.example:3128"));
        assert_eq!(proxies.proxy_for(true, "r.example", 443), Some("https://secure.example"));
        assert_eq!(proxies.proxy_for(true, "direct.example", 443), None);
        assert_eq!(Proxies::read(|_| None).proxy_for(true, "r.example", 443), None);
    }

    #[test]
    fn does_not_show_a_password() {
        let proxies = Proxies { http: Some("http://u:hunter2@p.example".to_owned()), ..Proxies::default() };
        assert!(!format!("{proxies:?}").contains("hunter2"));
    }
}
