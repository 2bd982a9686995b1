//! Whether two domain names have the same owner, as far as the names show. Without I/O: names are not resolved.
//!
//! The public suffix list has the domains below which anyone can get a name: those of countries, and those of hosters
//! that are on the list. Hosters that are not on it are in `shared_names`. In case of doubt the owner counts as
//! unknown, because a password may be sent on this basis.

use super::shared_names::SHARED;

/// Domains below which each name belongs to a customer, with everything below it: `containers.acme.ghe.com` and
/// `acme.ghe.com` belong to Acme.
const OF_CUSTOMERS: &[&str] =
    &["ghe.com", "gitea.cloud", "gitlab-dedicated.com", "gitlab-dedicated.us", "gitlab.host"];

/// Top level domains that no registry sells, and that networks use for their own names (RFC 6762 appendix G; RFC 6761
/// for `test`). Any other top level domain that is not on the list may be that of a service directory, as in
/// `web.service.consul`.
const OF_NETWORKS: &[&str] =
    &["corp", "home", "intra", "intranet", "lan", "local", "localdomain", "private", "test"];

/// Names whose ports may belong to different customers: the entry points of tunnels for plain TCP.
const PORTS_APART: &[&str] = &[
    "bore.pub",
    "localto.net",
    "ngrok.app",
    "ngrok.dev",
    "ngrok.io",
    "pinggy.io",
    "pinggy.link",
    "playit.gg",
    "ply.gg",
    "portmap.host",
    "portmap.io",
    "serveo.net",
];

/// Whether two names are known to have one owner: they are in the same registered domain.
pub(super) fn have_one_owner(one: &str, other: &str) -> bool {
    let own = domain(one);
    own.is_some() && own == domain(other)
}

/// Whether another port of this name may belong to somebody else.
pub(super) fn has_ports_apart(name: &str) -> bool {
    PORTS_APART.iter().any(|door| is_at_or_below(name, door))
}

/// The registered domain of a name; `None` if it cannot be told. The name must be in lower case, and in punycode where
/// it is not ASCII.
fn domain(name: &str) -> Option<&str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_name = name.split('.').all(|label| !label.is_empty());
    let shared = SHARED.iter().any(|shared| is_at_or_below(name, shared));
    if !is_name || shared || is_service(name) || has_address(name) {
        return None;
    }
    if let Some(customers) = OF_CUSTOMERS.iter().find(|customers| is_at_or_below(name, customers)) {
        let above = name.strip_suffix(*customers)?.strip_suffix('.')?;
        let begin = above.rfind('.').map_or(0, |dot| dot + 1);
        return name.get(begin..);
    }
    let found = psl2::lookup(name)?;
    let top = name.rsplit('.').next().unwrap_or_default();
    if found.typ().is_none() && !OF_NETWORKS.contains(&top) {
        return None;
    }
    found.registrable_domain()
}

fn is_at_or_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether this is the name of a Kubernetes service, `service.namespace.svc.…`, in any cluster domain: its neighbours
/// may belong to other teams.
fn is_service(name: &str) -> bool {
    name.split('.').skip(2).any(|label| label == "svc")
}

