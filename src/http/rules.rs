//! Where a server may redirect us to. Without I/O: names are not resolved.

use std::net::IpAddr;

use super::inside::{NetworkPlace, Surroundings};
use super::location::Location;
use super::refusal::RedirectRefusal;
use crate::reference::Host;

/// The target of a redirected `GET` or `HEAD`; an error if it may not be followed. `sender` returns the address of the
/// server that the request was for, and `allowed` are further hosts that the user has allowed.
pub(crate) fn redirect(
    home: &Location,
    from: &Location,
    text: &str,
    sender: impl FnOnce() -> Option<IpAddr>,
    allowed: &[Host],
) -> Result<Location, RedirectRefusal> {
    let to = from.join(text)?;
    stay_encrypted(home, from, &to)?;
    let place = to.place();
    if place.is_public() || to.host() == home.host() {
        return Ok(to);
    }
    let surroundings = Surroundings::new(sender(), is_named(&to, allowed));
    if surroundings.reach(place) {
        return Ok(to);
    }
    Err(if place == NetworkPlace::Private { RedirectRefusal::Internal } else { RedirectRefusal::Untouchable })
}

/// Whether the name of a host shows that it is inside a network, while the server that sends us there is not. Where we
/// resolve names ourselves, their addresses decide; a proxy connects to any name that it is given.
pub(crate) fn is_inwards(home: &Location, to: &Location) -> bool {
    to.is_inside_name() && !home.is_inside_name() && !home.is_internal()
}

/// The target of a redirected upload; an error unless it is the server itself or a host that the user has allowed.
pub(crate) fn upload(
    home: &Location,
    from: &Location,
    text: &str,
    allowed: &[Host],
) -> Result<Location, RedirectRefusal> {
    let to = from.join(text)?;
    stay_encrypted(home, from, &to)?;
    if !to.same_origin(home) && !is_named(&to, allowed) {
        // The error must not suggest to allow a host that would be refused all the same.
        let never = match to.place() {
            NetworkPlace::Local => true,
            NetworkPlace::Loopback => !home.is_loopback(),
            NetworkPlace::Private | NetworkPlace::Public => false,
        };
        return Err(if never { RedirectRefusal::Untouchable } else { RedirectRefusal::ForeignUpload });
    }
    Ok(to)
}

/// Whether a URL is at one of these hosts. A host without a port means the scheme's default one.
pub(super) fn is_named(to: &Location, hosts: &[Host]) -> bool {
    let scheme = if to.is_https() { "https" } else { "http" };
    hosts.iter().any(|host| Location::root(scheme, host.as_str()).is_ok_and(|host| host.same_origin(to)))
}

/// Resolves a reference that must stay at the same server: the next page of a listing, or a redirect of a token
/// service.
pub(crate) fn same_place(from: &Location, text: &str) -> Result<Location, RedirectRefusal> {
    let to = from.join(text)?;
    stay_encrypted(from, from, &to)?;
    if to.same_origin(from) { Ok(to) } else { Err(RedirectRefusal::OtherHost) }
}

