//! What a registry can make us show to others: nothing.
//!
//! Every name goes to one proxy, which plays all hosts and keeps every byte that it is sent. The registry is
//! `r.example`; all else is a stranger.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::Home;
use crate::common::mock::answer;
use crate::common::target::target;
use oci::credential::{Credential, CredentialPlace, Credentials, CredentialsError, Obtained, Secret};
use oci::http::{self, Backoff, HttpError as Http};
use oci::manifest::Descriptor;
use oci::reference::{Host, Repository};
use oci::registry::{Client, Hint, Hints, RegistryError, RegistryOptions, RepositoryClient};

const REGISTRY: &str = "r.example:80";
const CODES: [u16; 5] = [301, 302, 303, 307, 308];

/// Other port, other host, subdomain, parent, a name that looks like it, and another scheme.
const STRANGERS: [&str; 7] = [
    "http://r.example:8080",
    "http://evil.example",
    "http://sub.r.example",
    "http://example",
    "http://r.example.evil.net",
    "https://r.example",
    "https://evil.example",
];

/// What no stranger may receive. The password in base64 is found at any offset that a user name gives it.
const SECRETS: [&str; 7] = ["authorization", "s3cr3t", "czNjcjN0", "MzY3IzdH", "zM2NyM3", "t0k3n", "me:"];

/// What was sent to one host over one connection.
#[derive(Clone, Debug)]
struct Heard {
    host: String,
    bytes: Vec<u8>,
}

type Play = dyn Fn(&str, &str, bool) -> Option<Vec<u8>> + Send + Sync;

/// All hosts there are.
struct World {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl World {
    /// `play` is told host, `GET /path` and whether there is an Authorization. What it has no answer to is 200.
    fn new(play: impl Fn(&str, &str, bool) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, play): (Arc<Mutex<Vec<Heard>>>, Arc<Play>) = (Arc::default(), Arc::new(play));
        let kept = Arc::clone(&heard);
        // It ends with the test program.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, play) = (Arc::clone(&kept), Arc::clone(&play));
                thread::spawn(move || serve(stream, &kept, &*play).ok());
            }
        });
        Self { port, heard }
    }

    fn options(&self, credential: &Credential) -> RegistryOptions {
        let mut http = http::HttpOptions {
            sleep: Arc::new(|_| {}),
            backoff: Backoff { retries: 1, first: Duration::from_millis(1), ..Backoff::default() },
            ..http::HttpOptions::default()
        };
        let proxy = format!("http://127.0.0.1:{}", self.port);
        (http.proxies.http, http.proxies.https) = (Some(proxy.clone()), Some(proxy));
        let credentials: Option<Arc<dyn Credentials>> = Some(Arc::new(Store(credential.clone())));
        RegistryOptions { http, plain_http: true, credentials, ..RegistryOptions::default() }
    }

    /// Who was connected to, apart from the registry.
    fn strangers(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().iter().filter(|heard| heard.host != REGISTRY).cloned().collect()
    }

    /// What the registry was asked.
    fn registry(&self) -> String {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .filter(|h| h.host == REGISTRY)
            .map(|h| String::from_utf8_lossy(&h.bytes).into_owned())
            .collect()
    }

    #[track_caller]
    fn nothing_leaked(&self, case: &str) {
        for heard in self.strangers() {
            let text = String::from_utf8_lossy(&heard.bytes).to_string();
            for secret in SECRETS {
                let found = text.contains(secret) || text.to_lowercase().contains(&secret.to_lowercase());
                assert!(!found, "{case}: {} heard {secret}:\n{text}", heard.host);
            }
        }
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Heard>>, play: &Play) -> io::Result<()> {
    let mut buffer = Vec::new();
    let hear = |host: &str, bytes: &[u8]| {
        let mut kept = kept.lock().unwrap();
        kept.push(Heard { host: host.to_owned(), bytes: bytes.to_vec() });
        kept.len() - 1
    };
    loop {
        let head = head(&mut stream, &mut buffer)?;
        let target = head.split(' ').nth(1).unwrap_or_default();
        if head.starts_with("CONNECT ") {
            // No certificate, no conversation. The first bytes are kept all the same.
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            let mut hello = [0; 4096];
            let read = stream.read(&mut hello)?;
            hear(target, &hello[..read]);
            return stream.write_all(b"\x15\x03\x01\x00\x02\x02\x28");
        }
        let (host, path) = target.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let index = hear(&host, head.as_bytes());
        let header = |name: &str| {
            head.lines().filter_map(|line| line.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name))
        };
        if header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let size = header("content-length").map_or(0, |(_, size)| size.parse().unwrap());
        while buffer.len() < size {
            more(&mut stream, &mut buffer)?;
        }
        let body: Vec<u8> = buffer.drain(..size).collect();
        kept.lock().unwrap()[index].bytes.extend([body, b"\n".to_vec()].concat());
        let line = format!("{} /{path}", head.split(' ').next().unwrap_or_default());
        let answered = play(&host, &line, header("authorization").is_some());
        let default = || answer(200, &[], b"", line.starts_with("HEAD"));
        stream.write_all(&answered.unwrap_or_else(default))?;
    }
}

fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(String::from_utf8_lossy(&buffer.drain(..end + 4).collect::<Vec<_>>()).into_owned());
        }
        more(stream, buffer)?;
    }
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            buffer.extend_from_slice(&bytes[..read]);
            Ok(())
        }
    }
}

struct Store(Credential);

impl Credentials for Store {
    fn find(&self, host: &Host, _: Option<&Repository>) -> Result<Option<Obtained>, CredentialsError> {
        Ok(Some(Obtained::new(self.0.clone(), CredentialPlace::Keyring, host)))
    }
}

struct Always(Hint);

impl Hints for Always {
    fn get(&self, _: &str) -> Option<Hint> {
        Some(self.0.clone())
    }

    fn put(&self, _: &str, _: &Hint) {}
}

/// A way to be known, and what the registry says to those that are not.
struct Scheme {
    name: &'static str,
    credential: Credential,
    challenge: &'static str,
}

fn schemes() -> [Scheme; 3] {
    let password = || Credential::Basic { username: "me".into(), password: Secret::new("s3cr3t".into()) };
    let bearer = "Bearer realm=\"http://r.example/token\"";
    [
        Scheme { name: "Basic", credential: password(), challenge: "Basic realm=\"r\"" },
        Scheme { name: "Bearer", credential: password(), challenge: bearer },
        Scheme {
            name: "identity token",
            credential: Credential::IdentityToken(Secret::new("s3cr3t".into())),
            challenge: bearer,
        },
    ]
}

