//! Registries that send on to addresses inside the network, and what names lead to.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::{ONE_TAG, TAGS, chain, options, repository_at, tags_at};
use crate::common::mock::{Action, Mock, on};
use crate::common::namespace::in_own_network;
use crate::common::wire::{Artifact, Shelf};
use crate::common::{Home, Output};
use oci::http::HttpError as Http;
use oci::manifest::Descriptor;
use oci::registry::{RegistryError, RegistryOptions};

fn layer() -> (Descriptor, String) {
    let descriptor = Descriptor::of("application/octet-stream", b"layer");
    let path = format!("GET /v2/a/blobs/{}", descriptor.digest);
    (descriptor, path)
}

fn allowing(hosts: &[&str]) -> RegistryOptions {
    let (mut options, _) = options();
    options.http.allowed_hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    options
}

#[test]
fn no_server_sends_us_to_this_machine_or_to_a_clouds_credentials() {
    let (descriptor, path) = layer();
    for (to, allowed) in [
        ("http://169.254.169.254/latest/meta-data/", &[][..]),
        ("http://169.254.169.254/latest/meta-data/", &["169.254.169.254"]),
        ("http://[fd00:ec2::254]/latest/", &["[fd00:ec2::254]"]),
        ("http://100.100.100.200/latest/", &["100.100.100.200"]),
        ("http://metadata.google.internal/", &["metadata.google.internal"]),
        ("http://0.0.0.0/", &["0.0.0.0"]),
        ("http://10.255.255.1/", &[]),
        ("http://10.255.255.1:81/", &["10.255.255.1"]),
        ("http://[fd12::1]/", &[]),
    ] {
        let mock = Mock::script([on(&path).answer(307, &[("Location", to)], b"")]);
        let error = repository_at(&allowing(allowed), &mock.host()).get_small_blob(&descriptor).unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Elsewhere { .. })), "{to}: {error:?}");
        mock.is_done();
    }
}

/// A proxy asks for whatever it is told, so that names that are inside by themselves are not told to it.
#[test]
fn no_server_sends_a_proxy_inside() {
    let (descriptor, path) = layer();
    let path = path.strip_prefix("GET ").unwrap();
    for (registry, to, allowed, followed) in [
        ("r.example", "vault", &[][..], false),
        ("r.example", "kubernetes.default.svc", &[], false),
        ("r.example", "minio.storage.svc.cluster.local.", &[], false),
        ("r.example", "metadata.azure.internal", &["metadata.azure.internal"], false),
        ("r.example", "nas.lan", &[], false),
        ("r.example", "minio", &["minio"], true),
        ("r.example", "storage.example", &[], true),
        ("registry.team.svc", "minio.storage.svc", &[], true),
        ("registry", "vault", &[], true),
    ] {
        let (asked, location) = (format!("GET http://{registry}{path}"), format!("http://{to}/x"));
        let mut steps = vec![on(&asked).answer(307, &[("Location", &location)], b"")];
        if followed {
            steps.push(on(&format!("GET {location}")).answer(200, &[], b"layer"));
        }
        let proxy = Mock::script(steps);
        let mut options = allowing(allowed);
        options.plain_http = true;
        options.http.proxies.http = Some(proxy.host());
        let found = repository_at(&options, registry).get_small_blob(&descriptor);
        assert_eq!(found.is_ok(), followed, "{registry} {to}: {found:?}");
        assert!(
            followed || matches!(found, Err(RegistryError::Http(Http::Elsewhere { .. }))),
            "{to}: {found:?}"
        );
        proxy.is_done();
    }

    // Nor for a token.
    let challenge = [("WWW-Authenticate", "Bearer realm=\"http://vault/token\",service=\"s\"")];
    let proxy = Mock::script([on("GET http://r.example/v2/a/tags/list").answer(401, &challenge, b"")]);
    let mut options = allowing(&[]);
    options.plain_http = true;
    options.http.proxies.http = Some(proxy.host());
    let error = tags_at(&options, "r.example").unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Elsewhere { .. })), "{error:?}");
    proxy.is_done();
}

/// What no flag allows is not hinted at.
#[test]
fn no_flag_is_named_that_would_be_refused() {
    let home = Home::new();
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    let mock = Mock::serve(|request| {
        let step = on(&request.line);
        match request.line.split_once(' ').unwrap().0 {
            "HEAD" => step.answer(404, &[], b""),
            _ => step.answer(202, &[("Location", "http://169.254.169.254/u")], b""),
        }
    });
    let reference = format!("{}/a/mychart:1.0.0", mock.host());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    let run = home.command("helm-chart-push").args([&reference]).run();
    let stderr = &run.fails(1).stderr;
    assert!(
        stderr.contains("points to http://169.254.169.254/u: it is this machine, or where clouds"),
        "{stderr}"
    );
    assert!(!stderr.contains("--allow-host"), "{stderr}");
}

