//! A registry's host, as docker's reference grammar has it, and with `_` in names besides.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::error::ReferenceError;

/// A registry's host with its port, in lower case: `localhost:5000`, `registry.example.com`, `[::1]:5000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Box<str>);

impl Host {
    /// As written: `name[:port]`.
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

    /// Whether this can only be this machine. Such a registry is spoken to in plain HTTP unless TLS is asked for,
    /// as docker and Helm 3 do.
    pub fn is_loopback(&self) -> bool {
        let name = undotted(self.name());
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost"
            || name.ends_with(".localhost")
            || bare.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether the name shows by itself that it is a host and no part of a repository: docker's rule.
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
            // `parse` alone would take `+80` and `080`.
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

/// A name without the dot of the root at its end, which keeps resolvers from trying it in domains of their own (RFC 1034
/// 3.1).
fn undotted(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// One label of a domain name (RFC 1123 2.1), or of a name that only a container engine's or a cluster's resolver knows:
/// they call services `my_registry`, which Helm takes as well.
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
