//! Which token services a registry may name. Without I/O: names are not resolved.
//!
//! Passwords are sent to a realm, and the registry names it, or an attacker in its place (GHSA-xf85-363p-868w,
//! CVE-2019-10214). So it is only asked if it is as well protected as the registry and is not inside this network while
//! the registry is elsewhere. If there is a credential to send, it must also belong to the registry.

use super::owner::{has_ports_apart, have_one_owner};
use crate::http::{Location, RedirectRefusal, stay_encrypted};
use crate::reference::Host;

/// A token service that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) location: Location,
    /// Whether it is known to belong to the registry, so that it may receive a credential.
    pub(super) belongs: bool,
    /// Whether the user has allowed its host.
    pub(super) vouched: bool,
}

/// Pairs of a registry and its token service where the domain of one says nothing about the other. `*` stands for one
/// label, the same in both.
const KNOWN: [(&str, &str); 6] = [
    ("nvcr.io", "authn.nvidia.com"),
    ("rg.*.scw.cloud", "api.scaleway.com"),
    ("registry.*.aliyuncs.com", "dockerauth.*.aliyuncs.com"),
    ("registry-vpc.*.aliyuncs.com", "dockerauth-vpc.*.aliyuncs.com"),
    ("registry-intl.*.aliyuncs.com", "dockerauth.*.aliyuncs.com"),
    ("registry-intl-vpc.*.aliyuncs.com", "dockerauth-vpc.*.aliyuncs.com"),
];

/// Judges a realm; an error if it must not be asked. `trusted` are the hosts that the user has allowed; they still need
/// TLS if the registry has it.
pub(super) fn judge(registry: &Location, realm: &str, trusted: &[Host]) -> Result<Realm, RedirectRefusal> {
    let location = Location::parse(realm)?;
    stay_encrypted(registry, registry, &location)?;
    let (from, to) = (registry.host(), location.host());
    let named = |host: &Host| host.name() == to && host.port().is_none_or(|port| port == location.port());
    let vouched = trusted.iter().any(named);
    let itself = from == to && (registry.port() == location.port() || !has_ports_apart(from));
    if itself || vouched {
        return Ok(Realm { location, belongs: true, vouched });
    }
    if location.is_internal() {
        // Both are this machine.
        if registry.is_loopback() && location.is_loopback() {
            return Ok(Realm { location, belongs: true, vouched });
        }
        return Err(if location.is_private() {
            RedirectRefusal::InternalRealm
        } else {
            RedirectRefusal::Untouchable
        });
    }
    let belongs =
        registry.is_name() && location.is_name() && (is_known(from, to) || have_one_owner(from, to));
    Ok(Realm { location, belongs, vouched })
}

fn is_known(registry: &str, realm: &str) -> bool {
    KNOWN.iter().any(|(known, service)| {
        let Some(label) = matches(known, registry) else { return false };
        match label {
            Some(label) => service.replace('*', label) == realm,
            None => *service == realm,
        }
    })
}