/// An error if `to` is without TLS, although the server that the request was for has TLS, or the one that redirects.
pub(crate) fn stay_encrypted(home: &Location, from: &Location, to: &Location) -> Result<(), RedirectRefusal> {
    if to.is_https() || !(from.is_https() || home.is_https()) {
        return Ok(());
    }
    Err(if to.host() == from.host() { RedirectRefusal::ForwardedProto } else { RedirectRefusal::Downgrade })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Location {
        Location::parse(text).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn follows_redirects_outwards_but_not_inwards() {
        let registry = at("https://r.example/v2/");
        for (text, verdict) in [
            ("https://cdn.example/x", None),
            ("https://8.8.8.8/x", None),
            ("/x", None),
            ("http://cdn.example/x", Some(RedirectRefusal::Downgrade)),
            ("http://r.example/x", Some(RedirectRefusal::ForwardedProto)),
            ("https://localhost/x", Some(RedirectRefusal::Untouchable)),
            ("https://LOCALHOST./x", Some(RedirectRefusal::Untouchable)),
            ("https://a.localhost/x", Some(RedirectRefusal::Untouchable)),
            ("https://127.0.0.1/x", Some(RedirectRefusal::Untouchable)),
            ("https://2130706433/x", Some(RedirectRefusal::Untouchable)),
            ("https://0x7f.1/x", Some(RedirectRefusal::Untouchable)),
            ("https://0177.0.0.1/x", Some(RedirectRefusal::Untouchable)),
            ("https://10.1.2.3/x", Some(RedirectRefusal::Internal)),
            ("https://172.16.0.1/x", Some(RedirectRefusal::Internal)),
            ("https://192.168.1.1/x", Some(RedirectRefusal::Internal)),
            ("https://169.254.169.254/latest/meta-data", Some(RedirectRefusal::Untouchable)),
            ("https://100.100.100.200/x", Some(RedirectRefusal::Untouchable)),
            ("https://0.0.0.0/x", Some(RedirectRefusal::Untouchable)),
            ("https://[::1]/x", Some(RedirectRefusal::Untouchable)),
            ("https://[::]/x", Some(RedirectRefusal::Untouchable)),
            ("https://[::ffff:10.0.0.1]/x", Some(RedirectRefusal::Internal)),
            ("https://[::ffff:8.8.8.8]/x", None),
            ("https://[64:ff9b::a9fe:a9fe]/x", Some(RedirectRefusal::Untouchable)),
            ("https://[fd00:ec2::254]/x", Some(RedirectRefusal::Untouchable)),
            ("https://[fe80::1]/x", Some(RedirectRefusal::Untouchable)),
        ] {
            let found = redirect(&registry, &registry, text, || Some(ip("192.0.2.1")), &[]);
            assert_eq!(found.err(), verdict, "{text}");
        }
    }

    #[test]
    fn a_server_inside_may_name_itself_and_its_neighbours() {
        for (home, address, text, verdict) in [
            ("https://10.0.0.1/", "10.0.0.1", "https://10.0.0.1:8443/x", None),
            ("https://10.0.0.1/", "10.0.0.1", "https://10.0.0.2/x", None),
            ("https://10.0.0.1/", "10.0.0.1", "https://[fd12::1]/x", None),
            ("https://r.corp/", "10.0.0.1", "https://192.168.7.7/x", None),
            ("https://10.0.0.1/", "10.0.0.1", "https://127.0.0.1/x", Some(RedirectRefusal::Untouchable)),
            ("https://10.0.0.1/", "10.0.0.1", "https://localhost/x", Some(RedirectRefusal::Untouchable)),
            (
                "https://10.0.0.1/",
                "10.0.0.1",
                "https://169.254.169.254/x",
                Some(RedirectRefusal::Untouchable),
            ),
            (
                "https://10.0.0.1/",
                "10.0.0.1",
                "https://metadata.google.internal/x",
                Some(RedirectRefusal::Untouchable),
            ),
            ("http://localhost:5000/", "127.0.0.1", "http://localhost:9000/x", None),
            ("http://localhost:5000/", "127.0.0.1", "http://127.0.0.1:9000/x", None),
            ("http://localhost:5000/", "127.0.0.1", "http://10.0.0.1/x", Some(RedirectRefusal::Internal)),
            (
                "http://localhost:5000/",
                "127.0.0.1",
                "http://169.254.169.254/x",
                Some(RedirectRefusal::Untouchable),
            ),
            (
                "http://localhost:5000/",
                "127.0.0.1",
                "http://100.100.100.200/x",
                Some(RedirectRefusal::Untouchable),
            ),
            (
                "http://localhost:5000/",
                "127.0.0.1",
                "http://[fd00:ec2::254]/x",
                Some(RedirectRefusal::Untouchable),
            ),
        ] {
            let home = at(home);
            let found = redirect(&home, &home, text, || Some(ip(address)), &[]);
            assert_eq!(found.err(), verdict, "{home} {text}");
        }
    }

    #[test]
    fn the_user_may_name_a_host_inside() {
        let home = at("https://r.example/");
        let allowed =
            ["10.0.0.9:9000", "10.0.0.8", "127.0.0.1", "169.254.169.254"].map(|host| host.parse().unwrap());
        for (text, verdict) in [
            ("https://10.0.0.9:9000/x", None),
            ("https://10.0.0.9/x", Some(RedirectRefusal::Internal)),
            ("https://10.0.0.8/x", None),
            ("https://10.0.0.8:8443/x", Some(RedirectRefusal::Internal)),
            ("http://10.0.0.8/x", Some(RedirectRefusal::Downgrade)),
            ("https://127.0.0.1/x", Some(RedirectRefusal::Untouchable)),
            ("https://169.254.169.254/x", Some(RedirectRefusal::Untouchable)),
        ] {
            for sender in [None, Some(ip("192.0.2.1"))] {
                assert_eq!(redirect(&home, &home, text, || sender, &allowed).err(), verdict, "{text}");
            }
        }
    }

    #[test]
    fn never_leaves_tls_even_after_a_detour() {
        let (registry, cdn) = (at("http://r.example/"), at("https://cdn.example/"));
        assert_eq!(
            redirect(&registry, &cdn, "http://x.example/", || None, &[]).err(),
            Some(RedirectRefusal::Downgrade)
        );
        assert_eq!(
            redirect(&cdn, &registry, "http://x.example/", || None, &[]).err(),
            Some(RedirectRefusal::Downgrade)
        );
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
            ("https://up.example:8443/u", Some(RedirectRefusal::ForeignUpload)),
            ("https://r.example:444/u", Some(RedirectRefusal::ForeignUpload)),
            ("https://10.0.0.1/u", Some(RedirectRefusal::ForeignUpload)),
            ("https://169.254.169.254/u", Some(RedirectRefusal::Untouchable)),
            ("https://metadata.google.internal/u", Some(RedirectRefusal::Untouchable)),
            ("https://[fd00:ec2::254]/u", Some(RedirectRefusal::Untouchable)),
            ("https://127.0.0.1/u", Some(RedirectRefusal::Untouchable)),
            ("https://sub.r.example/u", Some(RedirectRefusal::ForeignUpload)),
            ("http://r.example/u", Some(RedirectRefusal::ForwardedProto)),
            ("http://up.example/u", Some(RedirectRefusal::Downgrade)),
        ] {
            assert_eq!(upload(&registry, &registry, text, &allowed).err(), verdict, "{text}");
        }
    }

    #[test]
    fn pages_stay_with_the_registry() {
        let from = at("https://r.example/v2/a/tags/list");
        assert!(same_place(&from, "/v2/a/tags/list?last=x&n=2").is_ok());
        assert_eq!(same_place(&from, "https://r.example:8/v2/").err(), Some(RedirectRefusal::OtherHost));
        assert_eq!(same_place(&from, "http://r.example/v2/").err(), Some(RedirectRefusal::ForwardedProto));
    }
}
