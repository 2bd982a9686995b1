//! Behind proxies, as closed networks have them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::PrivateKeyDer;

use super::{ONE_TAG, TAGS, chain, options, tags_at};
use crate::common::Home;
use crate::common::mock::{Action, Mock, answer, on};
use crate::common::tls::{Authority, Issued, Server};
use crate::common::wire::{Artifact, Shelf};
use oci::http::{HttpError as Http, HttpFailure};
use oci::registry::RegistryError;

/// `GET http://registry.test/v2/a/tags/list`
const FORWARDED: &str = "GET http://registry.test/v2/a/tags/list";

#[test]
fn plain_http_is_asked_of_the_proxy() {
    let proxy = Mock::script([
        on(FORWARDED).answer(200, &[], ONE_TAG),
        on("GET http://other.test:5000/v2/a/tags/list").answer(200, &[], ONE_TAG),
        on(FORWARDED).answer(200, &[], ONE_TAG),
    ]);
    let (mut options, _) = options();
    options.plain_http = true;
    options.http.proxies.http = Some(format!("HTTP://user:hunter2@{}", proxy.host()));
    for host in ["registry.test", "other.test:5000", "registry.test:80"] {
        assert_eq!(tags_at(&options, host).unwrap(), 1, "{host}");
    }
    proxy.is_done();
    for (request, host) in proxy.requests().iter().zip(["registry.test", "other.test:5000", "registry.test"])
    {
        assert_eq!(request.header("host"), Some(host));
        assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpodW50ZXIy"));
        assert_eq!(request.header("authorization"), None);
    }

    // This machine is never behind a proxy.
    let direct = Mock::script([on(TAGS).answer(200, &[], ONE_TAG)]);
    tags_at(&options, &direct.host()).unwrap();
    direct.is_done();
}

#[test]
fn uploads_and_redirects_go_through_it_as_well() {
    let home = Home::new();
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    let reference = "registry.test/a/mychart:1.0.0";
    home.command("helm-chart-save").args(["mychart", reference]).run().succeeds();
    let uploads = "http://registry.test/v2/a/mychart/blobs/uploads/";
    let proxy = Mock::serve(move |request| {
        let step = on(&request.line);
        match request.line.split_once(' ').unwrap() {
            ("HEAD", _) => step.answer(404, &[], b""),
            ("POST", url) if url.starts_with(uploads) => step.answer(202, &[("Location", "/u/1")], b""),
            ("PUT", url) if url.starts_with("http://registry.test/") => step.answer(201, &[], b""),
            _ => step.answer(418, &[], b""),
        }
    });
    let push = home.command("helm-chart-push").args(["--plain-http", reference]);
    push.env("http_proxy", proxy.host()).run().succeeds();
    let puts: Vec<_> = proxy.requests().into_iter().filter(|r| r.line.starts_with("PUT ")).collect();
    assert_eq!(puts.len(), 3, "{:?}", proxy.lines());
    assert!(puts.iter().all(|put| !put.body.is_empty()));

    // Storage that is reached through the same proxy.
    let chart = Artifact::chart("mychart", "1.0.0");
    let answers = chart.answers();
    let proxy = Mock::serve(move |request| {
        let (_, url) = request.line.split_once(' ').unwrap();
        let path = url.strip_prefix("http://registry.test").unwrap_or(url);
        if let Some(stored) = url.strip_prefix("http://storage.test/") {
            return on(&request.line).then(Action::Send(answers[&format!("/{stored}")].clone()));
        }
        if path.contains("/blobs/") {
            let to = format!("http://storage.test{path}");
            return on(&request.line).answer(307, &[("Location", &to)], b"");
        }
        on(&request.line).then(Action::Send(answers[path].clone()))
    });
    let pull = Home::new();
    let run = pull.command("helm-chart-pull").args(["--plain-http", "registry.test/a:1.0"]);
    run.env("HTTP_PROXY", format!("http://{}/", proxy.host())).run().succeeds();
    assert!(
        proxy.lines().iter().any(|line| line.starts_with("GET http://storage.test/")),
        "{:?}",
        proxy.lines()
    );
}

/// A proxy that opens tunnels to where it is told, whatever is asked for, and tells what it was asked.
struct Tunnels {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tunnels {
    /// `meet` speaks with the client until the tunnel is open, and tells what it has heard.
    fn to(
        port: u16,
        meet: impl Fn(&mut dyn Conversation) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::over(port, None, meet)
    }

