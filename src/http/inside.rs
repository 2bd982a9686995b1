//! Names and addresses that only mean something inside a network. Pure: names are not resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a name stands for this machine (RFC 6761 6.3).
pub(super) fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether an address is not one of the public internet.
pub(super) fn is_internal(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_internal_v4(ip),
        IpAddr::V6(ip) => is_internal_v6(ip),
    }
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
