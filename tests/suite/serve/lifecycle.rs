//! Starting, stopping, and being killed.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use oci::digest::Digest;
use tempfile::TempDir;

use super::client::{Server, command, content};

fn fails(args: &[&str], code: i32) -> String {
    let data = TempDir::new().unwrap();
    let Output { status, stdout, stderr } = command(data.path(), args).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{stderr}");
    assert!(stdout.is_empty() && stderr.starts_with("Error: "), "{stderr}");
    stderr
}

#[test]
fn a_restart_keeps_everything() {
    let server = Server::start();
    let blob = server.push("a", b"chart");
    let (manifest, digest) = server.push_manifest("a/b", "1.0.0");
    let server = server.kill_and_restart();
    assert_eq!(server.get(&format!("/v2/a/blobs/{blob}")).is(200).body, b"chart");
    let reply = server.get("/v2/a/b/manifests/1.0.0").is(200);
    assert_eq!(reply.body, manifest);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
}

#[test]
fn being_killed_in_the_middle_of_an_upload_leaves_no_blob() {
    let server = Server::start();
    let blob = content(1_000_000, 10);
    let digest = Digest::of(&blob);
    let location = server.open("a");
    server.patch(&location, "0-99999", &blob[..100_000]).is(202);
    let mut stream = server.raw();
    let head =
        format!("PUT {location}?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&blob[100_000..500_000]).unwrap();
    let server = server.kill_and_restart();
    server.head(&format!("/v2/a/blobs/{digest}")).is(404);
    server.get(&location).fails(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(server.files("blobs") + server.files("uploads"), 0);
    assert_eq!(server.push("a", &blob), digest);
}

/// A download of which the server could not yet write everything: the rest is more than the socket buffers hold.
fn slow_download(server: &Server) -> (TcpStream, Vec<u8>, Vec<u8>) {
    let blob = content(64 << 20, 11);
    let digest = server.push("a", &blob);
    let mut stream = server.raw();
    stream.write_all(format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let mut first = vec![0; 1000];
    stream.read_exact(&mut first).unwrap();
    (stream, first, blob)
}

#[test]
fn sigterm_lets_a_slow_download_end() {
    let mut server = Server::start();
    let (mut stream, mut reply, blob) = slow_download(&server);
    server.signal("-TERM");
    // Nobody new is let in; that is how we know that the signal has come.
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    while TcpStream::connect(&address).is_ok() {}
    stream.read_to_end(&mut reply).unwrap();
    assert!(reply.ends_with(&blob));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut server = Server::start();
    let (mut stream, mut reply, blob) = slow_download(&server);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    server.signal("-INT");
    while TcpStream::connect(&address).is_ok() {}
    server.signal("-INT");
    assert_eq!(server.wait().code(), Some(1));
    let _ = stream.read_to_end(&mut reply);
    assert!(reply.len() < blob.len());
}

#[test]
fn idle_connections_do_not_delay_the_end() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start();
        let _silent = server.raw();
        // The agent keeps its connection open.
        server.get("/v2/").is(200);
        let began = std::time::Instant::now();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0));
        assert!(began.elapsed().as_secs() < 9, "{:?}", began.elapsed());
    }
}

/// A server as Helm runs a plugin: in a process below its own, which knows it by its environment. A shell stands for Helm.
struct UnderHelm {
    helm: Child,
    out: BufReader<ChildStdout>,
    address: String,
    _data: TempDir,
}

impl UnderHelm {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let serve = command(data.path(), &[]);
        let mut helm = Command::new("/bin/sh")
            .args(["-c", "\"$0\" \"$@\" & wait"])
            .arg(serve.get_program())
            .args(serve.get_args())
            .envs([("HELM_PLUGIN_NAME", "oci"), ("HELM_OCI_CALLED_AS", "helm oci serve")])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(helm.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit('/').next().unwrap().to_owned();
        Self { helm, out, address, _data: data }
    }

    /// As a terminal does it, to both of them; but SIGINT may be ignored where the tests run.
    fn terminate(&self) {
        let group = format!("-{}", self.helm.id());
        assert!(Command::new("kill").args(["-TERM", "--", &group]).status().unwrap().success());
    }