    /// The same behind TLS.
    fn over(
        port: u16,
        tls: Option<&Issued>,
        meet: impl Fn(&mut dyn Conversation) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (kept, meet) = (Arc::clone(&heard), Arc::new(meet));
        let config = tls.map(|issued| {
            let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = rustls::ServerConfig::builder_with_provider(provider);
            let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
            Arc::new(builder.with_single_cert(vec![issued.certificate.clone()], key).unwrap())
        });
        // It ends with the test program.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, meet, config) = (Arc::clone(&kept), Arc::clone(&meet), config.clone());
                thread::spawn(move || -> io::Result<()> {
                    let mut client: Box<dyn Conversation> = match config {
                        None => Box::new(stream),
                        Some(config) => {
                            let session = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
                            Box::new(rustls::StreamOwned::new(session, stream))
                        }
                    };
                    kept.lock().unwrap().push(meet(&mut *client)?);
                    let target = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
                    join(client, target)
                });
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }
}

trait Conversation: Read + Write + Send {
    /// Whatever is there within a moment, without waiting for more.
    fn hurry(&mut self, hurry: bool) -> io::Result<()>;
}

impl Conversation for TcpStream {
    fn hurry(&mut self, hurry: bool) -> io::Result<()> {
        self.set_read_timeout(hurry.then_some(std::time::Duration::from_millis(5)))
    }
}

impl Conversation for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {
    fn hurry(&mut self, hurry: bool) -> io::Result<()> {
        self.sock.hurry(hurry)
    }
}

/// Passes bytes on, by turns, until one side ends.
fn join(mut client: Box<dyn Conversation>, mut target: TcpStream) -> io::Result<()> {
    client.hurry(true)?;
    target.hurry(true)?;
    let pass = |from: &mut dyn Read, to: &mut dyn Write| -> io::Result<bool> {
        let mut bytes = [0; 16384];
        match from.read(&mut bytes) {
            Ok(0) => Ok(false),
            Ok(read) => to.write_all(&bytes[..read]).and_then(|()| to.flush()).map(|()| true),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    };
    while pass(&mut client, &mut target)? && pass(&mut target, &mut client)? {}
    Ok(())
}

/// Reads up to the empty line.
fn head(client: &mut dyn Conversation) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(head)
}

/// A registry that is called localhost, over TLS.
fn secure() -> (Authority, Server) {
    let authority = Authority::new();
    let server =
        Server::start(&authority.issue("registry.test", false), None, answer(200, &[], ONE_TAG, false));
    (authority, server)
}

#[test]
fn tls_goes_through_a_tunnel_whatever_the_proxy_says_of_itself() {
    let (authority, server) = secure();
    let many: String = (0..100).map(|n| format!("X-Proxy-{n}: {}\r\n", "y".repeat(100))).collect();
    for established in [
        "HTTP/1.1 200 Connection established\r\n\r\n".to_owned(),
        "HTTP/1.0 200 OK\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        // It has no body, whatever is said of one (RFC 9110 9.3.6).
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned(),
        // Folded, as RFC 9112 5.2 has it for the past.
        "HTTP/1.1 200 OK\r\nX-Proxy: a\r\n  b: c\r\n\td\r\nVia: 1.1 p\r\n \r\n\r\n".to_owned(),
    ] {
        let proxy = Tunnels::to(server.port(), {
            let established = established.clone();
            move |client| {
                let head = head(client)?;
                client.write_all(established.as_bytes())?;
                Ok(head)
            }
        });
        let (mut options, _) = options();
        options.http.ca_file = Some(authority.ca_file());
        options.http.proxies.https = Some(format!("http://us%20er:p%40ss@{}", proxy.address));
        assert_eq!(tags_at(&options, "registry.test:8443").unwrap(), 1, "{established}");
        let heard = proxy.heard().concat();
        assert!(
            heard.starts_with("CONNECT registry.test:8443 HTTP/1.1\r\nHost: registry.test:8443\r\n"),
            "{heard}"
        );
        assert!(heard.contains("\r\nProxy-Authorization: Basic dXMgZXI6cEBzcw==\r\n"), "{heard}");
    }
}

/// The dot of the root, which keeps a resolver from trying a name in its own domains: no certificate has it.
#[test]
fn a_host_may_end_in_a_dot() {
    let (authority, server) = secure();
    let proxy = Tunnels::to(server.port(), |client| {
        let head = head(client)?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        Ok(head)
    });
    let (mut options, _) = options();
    options.http.ca_file = Some(authority.ca_file());
    options.http.proxies.https = Some(format!("http://{}", proxy.address));
    assert_eq!(tags_at(&options, "registry.test.:8443").unwrap(), 1);
    let heard = proxy.heard().concat();
    assert!(heard.starts_with("CONNECT registry.test.:8443 HTTP/1.1\r\n"), "{heard}");
}

/// What a container engine or a cluster calls its services: no domain name has a `_`, and certificates and proxies do not
/// mind.
#[test]
fn a_host_may_have_an_underscore() {
    let authority = Authority::new();
    let server =
        Server::start(&authority.issue("my_registry", false), None, answer(200, &[], ONE_TAG, false));
    let meet = |client: &mut dyn Conversation| {
        let head = head(client)?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        Ok(head)
    };
    let proxy = Tunnels::to(server.port(), meet);
    let (mut options, _) = options();
    options.http.ca_file = Some(authority.ca_file());
    options.http.proxies.https = Some(format!("http://{}", proxy.address));
    assert_eq!(tags_at(&options, "my_registry:5000").unwrap(), 1);
    assert!(proxy.heard()[0].starts_with("CONNECT my_registry:5000 HTTP/1.1\r\n"), "{:?}", proxy.heard());

    // And in the cache it is told from the `_` before a port.
    let chart = Artifact::chart("mychart", "1.0.0");
    let answers = chart.answers();
    let proxy = Mock::serve(move |request| {
        let (_, url) = request.line.split_once(' ').unwrap();
        let path = url.strip_prefix("http://").unwrap().split_once('/').unwrap().1;
        on(&request.line).then(Action::Send(answers[&format!("/{path}")].clone()))
    });
    let home = Home::new();
    let references = ["my_registry:5000/a:1.0", "oci://my_registry_5000/a:1.0"];
    for reference in references {
        let pull = home.command("helm-chart-pull").args(["--plain-http", reference]);
        pull.env("HTTP_PROXY", proxy.host()).run().succeeds();
    }
    let listed = home.command("helm-chart-list").args(["-q"]).run();
    let digest = chart.digest();
    listed.prints(&format!("{}@{digest}\n{}@{digest}\n", references[0], references[1]));
    home.command("helm-chart-fsck").run().succeeds();
    home.command("helm-chart-remove").args([references[0]]).run().succeeds();
    home.command("helm-chart-list").args(["-q"]).run().prints(&format!("{}@{digest}\n", references[1]));
}

#[test]
fn a_proxy_may_speak_tls_itself() {
    let (authority, server) = secure();
    let own = authority.issue("127.0.0.1", false);
    let meet = |client: &mut dyn Conversation| {
        let head = head(client)?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        client.flush()?;
        Ok(head)
    };
    let proxy = Tunnels::over(server.port(), Some(&own), meet);
    let (mut options, _) = options();
    options.http.ca_file = Some(authority.ca_file());
    options.http.proxies.https = Some(format!("https://{}", proxy.address));
    assert_eq!(tags_at(&options, "registry.test").unwrap(), 1);
    assert_eq!(proxy.heard().len(), 1);

    // Nobody knows who issued its certificate.
    let stranger = Tunnels::over(server.port(), Some(&Authority::new().issue("127.0.0.1", false)), meet);
    options.http.proxies.https = Some(format!("https://me:hunter2@{}", stranger.address));
    let error = tags_at(&options, "registry.test").unwrap_err();
    assert!(matches!(&error, RegistryError::Http(Http::Proxy { .. })), "{error:?}");
    let expected = format!(
        "cannot use the proxy https://{}: its certificate is signed with another key than that of the trusted authority \
         of this name",
        stranger.address
    );
    assert!(chain(&error).ends_with(&expected), "{}", chain(&error));
}

/// What a SOCKS 5 proxy hears until the tunnel is open: methods, user and password, target.
fn socks(client: &mut dyn Conversation, method: u8) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    let mut hear = |client: &mut dyn Conversation, count: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes)?;
        heard.extend_from_slice(&bytes);
        Ok(bytes)
    };
    let greeting = hear(client, 2)?;
    hear(client, greeting[1].into())?;
    client.write_all(&[5, method])?;
    if method == 2 {
        let name = hear(client, 2)?;
        hear(client, name[1].into())?;
        let password = hear(client, 1)?;
        hear(client, password[0].into())?;
        client.write_all(&[1, 0])?;
    }
    let request = hear(client, 5)?;
    assert_eq!(request[3], 3, "a name is looked up by the proxy");
    hear(client, usize::from(request[4]) + 2)?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])?;
    Ok(heard)
}