/// A registry whose blobs are at `to`.
fn registry(chart: &Artifact, to: &str) -> Mock {
    let (answers, to) = (chart.answers(), to.to_owned());
    Mock::serve_everywhere(move |request| {
        let path = request.line.split_once(' ').unwrap().1;
        if path.contains("/blobs/") {
            return on(&request.line).answer(307, &[("Location", &format!("http://{to}{path}"))], b"");
        }
        if request.header("authorization").is_none() {
            return on(&request.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"r\"")], b"");
        }
        on(&request.line).then(Action::Send(answers[path].clone()))
    })
}

fn pull(host: &str, more: &[&str]) -> Output {
    let home = Home::new();
    let reference = format!("{host}/a:1.0");
    let run = home.command("helm-chart-pull").args(["--plain-http", "-u", "me", "-p", "s3cret", &reference]);
    run.args(more).run()
}

/// A network with a registry inside and its storage there as well, in which names resolve to all kinds of places.
#[test]
fn a_registry_inside_may_have_its_content_inside() {
    let addresses = [
        "10.1.2.3/32",
        "10.1.2.4/32",
        "fd12::4/128",
        "203.0.113.7/32",
        "169.254.169.254/32",
        "fd00:ec2::254/128",
    ];
    let names = [
        ("10.1.2.3", "registry.corp"),
        ("10.1.2.4", "storage.corp"),
        ("fd12::4", "storage6.corp"),
        ("203.0.113.7", "registry.example"),
        ("10.1.2.4", "storage.example"),
        ("127.0.0.1", "here.example"),
        ("169.254.169.254", "credentials.example"),
        ("fd00:ec2::254", "credentials6.example"),
        // Both kinds of addresses: only the one that may be connected to is.
        ("169.254.169.254", "both.example"),
        ("203.0.113.7", "both.example"),
    ];
    let test = "network::inside::a_registry_inside_may_have_its_content_inside";
    if !in_own_network(test, &addresses, &names) {
        return;
    }
    let chart = Artifact::chart("mychart", "1.0.0");
    let storage = Shelf::everywhere(&chart);
    let port = storage.mock.port();
    let private = "is an address inside this network";
    let inside = "is inside this network, and a server elsewhere sends us there";
    let worse = "or this machine, or where clouds hand out credentials";
    for (from, to, alone, allowed) in [
        // From inside to inside, by addresses and names.
        ("10.1.2.3", "10.1.2.4", None, None),
        ("10.1.2.3", "[fd12::4]", None, None),
        ("registry.corp", "10.1.2.4", None, None),
        ("registry.corp", "storage.corp", None, None),
        ("10.1.2.3", "storage6.corp", None, None),
        ("10.1.2.3", "registry.example", None, None),
        // From outside to inside, unless that is said.
        ("203.0.113.7", "10.1.2.4", Some(private), None),
        ("registry.example", "10.1.2.4", Some(private), None),
        ("registry.example", "storage.example", Some(inside), None),
        ("registry.example", "storage6.corp", Some(inside), None),
        // One on this machine may be the end of a tunnel.
        ("127.0.0.1", "10.1.2.4", Some(private), None),
        ("localhost", "storage.example", Some(inside), None),
        // To this machine, and to where clouds hand out credentials.
        ("10.1.2.3", "127.0.0.1", Some("it is this machine"), Some("it is this machine")),
        ("10.1.2.3", "localhost", Some("it is this machine"), Some("it is this machine")),
        ("registry.corp", "here.example", Some(worse), Some(worse)),
        ("registry.example", "here.example", Some(worse), Some(worse)),
        ("10.1.2.3", "169.254.169.254", Some("it is this machine"), Some("it is this machine")),
        ("10.1.2.3", "[fd00:ec2::254]", Some("it is this machine"), Some("it is this machine")),
        ("10.1.2.3", "credentials.example", Some(worse), Some(worse)),
        ("127.0.0.1", "credentials6.example", Some(worse), Some(worse)),
        ("registry.example", "credentials.example", Some(worse), Some(worse)),
        ("127.0.0.1", "here.example", None, None),
        ("registry.example", "both.example", None, None),
    ] {
        let what = format!("{from} to {to}");
        let before = storage.mock.requests().len();
        let to = format!("{to}:{port}");
        let server = registry(&chart, &to);
        let host = format!("{from}:{}", server.port());
        for (args, refused) in [(&[][..], alone), (&["--allow-host", &to], allowed)] {
            let output = pull(&host, args);
            match refused {
                None => drop(output.succeeds()),
                Some(why) => {
                    let stderr = &output.fails(1).stderr;
                    assert!(stderr.contains(why), "{what}: {stderr}");
                    let hint =
                        format!("hint: if that is where the registry keeps its content: --allow-host {to}\n");
                    assert_eq!(stderr.ends_with(&hint), allowed.is_none(), "{what}: {stderr}");
                }
            }
        }
        let requests = storage.mock.requests();
        assert_eq!(requests.len() > before, allowed.is_none(), "{what}");
        assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{what}");
    }
}

