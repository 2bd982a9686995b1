//! Names and addresses that have a meaning only inside one network, and which servers may send us there. Without I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Host names under which clouds give credentials to their own machines.
const METADATA: [&str; 8] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "api.metadata.cloud.ibm.com",
];

/// Domains that mean something different in each network or cluster: no registrar sells names below them (RFC 6762 3
/// and appendix G, RFC 8375, ICANN's resolution on `internal`).
const OF_A_NETWORK: [&str; 12] = [
    "svc",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "intra",
    "private",
    "corp",
    "home",
    "home.arpa",
    "lan",
    "consul",
];

/// From where an address can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkPlace {
    /// From everywhere.
    Public,
    /// From inside one network: RFC 1918, RFC 4193, RFC 6598.
    Private,
    /// From this machine.
    Loopback,
    /// From one link or one machine of a cloud, or not at all: what answers there depends on who asks. Clouds give
    /// credentials to their machines at such addresses.
    Local,
}

impl NetworkPlace {
    /// Whether it is reachable from everywhere, so that it is the same host for everybody.
    pub fn is_public(self) -> bool {
        self == Self::Public
    }
}

/// Where the server that redirects us is, and whether the user has allowed the host that it redirects to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    sender: NetworkPlace,
    named: bool,
}

impl Surroundings {
    /// For a server at this address. A server whose address is unknown counts as public.
    pub(crate) fn new(sender: Option<IpAddr>, named: bool) -> Self {
        Self { sender: sender.map_or(NetworkPlace::Public, place_of), named }
    }

    /// Whether a host at such a place may be contacted. Only a server on this machine may send us to this machine, and
    /// none to where clouds give out credentials. Into a private network only a server that is itself in one may send
    /// us, unless the user has allowed the host. A server on this machine may not: often it is the end of a tunnel, and
    /// its private network is not ours.
    pub(crate) fn reach(self, place: NetworkPlace) -> bool {
        match place {
            NetworkPlace::Public => true,
            NetworkPlace::Private => self.named || self.sender == NetworkPlace::Private,
            NetworkPlace::Loopback => self.sender == NetworkPlace::Loopback,
            NetworkPlace::Local => false,
        }
    }
}

/// The place that a name stands for without being resolved: this machine (RFC 6761 6.3), or where a cloud gives out
/// credentials; otherwise public.
pub(super) fn place_of_name(name: &str) -> NetworkPlace {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        NetworkPlace::Loopback
    } else if METADATA.contains(&name.as_str()) {
        NetworkPlace::Local
    } else {
        NetworkPlace::Public
    }
}

/// Whether the name itself shows that it means something only inside a network: it has no domain, is a service of a
/// cluster (`vault.default.svc`, `….cluster.local`), or is in one of the domains that each network has for itself.
pub(super) fn is_inside_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let below =
        |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.contains('.') || OF_A_NETWORK.into_iter().any(below)
}

/// From where an address can be reached.
pub(crate) fn place_of(ip: IpAddr) -> NetworkPlace {
    match ip {
        IpAddr::V4(ip) => place_of_v4(ip),
        IpAddr::V6(ip) => place_of_v6(ip),
    }
}

fn place_of_v4(ip: Ipv4Addr) -> NetworkPlace {
    let [a, b, c, _] = ip.octets();
    if ip.is_loopback() {
        return NetworkPlace::Loopback;
    }
    let local = ip.is_link_local()
        || a == 0
        || a >= 224 // multicast, reserved, broadcast
        || (a, b, c) == (192, 0, 0) // RFC 6890: protocol assignments, Oracle's metadata
        || ip == Ipv4Addr::new(100, 100, 100, 200) // Alibaba's metadata
        || ip == Ipv4Addr::new(168, 63, 129, 16); // Azure's own services for its machines
    let private = ip.is_private()
        || (a, b & 0xc0) == (100, 64) // RFC 6598: carrier-grade NAT, and networks over networks
        || (a, b & 0xfe) == (198, 18); // RFC 2544: benchmarks, and names that a local proxy makes up
    match (local, private) {
        (true, _) => NetworkPlace::Local,
        (false, true) => NetworkPlace::Private,
        (false, false) => NetworkPlace::Public,
    }
}