#[test]
fn socks_takes_names_and_passwords() {
    let (authority, server) = secure();
    for (scheme, user, method, heard) in [
        ("socks5", "", 0, &b"\x05\x01\x00\x05\x01\x00\x03\x0dregistry.test\x01\xbb"[..]),
        ("socks5h", "", 0, b"\x05\x01\x00\x05\x01\x00\x03\x0dregistry.test\x01\xbb"),
        (
            "SOCKS5",
            "me:p%40ss@",
            2,
            b"\x05\x02\x00\x02\x01\x02me\x04p@ss\x05\x01\x00\x03\x0dregistry.test\x01\xbb",
        ),
        ("socks5", "me:pw@", 0, b"\x05\x02\x00\x02\x05\x01\x00\x03\x0dregistry.test\x01\xbb"),
    ] {
        let proxy = Tunnels::to(server.port(), move |client| socks(client, method));
        let (mut options, _) = options();
        options.http.ca_file = Some(authority.ca_file());
        options.http.proxies.https = Some(format!("{scheme}://{user}{}", proxy.address));
        assert_eq!(tags_at(&options, "registry.test").unwrap(), 1, "{scheme}");
        assert_eq!(*proxy.heard.lock().unwrap(), [heard.to_vec()], "{scheme}");
    }
    // Without TLS as well: the registry itself is spoken to.
    let registry = Mock::script([on(TAGS).answer(200, &[], ONE_TAG)]);
    let proxy = Tunnels::to(registry.port(), |client| socks(client, 0));
    let (mut options, _) = options();
    options.plain_http = true;
    options.http.proxies.http = Some(format!("socks5://{}", proxy.address));
    assert_eq!(tags_at(&options, "registry.test").unwrap(), 1);
    registry.is_done();
}