/// Lets those in that are known, or gives them a token.
fn door(host: &str, line: &str, known: bool, challenge: &str) -> Option<Vec<u8>> {
    if host != REGISTRY {
        return None;
    }
    if line.contains(" /token") {
        return Some(answer(200, &[], br#"{"token":"t0k3n"}"#, false));
    }
    let headers = [("WWW-Authenticate", challenge)];
    (!known).then(|| answer(401, &headers, b"", line.starts_with("HEAD")))
}

fn repository(options: &RegistryOptions) -> RepositoryClient {
    Client::new(options).unwrap().repository(&"r.example".parse().unwrap(), &"a".parse().unwrap()).unwrap()
}

/// Every kind of request that there is.
fn everything(repository: &RepositoryClient) -> Vec<Result<(), RegistryError>> {
    let layer = Descriptor::of("application/octet-stream", b"layer");
    let repository = repository.clone().for_push();
    vec![
        repository.head_manifest(target("1.0")).map(|_| ()),
        repository.get_manifest(target("1.0"), None).map(|_| ()),
        repository.get_small_blob(&layer).map(|_| ()),
        repository.tags().map(|_| ()),
        repository.push_blob(&layer, &b"layer".to_vec(), &|_| {}).map(|_| ()),
        repository.put_manifest(target("1.0"), "a/b", b"{}"),
    ]
}

#[test]
fn nothing_follows_a_redirect() {
    for scheme in schemes() {
        for code in CODES {
            for stranger in STRANGERS {
                let challenge = scheme.challenge;
                let world = World::new(move |host, line, known| {
                    if let Some(answer) = door(host, line, known, challenge) {
                        return Some(answer);
                    }
                    let back = line.contains("/back");
                    let headers = match host == REGISTRY {
                        true if back => return None,
                        true => [("Location", format!("{stranger}/away"))],
                        // A chain: home again.
                        false if line.contains("/v2/") || line.contains("/away") => {
                            [("Location", "http://r.example/back".to_owned())]
                        }
                        false => return None,
                    };
                    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
                    Some(answer(code, &headers, b"", line.starts_with("HEAD")))
                });
                everything(&repository(&world.options(&scheme.credential)));
                let case = format!("{}, {code} to {stranger}", scheme.name);
                world.nothing_leaked(&case);
                let registry = world.registry();
                assert!(registry.to_lowercase().contains("authorization: b"), "{case}: {registry}");
                // Who has been elsewhere comes home without papers.
                for request in registry.split("\r\n\r\n").filter(|request| request.contains(" /back")) {
                    assert!(!request.to_lowercase().contains("authorization"), "{case}: {request}");
                }
            }
        }
    }
}

#[test]
fn a_stranger_who_asks_gets_no_answer() {
    for scheme in schemes() {
        for asked in ["Basic realm=\"phish\"", "Bearer realm=\"http://r.example/token\""] {
            for stranger in STRANGERS {
                let challenge = scheme.challenge;
                let world = World::new(move |host, line, known| {
                    if let Some(answer) = door(host, line, known, challenge) {
                        return Some(answer);
                    }
                    if host != REGISTRY {
                        return Some(answer(401, &[("WWW-Authenticate", asked)], b"", false));
                    }
                    Some(answer(307, &[("Location", &format!("{stranger}/away"))], b"", false))
                });
                let layer = Descriptor::of("application/octet-stream", b"layer");
                let repository = repository(&world.options(&scheme.credential));
                repository.get_small_blob(&layer).unwrap_err();
                let case = format!("{}, {asked} of {stranger}", scheme.name);
                world.nothing_leaked(&case);
                // Once to be asked, once known: the stranger's question sends nobody back for more.
                assert_eq!(world.registry().matches("/blobs/").count(), 2, "{case}");
            }
        }
    }
}

#[test]
fn no_upload_and_no_page_is_looked_for_elsewhere() {
    for scheme in schemes() {
        for stranger in STRANGERS {
            let challenge = scheme.challenge;
            let world = World::new(move |host, line, known| {
                door(host, line, known, challenge).or_else(|| {
                    let link = format!("<{stranger}/v2/a/tags/list?last=x>; rel=\"next\"");
                    let location = format!("{stranger}/u/1");
                    match line.split_once(' ').unwrap() {
                        ("POST", _) => Some(answer(202, &[("Location", &location)], b"", false)),
                        ("GET", path) if path.ends_with("/tags/list") => {
                            Some(answer(200, &[("Link", &link)], br#"{"tags":["1"]}"#, false))
                        }
                        _ => None,
                    }
                })
            });
            let results = everything(&repository(&world.options(&scheme.credential)));
            let case = format!("{}, {stranger}", scheme.name);
            for result in &results[3..5] {
                assert!(
                    matches!(result, Err(RegistryError::Http(Http::Elsewhere { .. }))),
                    "{case}: {result:?}"
                );
            }
            assert!(world.strangers().is_empty(), "{case}: {:?}", world.strangers());
        }
    }
}

#[test]
fn an_upload_host_that_the_user_names_sees_content_only() {
    for scheme in schemes() {
        let challenge = scheme.challenge;
        let world = World::new(move |host, line, known| {
            door(host, line, known, challenge).or_else(|| {
                let headers = [("Location", "https://evil.example/u/1")];
                line.starts_with("POST").then(|| answer(202, &headers, b"", false))
            })
        });
        let mut options = world.options(&scheme.credential);
        options.http.allowed_hosts = vec!["evil.example".parse().unwrap()];
        everything(&repository(&options));
        assert!(!world.strangers().is_empty());
        world.nothing_leaked(scheme.name);
    }
}

#[test]
fn no_foreign_realm_is_connected_to() {
    let foreign = [
        "http://evil.example/token",
        "http://r.example.evil.net/token",
        "https://evil.net/token",
        "http://8.8.8.8/token",
        "http://169.254.169.254/token",
        "http://2852039166/token",
        "http://0xa9fea9fe/token",
        "http://[::ffff:169.254.169.254]/token",
        "http://10.0.0.1/token",
        "http://127.0.0.1:1/token",
        "http://localhost:1/token",
        "http://[::1]:1/token",
        "http://metadata.google.internal/token",
        "http://me:s3cr3t@r.example/token",
        "file:///etc/passwd",
        "ftp://r.example/token",
    ];
    for scheme in &schemes()[1..] {
        for realm in foreign {
            for hinted in [false, true] {
                let challenge = format!("Bearer realm=\"{realm}\",service=\"x\"");
                let world = World::new(move |_, line, _| {
                    Some(answer(401, &[("WWW-Authenticate", &challenge)], b"", line.starts_with("HEAD")))
                });
                let mut options = world.options(&scheme.credential);
                if hinted {
                    let hint = Hint::Bearer { realm: realm.to_owned(), service: Some("x".to_owned()) };
                    options.hints = Some(Arc::new(Always(hint)));
                }
                let client = Client::new(&options).unwrap();
                let host: Host = "r.example".parse().unwrap();
                let mut results = everything(&client.repository(&host, &"a".parse().unwrap()).unwrap());
                results.push(client.check(&host, &scheme.credential).map(|_| ()));
                for result in results {
                    let refused = matches!(
                        result,
                        Err(RegistryError::ForeignRealm { .. }
                            | RegistryError::Http(Http::Elsewhere { .. })
                            | RegistryError::Unauthorized { .. })
                    );
                    assert!(refused, "{}, {realm}: {result:?}", scheme.name);
                }
                let heard = world.heard.lock().unwrap().clone();
                for heard in heard {
                    assert_eq!(heard.host, REGISTRY, "{}, {realm}", scheme.name);
                    let text = String::from_utf8_lossy(&heard.bytes).to_lowercase();
                    assert!(!text.contains("authorization"), "{}, {realm}: {text}", scheme.name);
                }
            }
        }
    }
}

/// A registry and a token service below one suffix that anybody can have a name under: the second may be anybody's.
#[test]
fn no_neighbour_sees_a_password() {
    for (registry, neighbour) in [
        ("acme.azurecr.io", "evil.azurecr.io"),
        ("acme.azurecr.us", "evil.azurecr.us"),
        ("containers.acme.ghe.com", "containers.evil.ghe.com"),
        ("acme.ngrok-free.app", "evil.ngrok-free.app"),
        ("a1.c1.de1.container-registry.ovh.net", "b1.c1.de1.container-registry.ovh.net"),
        ("acme.eu.org", "evil.eu.org"),
        ("acme.web.app", "evil.web.app"),
        ("acme.railway.app", "evil.railway.app"),
        ("acme.up.railway.app", "evil.up.railway.app"),
        ("acme.trycloudflare.com", "evil.trycloudflare.com"),
        ("acme.jfrog.io", "evil.jfrog.io"),
        ("acme.onrender.com", "evil.onrender.com"),
        ("registry.team-a.svc.cluster.local", "evil.team-b.svc.cluster.local"),
        ("registry.service.consul", "evil.service.consul"),
        ("registry.203.0.113.7.nip.io", "evil.203.0.113.8.nip.io"),
        ("bore.pub:5000", "bore.pub:5001"),
    ] {
        for scheme in &schemes()[1..] {
            let challenge = format!("Bearer realm=\"http://{neighbour}/token\"");
            let world = World::new(move |_, line, _| {
                Some(answer(401, &[("WWW-Authenticate", &challenge)], b"", line.starts_with("HEAD")))
            });
            let client = Client::new(&world.options(&scheme.credential)).unwrap();
            let host: Host = registry.parse().unwrap();
            let mut results = everything(&client.repository(&host, &"a".parse().unwrap()).unwrap());
            results.push(client.check(&host, &scheme.credential).map(|_| ()));
            for result in results {
                assert!(matches!(result, Err(RegistryError::ForeignRealm { .. })), "{registry}: {result:?}");
            }
            let heard = world.heard.lock().unwrap().clone();
            assert!(!heard.is_empty());
            let port = if registry.contains(':') { "" } else { ":80" };
            for heard in heard {
                assert_eq!(heard.host, format!("{registry}{port}"));
                let text = String::from_utf8_lossy(&heard.bytes).to_lowercase();
                assert!(!text.contains("authorization"), "{registry}: {text}");
            }
        }
    }
}

#[test]
fn a_foreign_realm_is_named_and_may_be_trusted() {
    let challenge = "Bearer realm=\"http://sso.acme.net:8080/token\"";
    let world = World::new(move |host, line, known| match host {
        "sso.acme.net:8080" => Some(answer(200, &[], br#"{"token":"t0k3n"}"#, false)),
        _ if known => Some(answer(200, &[], br#"{"tags":["1"]}"#, false)),
        _ => Some(answer(401, &[("WWW-Authenticate", challenge)], b"", line.starts_with("HEAD"))),
    });
    let mut options = world.options(&schemes()[1].credential);
    let error = repository(&options).tags().unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET http://r.example/v2/a/tags/list: r.example has its tokens from sso.acme.net:8080, which is not known to \
         belong to it"
    );
    assert!(world.strangers().is_empty());
    options.trusted_realms = vec!["sso.acme.net:8080".parse().unwrap()];
    repository(&options).tags().unwrap();
    assert_eq!(world.strangers().len(), 1);
    // Guests have nothing to lose.
    options.trusted_realms.clear();
    options.credentials = None;
    repository(&options).tags().unwrap();
}

#[test]
fn a_token_service_hands_nothing_on() {
    for scheme in &schemes()[1..] {
        for code in CODES {
            for stranger in STRANGERS {
                let challenge = scheme.challenge;
                let world = World::new(move |host, line, known| {
                    if host == REGISTRY && line.contains(" /token") {
                        return Some(answer(code, &[("Location", &format!("{stranger}/token"))], b"", false));
                    }
                    door(host, line, known, challenge)
                });
                let result = repository(&world.options(&scheme.credential)).tags();
                let case = format!("{}, {code} to {stranger}: {result:?}", scheme.name);
                assert!(
                    matches!(
                        result,
                        Err(RegistryError::Http(Http::Elsewhere { .. })
                            | RegistryError::Http(Http::Protocol { .. }))
                    ),
                    "{case}"
                );
                assert!(world.strangers().is_empty(), "{case}");
            }
        }
    }
}

#[test]
fn a_password_is_in_no_query() {
    for scheme in schemes() {
        let challenge = scheme.challenge;
        let world = World::new(move |host, line, known| door(host, line, known, challenge));
        everything(&repository(&world.options(&scheme.credential)));
        for line in world.registry().lines().filter(|line| line.ends_with(" HTTP/1.1")) {
            assert!(SECRETS.iter().all(|secret| !line.contains(secret)), "{}: {line}", scheme.name);
        }
    }
}

/// What may be shown a password is the user's decision, by a flag, for one registry, once it has helped; nothing that a
/// registry says makes it one.
#[test]
fn a_realm_is_remembered_when_the_user_vouches_for_it_and_the_login_succeeds() {
    let realm = Arc::new(Mutex::new(Some("http://sso.acme.net/token")));
    let refuses = Arc::new(AtomicBool::new(true));
    let (named, refusing) = (Arc::clone(&realm), Arc::clone(&refuses));
    let world = World::new(move |host, line, known| {
        let status = |status, challenge: &str| {
            Some(answer(status, &[("WWW-Authenticate", challenge)], b"", line.starts_with("HEAD")))
        };
        match (host, *named.lock().unwrap()) {
            ("r.example:80" | "other.example:80", None) => None,
            ("r.example:80" | "other.example:80", Some(realm)) if !known => {
                status(401, &format!("Bearer realm=\"{realm}\",service=\"x\""))
            }
            ("r.example:80" | "other.example:80", Some(_)) => status(404, ""),
            _ if !known || refusing.load(Ordering::SeqCst) => status(401, ""),
            _ => Some(answer(200, &[], br#"{"token":"t0k3n"}"#, false)),
        }
    });
    let mut home = Home::new();
    let proxy = format!("http://127.0.0.1:{}", world.port);
    for (name, value) in [("HTTP_PROXY", &*proxy), ("HTTPS_PROXY", &*proxy), ("HELM_OCI_KEYRING", "none")] {
        home.set(name, value);
    }
    let file = home.path().join(".config/helm/oci/trusted-realms.json");
    let login = |account: &str, flags: &[&str]| {
        let args = ["--plain-http", "--store=file", "-u", "me", "--password-stdin", account];
        home.command("helm-registry-login").args(args).args(flags).stdin("s3cr3t").run()
    };
    let logout = |account: &str| home.command("helm-registry-logout").args([account]).run();
    let pull = |name: &str| home.command("helm-chart-pull").args(["--plain-http", name]).run();
    let heard = || world.strangers().iter().filter(|heard| !heard.bytes.is_empty()).count();
    let trust = ["--trust-realm", "sso.acme.net"];

    let output = login("r.example", &[]);
    assert!(output.fails(4).stderr.contains(
        "hint: if that is where its passwords belong: --trust-realm sso.acme.net, which login remembers"
    ));
    assert_eq!(heard(), 0);
    login("r.example", &trust).fails(4);
    assert!(!file.exists(), "the login has failed");
    refuses.store(false, Ordering::SeqCst);
    let before = realm.lock().unwrap().take();
    let output = login("r.example", &trust);
    output.prints("Login succeeded\n");
    assert!(!file.exists(), "nobody has asked");
    *realm.lock().unwrap() = before;
    login("r.example", &trust).prints("Login succeeded\n").stderr_is("");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "{\n  \"http://r.example\": [\n    \"sso.acme.net\"\n  ]\n}"
    );
    // No flag is needed from here on: what is missing is the chart.
    pull("r.example/a:1").fails(3);
    let table = home.command("helm-registry-status").args(["--plain-http", "--test"]).run();
    let row: Vec<_> = table.succeeds().stdout.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!([&row[..2], &row[3..]].concat(), ["r.example", "me", "yes", "sso.acme.net", "yes"], "{table}");
    let json = home.command("helm-registry-status").args(["-o", "json"]).run();
    assert!(json.stdout.contains("\"trustedRealms\": [\n      \"sso.acme.net\"\n    ]"), "{json}");
    // Another realm is another, and another registry, too.
    *realm.lock().unwrap() = Some("http://evil.example/token");
    std::fs::remove_file(home.path().join(".cache/helm/oci/registries.json")).unwrap();
    assert!(pull("r.example/a:1").fails(4).stderr.contains("evil.example, which is not known to belong"));
    login("r.example", &[]).fails(4);
    *realm.lock().unwrap() = before;
    login("other.example", &[]).fails(4);
    let evil = world.strangers().into_iter().filter(|heard| heard.host.starts_with("evil")).count();
    assert_eq!(evil, 0);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("evil"));
    // It goes with the last login to the registry.
    login("r.example/group", &[]).prints("Login succeeded\n");
    logout("r.example").prints("Logout succeeded\n");
    pull("r.example/group/a:1").fails(3);
    logout("r.example/group").prints("Logout succeeded\n");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}");
    login("r.example", &[]).fails(4);
    // Where somebody has taken the credential away by other means, it is told of, and goes by itself.
    login("r.example", &trust).prints("Login succeeded\n");
    std::fs::remove_file(home.path().join(".config/helm/registry/config.json")).unwrap();
    let status = home.command("helm-registry-status").run();
    status.succeeds().stderr_is(
        "Warning: r.example: no login, but sso.acme.net may see its credentials; helm oci registry logout r.example \
         forgets that\n",
    );
    logout("r.example").prints("Logout succeeded\n");
    logout("r.example").fails(3);
}

/// Registries' challenges as their documentation has them, and where each sends a password: there, with what it needs, and
/// nowhere else. In plain HTTP, so that one proxy can play all of them.
#[test]
fn every_kind_of_registry_gets_its_token_from_where_it_says() {
    for (host, challenge, service, ask, token) in [
        (
            "registry-1.docker.io",
            "Bearer realm=\"http://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a:pull\"",
            "auth.docker.io",
            "GET /token?service=registry.docker.io&scope=repository%3Aa%3Apull",
            r#"{"token":"t0k3n","access_token":"t0k3n","expires_in":300,"issued_at":"2026-11-24T00:00:00Z"}"#,
        ),
        (
            "ghcr.io",
            "Bearer realm=\"http://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:a:pull\"",
            "ghcr.io",
            "GET /token?service=ghcr.io&scope=repository%3Aa%3Apull",
            r#"{"token":"t0k3n"}"#,
        ),
        (
            "europe-docker.pkg.dev",
            "Bearer realm=\"http://europe-docker.pkg.dev/v2/token\",service=\"europe-docker.pkg.dev\",scope=\"repository:a:pull\"",
            "europe-docker.pkg.dev",
            "GET /v2/token?service=europe-docker.pkg.dev&scope=repository%3Aa%3Apull",
            r#"{"expires_in":43199,"issued_at":"2026-11-24T00:00:00Z","token":"t0k3n"}"#,
        ),
        (
            "acme.azurecr.io",
            "Bearer realm=\"http://acme.azurecr.io/oauth2/token\",service=\"acme.azurecr.io\",scope=\"repository:a:pull\"",
            "acme.azurecr.io",
            "GET /oauth2/token?service=acme.azurecr.io&scope=repository%3Aa%3Apull",
            r#"{"access_token":"t0k3n"}"#,
        ),
        (
            "harbor.example.org",
            "Bearer realm=\"http://harbor.example.org/service/token\",service=\"harbor-registry\",scope=\"repository:a:pull\"",
            "harbor.example.org",
            "GET /service/token?service=harbor-registry&scope=repository%3Aa%3Apull",
            r#"{"token":"t0k3n","access_token":"","expires_in":1800,"issued_at":"2026-11-24T00:00:00Z"}"#,
        ),
        (
            "quay.io",
            "Bearer realm=\"http://quay.io/v2/auth\",service=\"quay.io\",scope=\"repository:a:pull\"",
            "quay.io",
            "GET /v2/auth?service=quay.io&scope=repository%3Aa%3Apull",
            r#"{"token":"t0k3n"}"#,
        ),
        (
            "registry.gitlab.com",
            "Bearer realm=\"http://gitlab.com/jwt/auth\",service=\"container_registry\",scope=\"repository:a:pull repository:b:pull\"",
            "gitlab.com",
            "GET /jwt/auth?service=container_registry&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull",
            r#"{"token":"t0k3n"}"#,
        ),
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com",
            "Basic realm=\"http://1.dkr.ecr.eu-west-1.amazonaws.com/\",service=\"ecr.amazonaws.com\"",
            "",
            "",
            "",
        ),
    ] {
        let world = World::new(move |_, line, known| match line {
            _ if line == ask && known => Some(answer(200, &[], token.as_bytes(), false)),
            _ if known => Some(answer(200, &[], br#"{"tags":["1"]}"#, false)),
            _ => Some(answer(401, &[("WWW-Authenticate", challenge)], b"", false)),
        });
        let options = world.options(&schemes()[0].credential);
        let client = Client::new(&options).unwrap();
        let repository = client.repository(&host.parse().unwrap(), &"a".parse().unwrap()).unwrap();
        assert_eq!(repository.tags().unwrap().len(), 1, "{host}");
        let heard = world.heard.lock().unwrap().clone();
        let requests = heard.iter().flat_map(|heard| {
            let text = String::from_utf8_lossy(&heard.bytes).into_owned();
            let at = heard.host.trim_end_matches(":80").to_owned();
            let of = move |request: &str| {
                let line = request.lines().next()?.strip_suffix(" HTTP/1.1")?;
                // The proxy is told the whole URL.
                let line = line.replacen(&format!("http://{at}"), "", 1);
                let header = |line: &str| line.strip_prefix("authorization: ").map(str::to_owned);
                let lower = |line: &str| line.replacen("Authorization", "authorization", 1);
                let shown = request.lines().find_map(|line| header(&lower(line))).unwrap_or_default();
                Some((at.clone(), line, shown))
            };
            text.split("\r\n\r\n").filter_map(|request| of(request.trim_start())).collect::<Vec<_>>()
        });
        let requests: Vec<_> = requests.collect();
        let tags = "GET /v2/a/tags/list";
        let password = "Basic bWU6czNjcjN0";
        let expected = match ask {
            "" => vec![(host, tags, ""), (host, tags, password)],
            ask => vec![(host, tags, ""), (service, ask, password), (host, tags, "Bearer t0k3n")],
        };
        let expected: Vec<_> =
            expected.into_iter().map(|(at, line, shown)| (at.into(), line.into(), shown.into())).collect();
        assert_eq!(requests, expected as Vec<(String, String, String)>, "{host}");
    }
}