/// A token service is a place that a registry sends to, too.
#[test]
fn a_token_service_is_looked_for_where_its_registry_may_send_us() {
    let names = [
        ("203.0.113.7", "registry.example"),
        ("10.1.2.4", "auth.registry.example"),
        ("169.254.169.254", "credentials.registry.example"),
        ("10.1.2.3", "registry.corp"),
        ("10.1.2.4", "auth.registry.corp"),
    ];
    let addresses = ["10.1.2.3/32", "10.1.2.4/32", "203.0.113.7/32", "169.254.169.254/32"];
    let test = "network::inside::a_token_service_is_looked_for_where_its_registry_may_send_us";
    if !in_own_network(test, &addresses, &names) {
        return;
    }
    let tokens = Mock::serve_everywhere(|request| on(&request.line).answer(200, &[], br#"{"token":"t"}"#));
    for (host, service, asked) in [
        ("registry.corp", "auth.registry.corp", true),
        ("registry.example", "auth.registry.example", false),
        ("registry.example", "credentials.registry.example", false),
    ] {
        let challenge = format!("Bearer realm=\"http://{service}:{}/token\"", tokens.port());
        let mock = Mock::serve_everywhere(move |request| match request.header("authorization") {
            Some("Bearer t") => on(&request.line).answer(200, &[], ONE_TAG),
            _ => on(&request.line).answer(401, &[("WWW-Authenticate", &challenge)], b""),
        });
        let (mut options, _) = options();
        options.plain_http = true;
        let result = tags_at(&options, &format!("{host}:{}", mock.port()));
        assert_eq!(result.is_ok(), asked, "{service}: {result:?}");
        if let Err(error) = result {
            assert!(matches!(error, RegistryError::Http(Http::Inside { .. })), "{}", chain(&error));
            // Who is vouched for by name is asked, unless it is where clouds hand out credentials.
            options.trusted_realms = vec![service.parse().unwrap()];
            let result = tags_at(&options, &format!("{host}:{}", mock.port()));
            assert_eq!(result.is_ok(), service.starts_with("auth."), "{service}: {result:?}");
        }
    }
}

/// A port where nobody answers: a listener whose queue is full, and the connections that fill it. Not every system lets a
/// queue be full.
fn silent(address: SocketAddr) -> Option<(TcpListener, Vec<TcpStream>)> {
    let socket =
        socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let mut queue = Vec::new();
    while queue.len() < 16 {
        match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            Ok(stream) => queue.push(stream),
            Err(_) => return Some((listener, queue)),
        }
    }
    None
}

/// One address that answers is enough, and the others cost no more than a moment, however long the time limit is.
#[test]
fn an_address_where_nobody_is_does_not_hold_one_up() {
    let names = [
        ("fd12::8", "registry.example"),
        ("fd12::9", "registry.example"),
        ("127.0.0.1", "registry.example"),
        ("fd12::8", "nobody.example"),
        ("fd12::9", "nobody.example"),
    ];
    let test = "network::inside::an_address_where_nobody_is_does_not_hold_one_up";
    if !in_own_network(test, &["fd12::8/128", "fd12::9/128"], &names) {
        return;
    }
    let (mut options, _) = options();
    options.plain_http = true;
    options.http.backoff.retries = 0;
    options.http.timeouts.connect = Duration::from_secs(3600);
    let mock = Mock::script([on(TAGS).answer(200, &[], ONE_TAG)]);
    let nobody = |port| ["fd12::8", "fd12::9"].map(|ip| silent(SocketAddr::new(ip.parse().unwrap(), port)));
    let [Some(_one), Some(_two)] = nobody(mock.port()) else { return };
    assert_eq!(tags_at(&options, &format!("registry.example:{}", mock.port())).unwrap(), 1);
    assert_eq!(mock.connections(), 1);
    mock.is_done();
    // A proxy is a host like others.
    let proxy = Mock::script([on("GET http://registry.test/v2/a/tags/list").answer(200, &[], ONE_TAG)]);
    let [Some(_three), Some(_four)] = nobody(proxy.port()) else { return };
    options.http.proxies.http = Some(format!("registry.example:{}", proxy.port()));
    assert_eq!(tags_at(&options, "registry.test").unwrap(), 1);
    proxy.is_done();
    // Where nobody is at all, the time limit holds for all of them together.
    options.http.proxies.http = None;
    options.http.timeouts.connect = Duration::from_millis(700);
    let error = tags_at(&options, &format!("nobody.example:{}", mock.port())).unwrap_err();
    assert!(chain(&error).ends_with("timeout: to connect takes more than 700ms"), "{}", chain(&error));
}