#[test]
fn a_proxy_that_cannot_be_used_is_said_without_its_password() {
    let closed = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (refused, silent) = (closed(), Mock::serve(|request| on(&request.line).then(Action::Close)));
    let with = |status: u16| {
        Mock::serve(move |request| {
            on(&request.line).answer(status, &[("Proxy-Authenticate", "Basic realm=x")], b"")
        })
    };
    let (wants, forbids, fails, garbage) =
        (with(407), with(403), with(503), Mock::raw(b"SSH-2.0-OpenSSH\r\n\r\n"));
    let plain = Mock::raw(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let socks = |reply: &'static [u8]| {
        Tunnels::to(0, move |client| {
            client.read_exact(&mut [0; 4])?;
            client.write_all(reply)?;
            Err(io::ErrorKind::Other.into())
        })
    };
    let (no_method, no_socks) = (socks(b"\x05\xff"), socks(b"HT"));
    let user = "user:hunter2@";
    for (https, proxy, told, transient) in [
        (
            true,
            "ftp://p.example".to_owned(),
            "in HTTPS_PROXY: only http, https, socks5 and socks5h proxies are supported",
            false,
        ),
        (false, format!("http://{user}"), "in HTTP_PROXY: its URL is invalid", false),
        (true, format!("http://{user}p.example:x"), "in HTTPS_PROXY: its URL is invalid", false),
        (
            true,
            format!("http://{user}{}", wants.host()),
            "<>: it does not accept this user and password (407)",
            false,
        ),
        (
            false,
            format!("http://{user}{}", wants.host()),
            "<>: it does not accept this user and password (407)",
            false,
        ),
        (true, wants.host(), "<>: it wants a user and a password (407)", false),
        (false, wants.host(), "<>: it wants a user and a password (407)", false),
        (
            true,
            format!("{user}{}", forbids.host()),
            "<>: it does not let us through to registry.test:443 (403)",
            false,
        ),
        (true, format!("http://{user}{}", fails.host()), "<>: it does not get through (503)", true),
        (true, format!("http://{user}{}", garbage.host()), "<>: it does not speak HTTP", false),
        (true, format!("http://{user}{}", silent.host()), "<>: it hangs up", true),
        (true, format!("http://{user}{refused}"), "<>: the connection failed: Connection refused", true),
        (false, format!("http://{user}{refused}"), "<>: the connection failed: Connection refused", true),
        (true, format!("socks5://{user}{refused}"), "<>: the connection failed: Connection refused", true),
        (true, format!("http://{user}nowhere.invalid:3128"), "<>: the host is not found", true),
        (true, format!("https://{user}{}", plain.host()), "<>: it answers in plain HTTP", false),
        (
            true,
            format!("socks5://{user}{}", no_method.address),
            "<>: it wants to know who we are in a way that is not supported",
            false,
        ),
        (true, format!("socks5://{user}{}", no_socks.address), "<>: it does not speak SOCKS 5", false),
    ] {
        let (mut options, waits) = options();
        options.plain_http = !https;
        let slot = if https { &mut options.http.proxies.https } else { &mut options.http.proxies.http };
        *slot = Some(proxy.clone());
        let error = tags_at(&options, "registry.test").unwrap_err();
        match &error {
            RegistryError::Http(Http::Proxy { .. }) => assert!(!transient, "{proxy}: {error:?}"),
            RegistryError::Http(Http::Unreachable { source: HttpFailure::Proxy { .. }, .. }) => {
                assert!(transient, "{proxy}");
            }
            other => panic!("{proxy}: {other:?}"),
        }
        assert_eq!(waits.lock().unwrap().is_empty(), !transient, "{proxy}");
        // It is called a proxy, and named without its user.
        let (text, bare) = (chain(&error), proxy.replace(user, ""));
        let bare = if bare.contains("://") { bare } else { format!("http://{bare}") };
        let told = told.replace("<>", &format!("the proxy {bare}"));
        assert!(text.ends_with(&told), "{proxy}: {text}");
        assert!(!format!("{text} {error:?}").contains("hunter2"), "{text} {error:?}");
    }
    // A password that is not right is not shown again and again: some lock it.
    assert_eq!(wants.requests().len(), 4);
}

