//! Passwords and TLS.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci::digest::Digest;
use tempfile::TempDir;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::client::{Reply, Server, command};

/// The lowest cost that bcrypt has: what is slow here is meant to be.
fn htpasswd(data: &TempDir, cost: u32) -> String {
    let path = data.path().join("htpasswd");
    let hash = bcrypt::hash("s3cret:with:colons", cost).unwrap();
    std::fs::write(&path, format!("# users\n\nmyuser:{}\n", hash.replace("$2b$", "$2y$"))).unwrap();
    path.to_str().unwrap().to_owned()
}

fn with_password(cost: u32) -> Server {
    let data = TempDir::new().unwrap();
    let path = htpasswd(&data, cost);
    Server::with(data, &["--htpasswd", &path])
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn base(server: &Server, authorization: &str) -> Reply {
    server.send("GET", "/v2/", &[("Authorization", authorization)], None)
}

#[test]
fn nobody_is_let_in_without_a_password() {
    let server = with_password(4);
    for path in ["/v2/", "/v2/_catalog", "/v2/a/tags/list", "/v2/A/x", "/"] {
        let reply = server.get(path).fails(401, "UNAUTHORIZED");
        assert_eq!(reply.header("www-authenticate"), "Basic realm=\"helm-registry-serve\"");
        assert_eq!(reply.header("docker-distribution-api-version"), "registry/2.0");
    }
    server.post("/v2/a/blobs/uploads/").is(401);
    assert_eq!(server.files("uploads"), 0);
}

#[test]
fn the_right_password_is_let_in_and_no_other() {
    let server = with_password(4);
    for _ in 0..2 {
        base(&server, &basic("myuser", "s3cret:with:colons")).is(200);
        base(&server, &basic("myuser", "wrong")).is(401);
        base(&server, &basic("myuser", "")).is(401);
        base(&server, &basic("other", "s3cret:with:colons")).is(401);
        base(&server, &basic("", "")).is(401);
    }
    let right = basic("myuser", "s3cret:with:colons");
    base(&server, &right.replace("Basic", "basic")).is(200);
    for broken in ["Basic", "Basic !", "Basic bXl1c2Vy", "Bearer x", &right.replace("Basic", "Bearer")] {
        base(&server, broken).is(401);
    }
}

#[test]
fn of_a_password_every_byte_counts() {
    let data = TempDir::new().unwrap();
    let path = data.path().join("users");
    let long = "0123456789".repeat(8);
    let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
    // What `htpasswd -B` makes of more than 72 bytes is the hash of 72.
    let users = format!("long:{}\nshort:{}\n", hash(&long[..72]), hash("a"));
    std::fs::write(&path, users).unwrap();
    let server = Server::with(data, &["--htpasswd", path.to_str().unwrap()]);
    base(&server, &basic("long", &long[..72])).is(200);
    for password in [&long[..73], &long, &format!("{}x", &long[..72])] {
        let reply = base(&server, &basic("long", password)).fails(401, "UNAUTHORIZED");
        let error = &reply.json()["errors"][0];
        assert!(error["detail"]["reason"].as_str().unwrap().contains("72 bytes"), "{error}");
        assert!(reply.headers.contains_key("www-authenticate"));
        // No more is told of those whose password is another.
        assert_eq!(base(&server, &basic("other", password)).body, reply.body);
    }
    base(&server, &basic("long", &long[..71])).is(401);
    base(&server, &basic("short", "a")).is(200);
    for password in ["a\0", "a\0a", "a\0a\0a"] {
        base(&server, &basic("short", password)).is(401);
    }
}

#[test]
fn a_password_is_proven_once_and_not_at_every_request() {
    let server = with_password(11);
    let right = basic("myuser", "s3cret:with:colons");
    let began = Instant::now();
    base(&server, &right).is(200);
    let first = began.elapsed();
    let began = Instant::now();
    for _ in 0..100 {
        base(&server, &right).is(200);
    }
    assert!(began.elapsed() < first * 20, "one: {first:?}, a hundred more: {:?}", began.elapsed());
}

#[test]
fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let server = with_password(9);
    let time = |user: &str| -> Duration {
        let once = || {
            let began = Instant::now();
            base(&server, &basic(user, "wrong")).is(401);
            began.elapsed()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (known, unknown) = (time("myuser"), time("other"));
    assert!(unknown * 2 > known, "known: {known:?}, unknown: {unknown:?}");
}

#[test]
fn a_refused_upload_is_told_so_before_it_is_sent() {
    use std::io::{Read, Write};
    let server = with_password(4);
    let mut stream = server.raw();
    stream
        .write_all(
            b"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n",
        )
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
}

#[test]
fn other_hashes_than_bcrypt_are_refused_at_the_start() {
    for (line, message) in [
        (
            "u:$apr1$x$y",
            "line 1: the password of `u` is MD5; only bcrypt is taken, as `htpasswd -B` writes it",
        ),
        (
            "u:{SHA}x",
            "line 1: the password of `u` is SHA-1; only bcrypt is taken, as `htpasswd -B` writes it",
        ),
        (
            "\nu:hunter2",
            "line 2: the password of `u` is crypt or plain text; only bcrypt is taken, as `htpasswd -B` writes it",
        ),
        ("nonsense", "line 1: expected user:hash"),
    ] {
        let data = TempDir::new().unwrap();
        let path = data.path().join("htpasswd");
        std::fs::write(&path, line).unwrap();
        let Output { status, stderr, .. } =
            command(data.path(), &["--htpasswd", path.to_str().unwrap()]).output().unwrap();
        assert_eq!(status.code(), Some(1));
        assert_eq!(
            String::from_utf8(stderr).unwrap(),
            format!("Error: cannot use the htpasswd file: {}, {message}\n", path.display())
        );
    }
}

#[test]
fn a_file_without_users_or_no_file_is_refused() {
    let data = TempDir::new().unwrap();
    let path = data.path().join("htpasswd");
    for (content, message) in [
        (None, format!("cannot read {}: No such file or directory", path.display())),
        (Some("# nobody\n"), format!("{} has no user", path.display())),
    ] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let output = command(data.path(), &["--htpasswd", path.to_str().unwrap()]).output().unwrap();
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("Error: cannot use the htpasswd file: {message}\n")
        );
    }
}