/// Whether a name contains an IPv4 address, like those that hosters give to machines and wildcard services answer for:
/// `static.203.0.113.7.clients.example`, `203-0-113-7.example`.
fn has_address(name: &str) -> bool {
    let mut run = 0;
    name.split(['.', '-']).any(|part| {
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        run = if plain && part.parse::<u8>().is_ok() { run + 1 } else { 0 };
        run == 4
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order_and_say_nothing_twice() {
        for list in [SHARED, OF_CUSTOMERS, OF_NETWORKS, PORTS_APART] {
            assert!(list.is_sorted() && list.windows(2).all(|pair| pair[0] != pair[1]));
            for name in list {
                assert_eq!(*name, name.to_ascii_lowercase());
                assert!(!name.starts_with('.') && !name.ends_with('.'), "{name}");
            }
        }
    }

    #[test]
    fn a_domain_is_its_owners() {
        for (one, other) in [
            ("registry.example.com", "auth.example.com"),
            ("registry.example.com", "gitlab.example.com"),
            ("registry.example.com", "example.com"),
            ("registry.gitlab.example.com", "gitlab.example.com"),
            ("registry.eu.example.com", "auth.us.example.com"),
            ("r.example.co.uk", "auth.example.co.uk"),
            ("r.example.com.au", "auth.example.com.au"),
            ("r.example.gov.uk", "auth.example.gov.uk"),
            ("r.example.ac.jp", "auth.example.ac.jp"),
            ("r.example.k12.ca.us", "auth.example.k12.ca.us"),
            ("registry-1.docker.io", "auth.docker.io"),
            ("registry.gitlab.com", "gitlab.com"),
            ("docker.elastic.co", "docker-auth.elastic.co"),
            ("registry.connect.redhat.com", "sso.redhat.com"),
            ("registry.digitalocean.com", "api.digitalocean.com"),
            ("a.t.co", "b.t.co"),
            ("containers.acme.ghe.com", "acme.ghe.com"),
            ("containers.acme.ghe.com", "auth.acme.ghe.com"),
            ("registry.acme.gitlab-dedicated.com", "acme.gitlab-dedicated.com"),
            ("r.acme.github.io", "acme.github.io"),
            ("a.acme.blogspot.com", "b.acme.blogspot.com"),
            // Exceptions on the list: these have one owner, though their neighbours do not.
            ("a.www.ck", "b.www.ck"),
            ("a.city.kawasaki.jp", "b.city.kawasaki.jp"),
            // Names of private networks.
            ("registry.acme.lan", "gitlab.acme.lan"),
            ("registry.acme.corp", "sso.acme.corp"),
            ("registry.acme.local", "sso.acme.local"),
            ("registry.svc.example.com", "auth.svc.example.com"),
            // Other scripts in punycode, and a dot at the end.
            ("r.xn--bcher-kva.example.de", "auth.example.de"),
            ("r.xn--85x722f.xn--55qx5d.cn", "a.xn--85x722f.xn--55qx5d.cn"),
            ("r.xn--bcher-kva.de", "a.xn--bcher-kva.de"),
            ("r.example.com", "auth.example.com."),
            ("1.2.3.example.com", "auth.example.com"),
        ] {
            assert!(have_one_owner(one, other), "{one} {other}");
            assert!(have_one_owner(other, one), "{other} {one}");
        }
    }

    #[test]
    fn neighbours_are_strangers() {
        for (one, other) in [
            // Registries in clouds.
            ("acme.azurecr.io", "evil.azurecr.io"),
            ("acme.azurecr.us", "evil.azurecr.us"),
            ("acme.azurecr.cn", "evil.azurecr.cn"),
            ("acme.eastus.data.azurecr.io", "evil.eastus.data.azurecr.io"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", "2.dkr.ecr.eu-west-1.amazonaws.com"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", "evil.s3.eu-west-1.amazonaws.com"),
            ("1.dkr.ecr.cn-north-1.amazonaws.com.cn", "2.dkr.ecr.cn-north-1.amazonaws.com.cn"),
            ("1.dkr.ecr.eusc-de-east-1.amazonaws.eu", "2.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
            ("1.dkr-ecr.us-west-2.on.aws", "evil.lambda-url.us-west-2.on.aws"),
            ("europe-docker.pkg.dev", "us-docker.pkg.dev"),
            ("gcr.io", "evil.gcr.io"),
            ("acme.r.appspot.com", "evil.r.appspot.com"),
            ("acme.appspot.com", "evil.appspot.com"),
            ("acme-x-uc.a.run.app", "evil-x-uc.a.run.app"),
            ("containers.acme.ghe.com", "containers.evil.ghe.com"),
            ("acme.ghe.com", "evil.ghe.com"),
            ("ghe.com", "evil.ghe.com"),
            ("registry.acme.gitlab-dedicated.com", "evil.gitlab-dedicated.com"),
            ("acme.gitlab.io", "evil.gitlab.io"),
            ("acme.github.io", "evil.github.io"),
            ("x.github.dev", "y.github.dev"),
            ("quay.io", "evil.quay.io"),
            ("acme.jfrog.io", "evil.jfrog.io"),
            ("docker.cloudsmith.io", "evil.cloudsmith.io"),
            ("a.containers.dev", "b.containers.dev"),
            ("x.nyc3.digitaloceanspaces.com", "y.nyc3.digitaloceanspaces.com"),
            ("x.ondigitalocean.app", "y.ondigitalocean.app"),
            ("a.rg.fr-par.scw.cloud", "b.functions.fnc.fr-par.scw.cloud"),
            ("a1.c1.de1.container-registry.ovh.net", "b1.c1.de1.container-registry.ovh.net"),
            ("a.container-registry.ovh.net", "b.container-registry.ovh.net"),
            ("fra.ocir.io", "iad.ocir.io"),
            ("us.icr.io", "evil.icr.io"),
            ("demo.goharbor.io", "evil.goharbor.io"),
            ("acme.tencentcloudcr.com", "evil.tencentcloudcr.com"),
            ("acme-cn-beijing.cr.volces.com", "evil-cn-beijing.cr.volces.com"),
            ("sjc.vultrcr.com", "evil.vultrcr.com"),
            ("acme.cr.cloud.ru", "evil.cr.cloud.ru"),
            ("acme.registry.snowflakecomputing.com", "evil.registry.snowflakecomputing.com"),
            ("r.apps.acme.p1.openshiftapps.com", "r.apps.evil.p1.openshiftapps.com"),
            // Other services that give names to the public.
            ("acme.ngrok-free.app", "evil.ngrok-free.app"),
            ("acme.ngrok.io", "evil.ngrok.io"),
            ("0.tcp.eu.ngrok.io", "1.tcp.eu.ngrok.io"),
            ("acme.eu.org", "evil.eu.org"),
            ("acme.web.app", "evil.web.app"),
            ("acme.firebaseapp.com", "evil.firebaseapp.com"),
            ("acme.railway.app", "evil.railway.app"),
            ("acme.up.railway.app", "evil.up.railway.app"),
            ("acme.trycloudflare.com", "evil.trycloudflare.com"),
            ("acme.loca.lt", "evil.loca.lt"),
            ("acme.cpolar.cn", "evil.cpolar.cn"),
            ("acme.r1.cpolar.top", "evil.r1.cpolar.top"),
            ("acme.cpolar.io", "evil.cpolar.io"),
            ("acme.natappfree.cc", "evil.natappfree.cc"),
            ("acme.ngrok.cc", "evil.ngrok.cc"),
            ("acme.jprq.live", "evil.jprq.live"),
            ("acme.tunnelmole.com", "evil.tunnelmole.com"),
            ("acme.gradio.live", "evil.gradio.live"),
            // Dynamic DNS.
            ("acme.mooo.com", "evil.mooo.com"),
            ("acme.us.to", "evil.us.to"),
            ("acme.strangled.net", "evil.strangled.net"),
            ("acme.chickenkiller.com", "evil.chickenkiller.com"),
            ("acme.crabdance.com", "evil.crabdance.com"),
            ("acme.ydns.eu", "evil.ydns.eu"),
            ("acme.dns.army", "evil.dns.army"),
            ("acme.vicp.net", "evil.vicp.net"),
            // Registries of tenants.
            ("acme-registry.okteto.dev", "evil.okteto.dev"),
            ("acme.registry.depot.dev", "evil.registry.depot.dev"),
            ("acme.sakuracr.jp", "evil.sakuracr.jp"),
            ("acme.registry.jetbrains.space", "evil.registry.jetbrains.space"),
            ("acme.mycloudrepo.io", "evil.mycloudrepo.io"),
            ("acme.vercel.app", "evil.vercel.app"),
            ("acme.netlify.app", "evil.netlify.app"),
            ("acme.pages.dev", "evil.pages.dev"),
            ("acme.workers.dev", "evil.workers.dev"),
            ("acme.onrender.com", "evil.onrender.com"),
            ("acme.fly.dev", "evil.fly.dev"),
            ("acme.herokuapp.com", "evil.herokuapp.com"),
            ("acme.koyeb.app", "evil.koyeb.app"),
            ("acme.duckdns.org", "evil.duckdns.org"),
            ("acme.synology.me", "evil.synology.me"),
            ("acme.westeurope.cloudapp.azure.com", "evil.westeurope.cloudapp.azure.com"),
            ("acme.azurewebsites.net", "evil.azurewebsites.net"),
            ("acme.azurecontainer.io", "evil.azurecontainer.io"),
            ("d1.cloudfront.net", "d2.cloudfront.net"),
            ("acme.tail1.ts.net", "evil.tail2.ts.net"),
            // Addresses as names.
            ("r.10.0.0.1.nip.io", "a.10.0.0.2.nip.io"),
            ("r-10-0-0-1.sslip.io", "evil.sslip.io"),
            ("static.203.0.113.7.clients.example.com", "static.203.0.113.8.clients.example.com"),
            ("203-0-113-7.isp.example.com", "evil.isp.example.com"),
            // Names in clusters and networks.
            ("r.team-a.svc.cluster.local", "r.team-b.svc.cluster.local"),
            ("r.team-a.svc.cluster.local", "a.team-a.svc.cluster.local"),
            ("r.team-a.svc.k8s.example.com", "r.team-b.svc.k8s.example.com"),
            ("r.team-a.svc", "r.team-b.svc"),
            ("r.service.consul", "evil.service.consul"),
            ("a.c.acme.internal", "b.c.acme.internal"),
            ("registry.lan", "auth.lan"),
            ("registry.local", "auth.local"),
            ("registry.home.arpa", "auth.home.arpa"),
            // Public suffixes, and names that are no domains.
            ("registry", "auth"),
            ("registry", "registry"),
            ("com", "com"),
            ("example.com", "com"),
            ("co.uk", "evil.co.uk"),
            ("r.example.co.uk", "evil.co.uk"),
            ("r.com.au", "evil.com.au"),
            ("a.wild.ck", "b.other.ck"),
            ("acme.wild.ck", "wild.ck"),
            ("a.other.kawasaki.jp", "b.other.kawasaki.jp"),
            ("r.xn--55qx5d.cn", "a.xn--55qx5d.cn"),
            ("r.example.com", "r.example.com.evil.org"),
            ("r.example.com", "evilexample.com"),
            ("r.example.com", "example.org"),
            ("r.example.com", "auth.example.com.."),
            ("r.example.com", "auth..example.com"),
            ("r.example.com", ".example.com"),
            ("acme.azurecr.io", "evil.azurecr.io."),
            ("", ""),
            (".", "."),
        ] {
            assert!(!have_one_owner(one, other), "{one} {other}");
            assert!(!have_one_owner(other, one), "{other} {one}");
        }
    }

    #[test]
    fn a_tunnel_for_tcp_is_another_at_each_port() {
        for (name, apart) in [
            ("bore.pub", true),
            ("0.tcp.eu.ngrok.io", true),
            ("serveo.net", true),
            ("notbore.pub", false),
            ("registry.example.com", false),
            ("acme.azurecr.io", false),
        ] {
            assert_eq!(has_ports_apart(name), apart, "{name}");
        }
    }
}