fn place_of_v6(ip: Ipv6Addr) -> NetworkPlace {
    let segments = ip.segments();
    if ip.is_loopback() {
        return NetworkPlace::Loopback;
    }
    // An IPv4 address inside an IPv6 address: mapped and compatible (RFC 4291 2.5.5), translated (RFC 2765 2.1), NAT64
    // (RFC 6052 2.1), ISATAP (RFC 5214 6.1); below Teredo (RFC 4380 4) and 6to4 (RFC 3056 2).
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _]
        | [0, 0, 0, 0, 0xffff, 0, _, _]
        | [0x64, 0xff9b, 0, 0, 0, 0, _, _]
        | [_, _, _, _, 0 | 0x200, 0x5efe, _, _]
            if !ip.is_unspecified() =>
        {
            let [.., a, b, c, d] = ip.octets();
            return place_of_v4(Ipv4Addr::new(a, b, c, d));
        }
        // Teredo inverts every bit of the address.
        [0x2001, 0, ..] => {
            let [.., a, b, c, d] = ip.octets();
            return place_of_v4(Ipv4Addr::new(!a, !b, !c, !d));
        }
        [0x2002, ..] => {
            let [_, _, a, b, c, d, ..] = ip.octets();
            return place_of_v4(Ipv4Addr::new(a, b, c, d));
        }
        _ => {}
    }
    // NAT64 with a prefix of the network's own (RFC 8215) can have the IPv4 address in several positions.
    let own_nat64 = matches!(segments, [0x64, 0xff9b, 1, ..]);
    let metadata = segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] // Amazon's
        || segments == [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]; // Google's
    if own_nat64 || metadata || ip.is_multicast() || ip.is_unspecified() || ip.is_unicast_link_local() {
        return NetworkPlace::Local;
    }
    // Site-local addresses are the predecessors of unique local ones (RFC 3879).
    let site_local = segments[0] & 0xffc0 == 0xfec0;
    if ip.is_unique_local() || site_local { NetworkPlace::Private } else { NetworkPlace::Public }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_its_place() {
        for (text, place) in [
            ("8.8.8.8", NetworkPlace::Public),
            ("172.15.255.255", NetworkPlace::Public),
            ("172.32.0.1", NetworkPlace::Public),
            ("100.63.255.255", NetworkPlace::Public),
            ("198.20.0.1", NetworkPlace::Public),
            ("2001:db8::1", NetworkPlace::Public),
            ("::ffff:8.8.8.8", NetworkPlace::Public),
            ("64:ff9b::8.8.8.8", NetworkPlace::Public),
            ("10.0.0.1", NetworkPlace::Private),
            ("172.16.0.1", NetworkPlace::Private),
            ("172.31.255.255", NetworkPlace::Private),
            ("192.168.0.1", NetworkPlace::Private),
            ("100.64.0.1", NetworkPlace::Private),
            ("198.18.0.1", NetworkPlace::Private),
            ("fc00::1", NetworkPlace::Private),
            ("fdff::1", NetworkPlace::Private),
            ("fec0::1", NetworkPlace::Private),
            ("::ffff:10.0.0.1", NetworkPlace::Private),
            ("::ffff:a00:1", NetworkPlace::Private),
            ("64:ff9b::10.0.0.1", NetworkPlace::Private),
            ("2002:a00:1::", NetworkPlace::Private),
            ("127.0.0.1", NetworkPlace::Loopback),
            ("127.1.2.3", NetworkPlace::Loopback),
            ("::1", NetworkPlace::Loopback),
            ("::ffff:127.0.0.1", NetworkPlace::Loopback),
            ("169.254.169.254", NetworkPlace::Local),
            ("169.254.170.2", NetworkPlace::Local),
            ("100.100.100.200", NetworkPlace::Local),
            ("168.63.129.16", NetworkPlace::Local),
            ("192.0.0.192", NetworkPlace::Local),
            ("0.0.0.0", NetworkPlace::Local),
            ("0.1.2.3", NetworkPlace::Local),
            ("224.0.0.1", NetworkPlace::Local),
            ("255.255.255.255", NetworkPlace::Local),
            ("::", NetworkPlace::Local),
            ("::ffff:169.254.169.254", NetworkPlace::Local),
            ("::169.254.169.254", NetworkPlace::Local),
            ("64:ff9b::a9fe:a9fe", NetworkPlace::Local),
            ("64:ff9b:1::1", NetworkPlace::Local),
            ("2002:a9fe:a9fe::", NetworkPlace::Local),
            ("::ffff:0:169.254.169.254", NetworkPlace::Local),
            ("::ffff:0:10.0.0.1", NetworkPlace::Private),
            ("::ffff:0:8.8.8.8", NetworkPlace::Public),
            ("2001:db8::5efe:169.254.169.254", NetworkPlace::Local),
            ("fe80::200:5efe:127.0.0.1", NetworkPlace::Loopback),
            ("2001:0:1234::5601:5601", NetworkPlace::Local),
            ("2001:0:1234::80ff:fffe", NetworkPlace::Loopback),
            ("2001:0:1234::f7f7:f7f7", NetworkPlace::Public),
            ("fd00:ec2::254", NetworkPlace::Local),
            ("fd20:ce::254", NetworkPlace::Local),
            ("fe80::1", NetworkPlace::Local),
            ("ff02::1", NetworkPlace::Local),
        ] {
            assert_eq!(place_of(text.parse().unwrap()), place, "{text}");
        }
        for (name, place) in [
            ("localhost", NetworkPlace::Loopback),
            ("A.Localhost.", NetworkPlace::Loopback),
            ("metadata.google.internal.", NetworkPlace::Local),
            ("metadata", NetworkPlace::Local),
            ("metadata.azure.internal", NetworkPlace::Local),
            ("Metadata.goog.", NetworkPlace::Local),
            ("r.example", NetworkPlace::Public),
            ("localhost.example", NetworkPlace::Public),
        ] {
            assert_eq!(place_of_name(name), place, "{name}");
        }
    }

    #[test]
    fn a_name_may_tell_that_it_is_inside() {
        for (name, inside) in [
            ("vault", true),
            ("vault.", true),
            ("kubernetes.default.svc", true),
            ("Minio.storage.svc.cluster.local.", true),
            ("x.azure.internal", true),
            ("s3.home.arpa", true),
            ("nas.lan", true),
            ("svc.example.com", false),
            ("internal.example.com", false),
            ("notinternal", true),
            ("r.notinternal", false),
            ("arpa.example", false),
        ] {
            assert_eq!(is_inside_name(name), inside, "{name}");
        }
    }

    #[test]
    fn only_neighbours_may_send_us_inside() {
        use NetworkPlace::{Local, Loopback, Private, Public};
        for (sender, named, reached) in [
            (None, false, &[Public][..]),
            (Some("8.8.8.8"), false, &[Public]),
            (Some("8.8.8.8"), true, &[Public, Private]),
            (Some("10.0.0.1"), false, &[Public, Private]),
            (Some("fd12::1"), false, &[Public, Private]),
            (Some("127.0.0.1"), false, &[Public, Loopback]),
            (Some("127.0.0.1"), true, &[Public, Private, Loopback]),
            (Some("169.254.1.1"), false, &[Public]),
            (Some("169.254.1.1"), true, &[Public, Private]),
        ] {
            let surroundings = Surroundings::new(sender.map(|ip| ip.parse().unwrap()), named);
            for place in [Public, Private, Loopback, Local] {
                assert_eq!(
                    surroundings.reach(place),
                    reached.contains(&place),
                    "{sender:?} {named} {place:?}"
                );
            }
        }
    }
}