    /// Its standard output ends when it does. Then nobody listens any more.
    fn ends(self) {
        let Self { mut helm, mut out, address, _data } = self;
        helm.wait().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(out.read_to_end(&mut Vec::new())));
        let ended = receiver.recv_timeout(Duration::from_secs(30));
        if ended.is_err() {
            let group = format!("-{}", helm.id());
            Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
        }
        assert_eq!(ended.expect("the server outlives Helm").unwrap(), 0);
        TcpStream::connect(&address).unwrap_err();
    }
}

#[test]
fn helms_end_is_the_servers() {
    let mut server = UnderHelm::start();
    drop(TcpStream::connect(&server.address).unwrap());
    server.helm.kill().unwrap();
    server.ends();
}

#[test]
fn a_signal_that_helm_gets_too_is_one() {
    let mut server = UnderHelm::start();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let half = [b' '; 50];
    let put =
        "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(put.as_bytes()).unwrap();
    // The request is in flight when somebody wants its body.
    let mut wanted = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut wanted).unwrap();
    assert!(wanted.starts_with(b"HTTP/1.1 100 "));
    stream.write_all(&half).unwrap();
    server.terminate();
    server.helm.wait().unwrap();
    while TcpStream::connect(&server.address).is_ok() {}
    // Longer than the server needs to see that it has another parent.
    thread::sleep(Duration::from_secs(1));
    stream.write_all(&half).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.ends();
}

#[test]
fn one_directory_is_served_once() {
    let server = Server::start();
    let output = command(server.data.path(), &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "Error: cannot serve the data directory: {} is being served by another process\n\
             hint: stop the registry that serves it, or serve another directory: --data DIR\n",
            server.root().display()
        )
    );
}

#[test]
fn a_directory_with_something_else_in_it_is_left_alone() {
    let data = TempDir::new().unwrap();
    let blob = data.path().join("data/blobs/sha256/precious");
    std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
    std::fs::write(&blob, "of another program").unwrap();
    let message = |message: &str| {
        let output = command(data.path(), &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("{} {message}\n", data.path().join("data").display());
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("Error: cannot serve the data directory: {expected}")
        );
    };
    message("is not empty, and not a registry's data\nhint: --data DIR serves another directory");
    std::fs::write(data.path().join("data/helm-registry-serve"), "2\n").unwrap();
    message("was written by another version of helm-registry-serve");
    assert!(blob.is_file());
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let server = Server::start();
    let address = server.url.strip_prefix("http://").unwrap();
    let stderr = fails(&["--listen", address], 1);
    assert!(stderr.starts_with(&format!("Error: cannot listen on {address}: Address")), "{stderr}");
    assert!(
        stderr.ends_with("\nhint: --listen 127.0.0.1:5001 is another port; port 0 is any free one\n"),
        "{stderr}"
    );
}

#[test]
fn half_of_a_pair_of_flags_is_a_usage_error() {
    assert_eq!(
        fails(&["--tls-cert", "x"], 2),
        "Error: --tls-cert and --tls-key need each other\nhint: --tls-cert FILE --tls-key FILE\n"
    );
    fails(&["--nonsense"], 2);
    for listen in [":5993", "5993"] {
        let advice = "127.0.0.1:5993 is for this machine alone, 0.0.0.0:5993 for every other";
        let said = format!("Error: `{listen}` is no address to listen on\nhint: {advice}\n");
        assert_eq!(fails(&["--listen", listen], 2), said);
    }
    for listen in ["localhost", "127.0.0.1", "[::1]"] {
        let said = format!("Error: `{listen}` is no address to listen on\nhint: add a port: {listen}:5000\n");
        assert_eq!(fails(&["--listen", listen], 2), said);
    }
}

#[test]
fn help_is_no_error() {
    let output = command(std::path::Path::new("x"), &["--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("Usage: helm-registry-serve"));
}

#[test]
fn data_is_below_helm_home_unless_told_otherwise() {
    let home = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_helm-registry-serve"))
        .env_clear()
        .env("HELM_HOME", home.path())
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 10];
    let read = child.stdout.take().unwrap().read_exact(&mut line);
    child.kill().unwrap();
    child.wait().unwrap();
    read.unwrap();
    assert_eq!(&line, b"Serving on");
    assert!(home.path().join("registry-serve/blobs/sha256").is_dir());
}
