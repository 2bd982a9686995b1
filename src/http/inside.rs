//! Names and addresses that only mean something inside a network, and who may send us to them. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names under which clouds serve credentials to their own machines.
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

/// Domains that mean something else in each network, or cluster: no registrar sells names below them (RFC 6762 3 and
/// appendix G, RFC 8375, ICANN's resolution on `internal`).
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
    /// From one link, one machine of a cloud, or not at all: something else is there for each who asks. It is where clouds
    /// hand out credentials.
    Local,
}

impl NetworkPlace {
    /// Whether everybody can mean the same by it.
    pub fn is_public(self) -> bool {
        self == Self::Public
    }
}

/// Who sends us somewhere, and whether the user has named that place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    sender: NetworkPlace,
    named: bool,
}

impl Surroundings {
    /// Of a server at this address; one that is not known is taken for one outside.
    pub(crate) fn new(sender: Option<IpAddr>, named: bool) -> Self {
        Self { sender: sender.map_or(NetworkPlace::Public, place_of), named }
    }

    /// Whether what is at such a place may be asked. No server has business to send us to this machine unless it is on it
    /// itself, or to where clouds hand out credentials; inside a network only one that is there as well does. One on this
    /// machine is not: often it is the end of a tunnel, and what it calls its network is not ours.
    pub(crate) fn reach(self, place: NetworkPlace) -> bool {
        match place {
            NetworkPlace::Public => true,
            NetworkPlace::Private => self.named || self.sender == NetworkPlace::Private,
            NetworkPlace::Loopback => self.sender == NetworkPlace::Loopback,
            NetworkPlace::Local => false,
        }
    }
}

/// What a name means by itself: this machine (RFC 6761 6.3), or where a cloud hands out credentials.
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

/// Whether a name means something inside a network only, by itself: one without a domain, a service of a cluster
/// (`vault.default.svc`, `….cluster.local`), or one of a network's own.
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
    // IPv4 in disguise: mapped, compatible (RFC 4291 2.5.5), translated (RFC 2765 2.1), NAT64 (RFC 6052 2.1), ISATAP
    // (RFC 5214 6.1), Teredo (RFC 4380 4), 6to4 (RFC 3056 2).
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
        // Every bit of it is turned round.
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
    // NAT64 of a network's own (RFC 8215) has the address in a place of its choice.
    let own_nat64 = matches!(segments, [0x64, 0xff9b, 1, ..]);
    let metadata = segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] // Amazon's
        || segments == [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]; // Google's
    if own_nat64 || metadata || ip.is_multicast() || ip.is_unspecified() || ip.is_unicast_link_local() {
        return NetworkPlace::Local;
    }
    // Site-local addresses are unique local ones from before there were any (RFC 3879).
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