/// Certificate and key in a directory; gives their paths and the certificate.
fn certificate(data: &TempDir) -> (String, String, Vec<u8>) {
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let write = |name: &str, pem: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let cert = write("cert.pem", &signed.cert.pem());
    (cert, write("key.pem", &signed.signing_key.serialize_pem()), signed.cert.der().to_vec())
}

#[test]
fn https_is_spoken_with_the_given_certificate() {
    let data = TempDir::new().unwrap();
    let (cert, key, der) = certificate(&data);
    let server = Server::with(data, &["--tls-cert", &cert, "--tls-key", &key]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let roots = RootCerts::Specific(std::sync::Arc::new(vec![Certificate::from_der(&der).to_owned()]));
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .into();
    let digest = Digest::of(b"chart");
    let url = format!("{}/v2/a/blobs/uploads/?digest={digest}", server.url);
    assert_eq!(agent.post(url).send(&b"chart"[..]).unwrap().status(), 201);
    let mut reply = agent.get(format!("{}/v2/a/blobs/{digest}", server.url)).call().unwrap();
    assert_eq!(reply.body_mut().read_to_vec().unwrap(), b"chart");
    // Plain HTTP gets nowhere, and hurts nobody.
    let plain = server.url.replace("https://", "http://");
    assert!(agent.get(format!("{plain}/v2/")).call().is_err());
    assert_eq!(agent.get(format!("{}/v2/", server.url)).call().unwrap().status(), 200);
}

#[test]
fn a_certificate_that_cannot_be_used_is_an_error() {
    let data = TempDir::new().unwrap();
    let (cert, key, _) = certificate(&data);
    let file = |name: &str, text: &str| {
        let path = data.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(&path, text).unwrap();
        path
    };
    let missing = data.path().join("missing.pem").to_str().unwrap().to_owned();
    let cut = file("cut.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n");
    let broken = file("broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let other = TempDir::new().unwrap();
    let (_, foreign, _) = certificate(&other);
    for (cert, key, message) in [
        (&missing, &key, format!("cannot read the certificate in {missing}: No such file or directory\n")),
        (&cert, &missing, format!("cannot read the key in {missing}: No such file or directory\n")),
        (&key, &key, format!("{key} has no certificate\n")),
        (&cert, &cert, format!("cannot read the key in {cert}: there is none in it, or it is encrypted\n")),
        (&cert, &cut, format!("cannot read the key in {cut}: it is not valid PEM\n")),
        (
            &cert,
            &broken,
            format!(
                "cannot use the certificate {cert} with the key {broken}: the key is broken or of a kind that cannot sign here; RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519 can\n"
            ),
        ),
        (
            &cert,
            &foreign,
            format!(
                "cannot use the certificate {cert} with the key {foreign}: it is another certificate's key\n"
            ),
        ),
    ] {
        let output = command(data.path(), &["--tls-cert", cert, "--tls-key", key]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(&format!("Error: cannot serve HTTPS: {message}")), "{stderr}: {message}");
    }
}

#[test]
fn an_open_registry_on_the_network_warns() {
    let data = TempDir::new().unwrap();
    let mut child = command(data.path(), &["--listen", "0.0.0.0:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<_> = BufReader::new(child.stderr.take().unwrap()).lines().take(2).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
    assert!(lines[0].starts_with("Warning: everyone who can reach this machine"), "{lines:?}");
    assert!(lines[1].starts_with("Warning: whatever is sent"), "{lines:?}");
}

#[test]
fn requests_are_told_only_when_asked() {
    for (args, environment, told) in [(&[][..], "", false), (&["--debug"], "", true), (&[], "true", true)] {
        let data = TempDir::new().unwrap();
        let mut child = command(data.path(), args)
            .env("HELM_DEBUG", environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("Serving on ").unwrap();
        ureq::get(format!("{url}/v2/?secret=1")).call().unwrap();
        child.kill().unwrap();
        let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(stderr.starts_with("GET /v2/: 200, 0 B received, 2 B sent, "), told, "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

/// What a client asks for is shown on the terminal of whoever runs the registry.
#[test]
fn a_path_cannot_drive_the_terminal_that_it_is_shown_on() {
    let data = TempDir::new().unwrap();
    let serve = command(data.path(), &["--debug"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = serve.unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("Serving on http://").unwrap();
    // CSI as one character, a change of the direction of writing, and the last of ASCII.
    for path in ["/v2/\u{9b}31m", "/v2/\u{202e}gpj", "/v2/\u{7f}"] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut reply = Vec::new();
        std::io::Read::read_to_end(&mut stream, &mut reply).unwrap();
        assert!(reply.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&reply));
    }
    child.kill().unwrap();
    let told = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(!told.contains(|c: char| c != '\n' && oci::terminal::drives(c)), "{told:?}");
    assert!(told.contains("GET /v2/\\u{9b}31m: 404, ") && told.contains("/v2/\\u{202e}gpj"), "{told:?}");
}
