//! The host of a registry, by docker's reference grammar, except that names may hold `_` too.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::error::ReferenceError;

/// A registry's host with its port, in lower case: `localhost:5000`, `registry.example.com`, `[::1]:5000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Box<str>);

impl Host {
    /// The host as text: `name[:port]`, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without the port; an IPv6 address keeps its brackets.
    pub fn name(&self) -> &str {
        self.split().0
    }

    /// The port, if one is given.
    pub fn port(&self) -> Option<u16> {
        self.split().1.and_then(|port| port.parse().ok())
    }

    fn split(&self) -> (&str, Option<&str>) {
        match self.0.rfind(':') {
            Some(colon) if !self.0[colon..].contains(']') => (&self.0[..colon], Some(&self.0[colon + 1..])),
            _ => (&self.0, None),
        }
    }

    /// Whether the host can only be this machine: `localhost`, a name below it, or a loopback address. Such a registry
    /// is asked in plain HTTP unless the user wants TLS, as docker and Helm 3 do.
    pub fn is_loopback(&self) -> bool {
        let name = undotted(self.name());
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost"
            || name.ends_with(".localhost")
            || bare.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether the text can be told from the first part of a repository: it has a dot or a port, or is `localhost`
    /// (docker's rule).
    pub(super) fn is_evident(&self) -> bool {
        self.0.contains(['.', ':']) || self.name() == "localhost"
    }
}

impl FromStr for Host {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let host = Self(text.to_ascii_lowercase().into());
        let wrong = || Err(ReferenceError::Host(text.to_owned()));
        let (name, port) = host.split();
        if let Some(port) = port {
            // `parse` alone would accept `+80` and `080`.
            let plain = !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit());
            if !plain || port.parse::<u16>().is_err() {
                return wrong();
            }
        }
        let valid = match name.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
            None => name.len() <= 253 && undotted(name).split('.').all(is_label),
        };
        if valid { Ok(host) } else { wrong() }
    }
}

/// The name without a dot at its end. The dot stands for the root (RFC 1034 3.1), and keeps resolvers from trying the
/// name in their search domains.
fn undotted(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether this is a label of a domain name (RFC 1123 2.1). It may hold `_` too: resolvers of container engines and
/// clusters know services by names like `my_registry`, which Helm accepts as well.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