/// Whether a name matches this pattern, and which label its `*` stands for.
fn matches<'a>(pattern: &str, name: &'a str) -> Option<Option<&'a str>> {
    let Some((head, tail)) = pattern.split_once('*') else { return (pattern == name).then_some(None) };
    let label = name.strip_prefix(head)?.strip_suffix(tail)?;
    (!label.is_empty() && !label.contains('.')).then_some(Some(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(registry: &str, realm: &str, trusted: &[&str]) -> Result<bool, RedirectRefusal> {
        let registry = Location::parse(registry).unwrap();
        let trusted: Vec<Host> = trusted.iter().map(|host| host.parse().unwrap()).collect();
        judge(&registry, realm, &trusted).map(|realm| realm.belongs)
    }

    #[test]
    fn a_realm_is_as_well_protected_as_its_registry_and_not_inside() {
        for (realm, refusal) in [
            ("http://r.example/token", RedirectRefusal::ForwardedProto),
            ("http://auth.example/token", RedirectRefusal::Downgrade),
            ("http://127.0.0.1/token", RedirectRefusal::Downgrade),
            ("file:///etc/passwd", RedirectRefusal::Scheme),
            ("ftp://r.example/token", RedirectRefusal::Scheme),
            ("javascript:alert(1)", RedirectRefusal::Scheme),
            ("gopher://r.example/", RedirectRefusal::Scheme),
            ("https://me@r.example/token", RedirectRefusal::Userinfo),
            ("https://me:pw@r.example/token", RedirectRefusal::Userinfo),
            ("token", RedirectRefusal::Malformed),
            ("/token", RedirectRefusal::Malformed),
            ("", RedirectRefusal::Malformed),
            ("https://", RedirectRefusal::Malformed),
            ("https://r.example/\r\nX: y", RedirectRefusal::Malformed),
            ("https://localhost/token", RedirectRefusal::Untouchable),
            ("https://a.localhost./token", RedirectRefusal::Untouchable),
            ("https://127.0.0.1/token", RedirectRefusal::Untouchable),
            ("https://127.1/token", RedirectRefusal::Untouchable),
            ("https://2130706433/token", RedirectRefusal::Untouchable),
            ("https://0x7f000001/token", RedirectRefusal::Untouchable),
            ("https://0177.0.0.1/token", RedirectRefusal::Untouchable),
            ("https://10.0.0.1/token", RedirectRefusal::InternalRealm),
            ("https://172.31.255.255/token", RedirectRefusal::InternalRealm),
            ("https://192.168.0.1/token", RedirectRefusal::InternalRealm),
            ("https://169.254.169.254/latest/meta-data", RedirectRefusal::Untouchable),
            ("https://2852039166/latest/meta-data", RedirectRefusal::Untouchable),
            ("https://0xA9FEA9FE/latest/meta-data", RedirectRefusal::Untouchable),
            ("https://0251.0376.0251.0376/", RedirectRefusal::Untouchable),
            ("https://169.254.43518/", RedirectRefusal::Untouchable),
            // A full-width `１`: only ASCII names are accepted.
            ("https://\u{ff11}69.254.169.254/", RedirectRefusal::Malformed),
            ("https://100.100.100.200/", RedirectRefusal::Untouchable),
            ("https://168.63.129.16/", RedirectRefusal::Untouchable),
            ("https://192.0.0.192/", RedirectRefusal::Untouchable),
            ("https://198.18.0.1/", RedirectRefusal::InternalRealm),
            ("https://224.0.0.1/", RedirectRefusal::Untouchable),
            ("https://255.255.255.255/", RedirectRefusal::Untouchable),
            ("https://0.0.0.0/token", RedirectRefusal::Untouchable),
            ("https://[::1]/token", RedirectRefusal::Untouchable),
            ("https://[::]/token", RedirectRefusal::Untouchable),
            ("https://[::ffff:169.254.169.254]/", RedirectRefusal::Untouchable),
            ("https://[::ffff:a9fe:a9fe]/", RedirectRefusal::Untouchable),
            ("https://[64:ff9b::169.254.169.254]/", RedirectRefusal::Untouchable),
            ("https://[2002:a9fe:a9fe::]/", RedirectRefusal::Untouchable),
            ("https://[fd00:ec2::254]/", RedirectRefusal::Untouchable),
            ("https://[fe80::1]/", RedirectRefusal::Untouchable),
            ("https://[ff02::1]/", RedirectRefusal::Untouchable),
            ("https://metadata.google.internal/", RedirectRefusal::Untouchable),
            ("https://METADATA.google.internal./", RedirectRefusal::Untouchable),
            ("https://metadata/", RedirectRefusal::Untouchable),
        ] {
            assert_eq!(verdict("https://r.example/", realm, &[]), Err(refusal), "{realm}");
        }
    }

    #[test]
    fn a_registry_inside_may_name_itself_and_nobody_else() {
        for (registry, realm, allowed) in [
            ("https://10.0.0.1/", "https://10.0.0.1:8443/token", Ok(true)),
            ("https://10.0.0.1/", "https://10.0.0.2/token", Err(RedirectRefusal::InternalRealm)),
            ("https://10.0.0.1/", "https://127.0.0.1/token", Err(RedirectRefusal::Untouchable)),
            ("http://10.0.0.1:5000/", "http://10.0.0.1/token", Ok(true)),
            ("http://localhost:5000/", "http://127.0.0.1:5001/token", Ok(true)),
            ("http://127.0.0.1:5000/", "http://[::1]:5001/token", Ok(true)),
            ("http://127.0.0.1:5000/", "https://localhost/token", Ok(true)),
            ("https://localhost:5000/", "http://localhost:5001/token", Err(RedirectRefusal::ForwardedProto)),
            ("http://localhost:5000/", "http://10.0.0.1/token", Err(RedirectRefusal::InternalRealm)),
            ("http://localhost:5000/", "http://169.254.169.254/token", Err(RedirectRefusal::Untouchable)),
            ("http://localhost:5000/", "https://auth.example/token", Ok(false)),
            ("http://r.example/", "http://169.254.169.254/token", Err(RedirectRefusal::Untouchable)),
        ] {
            assert_eq!(verdict(registry, realm, &[]), allowed, "{registry} {realm}");
        }
    }

    #[test]
    fn only_what_belongs_to_the_registry_sees_a_credential() {
        for (registry, realm, belongs) in [
            ("registry-1.docker.io", "auth.docker.io", true),
            ("registry.gitlab.com", "gitlab.com", true),
            ("registry.example.org", "gitlab.example.org", true),
            ("ghcr.io", "ghcr.io", true),
            ("x.azurecr.io", "x.azurecr.io", true),
            ("docker.elastic.co", "docker-auth.elastic.co", true),
            ("registry.connect.redhat.com", "sso.redhat.com", true),
            ("nvcr.io", "authn.nvidia.com", true),
            ("nvcr.io", "evil.nvidia.com", false),
            ("evil.io", "authn.nvidia.com", false),
            ("rg.fr-par.scw.cloud", "api.scaleway.com", true),
            ("evil.rg.fr-par.scw.cloud", "api.scaleway.com", false),
            ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.cn-hangzhou.aliyuncs.com", true),
            ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.oss-cn-hangzhou.aliyuncs.com", false),
            ("registry.a.b.aliyuncs.com", "dockerauth.a.b.aliyuncs.com", false),
            ("x.azurecr.io", "evil.azurecr.io", false),
            ("acme.jfrog.io", "evil.jfrog.io", false),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", "evil.s3.eu-west-1.amazonaws.com", false),
            ("r.example.co.uk", "auth.example.co.uk", true),
            ("r.example.co.uk", "evil.co.uk", false),
            ("example.co.uk", "evil.co.uk", false),
            ("co.uk", "evil.co.uk", false),
            ("r.com.au", "evil.com.au", false),
            ("a.t.co", "b.t.co", true),
            ("r.example.com", "r.example.com.evil.org", false),
            ("r.example.com", "evilexample.com", false),
            ("r.example.com", "example.org", false),
            ("r.example.com", "xn--exmple-cua.com", false),
            ("registry", "auth", false),
            ("example.com", "com", false),
            ("r.team-a.svc.cluster.local", "r.team-b.svc.cluster.local", false),
            ("acme.azurecr.us", "evil.azurecr.us", false),
            ("ACME.azurecr.io", "acme.AZURECR.io", true),
            ("acme.azurecr.io", "acme.azurecr.io:8443", true),
            ("registry.example.com:5000", "auth.example.com:8443", true),
            ("r.xn--bcher-kva.de", "auth.xn--bcher-kva.DE", true),
            ("r.xn--55qx5d.cn", "evil.xn--55qx5d.cn", false),
            ("r.example.com", "auth.example.com.", true),
            ("bore.pub:5000", "bore.pub:5001", false),
            ("bore.pub:5000", "bore.pub:5000", true),
            ("8.8.8.8", "8.8.4.4", false),
            ("8.8.8.8:5000", "8.8.8.8:8443", true),
            ("[2001:db8::1]", "[2001:db8::2]", false),
            ("[2001:db8::1]", "[2001:db8::1]:8443", true),
            ("134744072", "8.8.8.8", true),
            ("8.8.8.8", "dns.google", false),
        ] {
            let verdict = verdict(&format!("https://{registry}/"), &format!("https://{realm}/token"), &[]);
            assert_eq!(verdict, Ok(belongs), "{registry} {realm}");
        }
    }

    #[test]
    fn the_user_may_vouch_for_a_host() {
        for (realm, trusted, allowed) in [
            ("https://sso.example.net/token", "sso.example.net", Ok(true)),
            ("https://sso.example.net:8443/token", "sso.example.net", Ok(true)),
            ("https://sso.example.net:8443/token", "sso.example.net:8443", Ok(true)),
            ("https://sso.example.net/token", "sso.example.net:443", Ok(true)),
            ("https://sso.example.net/token", "sso.example.net:8443", Ok(false)),
            ("https://sub.sso.example.net/token", "sso.example.net", Ok(false)),
            ("https://10.0.0.7/token", "10.0.0.7", Ok(true)),
            ("http://sso.example.net/token", "sso.example.net", Err(RedirectRefusal::Downgrade)),
        ] {
            assert_eq!(verdict("https://r.example/", realm, &[trusted]), allowed, "{realm} {trusted}");
        }
    }
}