#[test]
fn a_proxy_that_does_not_get_through_is_asked_again() {
    let (mut options, waits) = options();
    let proxy = Mock::serve(|request| on(&request.line).answer(503, &[], b""));
    options.http.proxies.https = Some(proxy.host());
    let error = tags_at(&options, "registry.test").unwrap_err();
    assert!(
        matches!(error, RegistryError::Http(Http::Unreachable { source: HttpFailure::Proxy { .. }, .. })),
        "{error:?}"
    );
    assert_eq!((proxy.requests().len(), waits.lock().unwrap().len()), (4, 3));
}

/// An answer that is the proxy's own is told as that, and as no registry's that wants a login.
#[test]
fn a_proxy_that_refuses_by_itself_is_no_registry_that_does() {
    let denied = b"{\"errors\":[{\"code\":\"DENIED\"}]}";
    let (html, json) = (("Content-Type", "text/html;charset=utf-8"), ("Content-Type", "application/json"));
    let squid = ("X-Squid-Error", "ERR_ACCESS_DENIED 0");
    let basic = ("WWW-Authenticate", "Basic realm=\"r\"");
    for (status, headers, body, own) in [
        (403, vec![squid, html], &b"<html>"[..], true),
        (404, vec![squid, html], b"<html>", true),
        (503, vec![("X-Squid-Error", "ERR_CONNECT_FAIL 111"), html], b"<html>", true),
        (504, vec![("X-Squid-Error", "ERR_DNS_FAIL 0")], b"", true),
        (403, vec![html, ("Via", "1.1 p.example")], b"<html>", true),
        (403, vec![("Content-Type", "text/plain")], b"by policy", true),
        (502, vec![html], b"<html>", true),
        (403, vec![json], denied, false),
        (403, vec![html, basic], b"<html>", false),
        (403, vec![html, ("Docker-Distribution-Api-Version", "registry/2.0")], b"<html>", false),
        (403, vec![], b"", false),
        (404, vec![html], b"<html>", false),
        (503, vec![("Content-Type", "text/plain")], b"no available server", false),
    ] {
        let heads = headers.clone();
        let proxy = Mock::serve(move |request| on(&request.line).answer(status, &heads, body));
        let (mut options, _) = options();
        options.plain_http = true;
        options.http.proxies.http = Some(format!("http://user:hunter2@{}", proxy.host()));
        let error = tags_at(&options, "registry.test").unwrap_err();
        let text = chain(&error);
        let found = matches!(
            error,
            RegistryError::Http(
                Http::RefusedByProxy { .. } | Http::Unreachable { source: HttpFailure::Proxy { .. }, .. }
            )
        );
        assert_eq!(found, own, "{status} {headers:?}: {error:?}");
        let named = text.contains(&format!("the proxy http://{}", proxy.host()));
        assert_eq!(named, own, "{status} {headers:?}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
        // Whoever asks the place itself hears what it says.
        options.http.proxies.http = None;
        let direct = tags_at(&options, &proxy.host()).unwrap_err();
        assert!(!chain(&direct).contains("proxy"), "{direct:?}");
    }

    let home = Home::new();
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    let reference = "registry.test/a/mychart:1.0.0";
    home.command("helm-chart-save").args(["mychart", reference]).run().succeeds();
    let proxy = Mock::serve(move |request| on(&request.line).answer(403, &[squid, html], b"<html>"));
    for (verb, line) in [
        ("pull", "GET http://registry.test/v2/a/mychart/manifests/1.0.0"),
        ("push", "POST http://registry.test/v2/a/mychart/blobs/uploads/"),
    ] {
        let command = home.command(&format!("helm-chart-{verb}")).args(["--plain-http", reference]);
        let (run, host) = (command.env("HTTP_PROXY", proxy.host()).run(), proxy.host());
        run.fails(1).stderr_is(&format!(
            "Error: cannot {verb} {reference}: {line}: the proxy http://{host} does not let us through (403)\n\
             hint: HTTP_PROXY and HTTPS_PROXY name proxies, NO_PROXY the hosts without one\n"
        ));
    }
}

#[test]
fn a_proxy_that_takes_no_basic_says_what_it_takes() {
    let home = Home::new();
    let challenges = [("Proxy-Authenticate", "Negotiate"), ("Proxy-Authenticate", "NTLM")];
    let proxy = Mock::serve(move |request| on(&request.line).answer(407, &challenges, b""));
    for (scheme, variable) in [("https", "HTTPS_PROXY"), ("http", "HTTP_PROXY")] {
        for user in ["", "user:hunter2@"] {
            let command = home.command("helm-chart-pull").args(["registry.test/a:1.0"]);
            let command = if scheme == "http" { command.args(["--plain-http"]) } else { command };
            let run = command.env(variable, format!("http://{user}{}", proxy.host())).run();
            run.fails(1).stderr_is(&format!(
                "Error: cannot pull registry.test/a:1.0: GET {scheme}://registry.test/v2/a/manifests/1.0: cannot use \
                 the proxy http://{}: it takes nothing but Negotiate or NTLM, and we speak Basic (407)\n\
                 hint: a proxy of your own in front of it, like px or cntlm, can speak these\n",
                proxy.host()
            ));
        }
    }
}

/// What stands behind an unescaped `#` of a password is not the proxy, and what stands before is nothing to look up.
#[test]
fn no_piece_of_a_password_is_taken_for_a_proxy() {
    let home = Home::new();
    for url in ["http://us:12345#1@127.0.0.1:9", "http://us:12345/1@127.0.0.1:9", "us:12345?1@127.0.0.1:9"] {
        let run = home.command("helm-chart-pull").args(["registry.test/a:1.0"]).env("HTTPS_PROXY", url).run();
        run.fails(1).stderr_is(
            "Error: cannot pull registry.test/a:1.0: GET https://registry.test/v2/a/manifests/1.0: cannot use the proxy \
             in HTTPS_PROXY: its URL is invalid: there is an @ behind a /, ? or #\n\
             hint: in a proxy's URL, the characters / ? # @ of a password are written %2F %3F %23 %40\n",
        );
    }
}

#[test]
fn a_command_says_what_to_do_about_its_proxy() {
    let home = Home::new();
    let wants = Mock::serve(|request| on(&request.line).answer(407, &[], b""));
    let pull = |proxy: &str| {
        home.command("helm-chart-pull").args(["registry.test/a:1.0"]).env("HTTPS_PROXY", proxy).run()
    };
    let output = pull(&wants.host());
    output.fails(1).stderr_is(&format!(
        "Error: cannot pull registry.test/a:1.0: GET https://registry.test/v2/a/manifests/1.0: cannot use the proxy \
         http://{}: it wants a user and a password (407)\n\
         hint: a proxy's user and password stand in its URL: http://USER:PASSWORD@HOST:PORT\n",
        wants.host()
    ));
    // And NO_PROXY is heard.
    let shelf = Shelf::new(&Artifact::chart("mychart", "1.0.0"));
    let run =
        home.command("helm-chart-pull").args([&shelf.reference()]).env("HTTP_PROXY", "http://127.0.0.1:1");
    run.run().succeeds();
}
