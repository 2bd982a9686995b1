//! More clients than there are places, or descriptors.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use oci::digest::Digest;

use super::client::{Server, content};

/// A client that waits for much less than a connection may be silent.
fn is_answered(server: &Server) -> bool {
    let mut stream = server.raw();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 200"
}

/// So many connections that have sent this, and no more.
fn connections(server: &Server, count: usize, sent: &str) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = server.raw();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    };
    (0..count).map(connect).collect()
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let server = Server::start();
    for sent in ["", "GET /v2/ HTTP/1.1\r\nHost:", "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let idle = connections(&server, 600, sent);
        assert!(is_answered(&server), "{sent}");
        drop(idle);
    }
}

#[test]
fn bodies_and_answers_that_stall_keep_nobody_out() {
    let server = Server::start();
    let blob = content(32 << 20, 12);
    let digest = server.push("a", &blob);
    let put = "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{";
    let get = format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
    let stalled = [connections(&server, 300, put), connections(&server, 300, &get)];
    assert!(is_answered(&server));
    drop(stalled);
}

/// So many clients that push at the very same time; gives how many could.
fn pushed_by(server: &Server, clients: usize) -> usize {
    let blobs: Vec<_> = (0..clients).map(|number| content(50_000, number as u64)).collect();
    let heads: Vec<_> = blobs
        .iter()
        .map(|blob| {
            let digest = Digest::of(blob);
            format!("POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n")
        })
        .collect();
    // All of them have a file open, as far as there are places.
    let streams: Vec<_> = heads
        .iter()
        .zip(&blobs)
        .map(|(head, blob)| {
            let mut stream = server.raw();
            stream.write_all(&[head.as_bytes(), &blob[..20_000]].concat()).unwrap();
            stream
        })
        .collect();
    let finish = |(mut stream, blob): (TcpStream, &Vec<u8>)| {
        stream.write_all(&blob[20_000..]).unwrap();
        let mut answer = [0; 12];
        let answered = stream.read_exact(&mut answer);
        usize::from(answered.is_ok() && &answer == b"HTTP/1.1 201")
    };
    thread::scope(|scope| {
        let clients: Vec<_> =
            streams.into_iter().zip(&blobs).map(|client| scope.spawn(move || finish(client))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    })
}

#[test]
fn no_limit_of_open_files_is_too_low_for_a_crowd() {
    // That of macOS, which may be raised; one that may not; and one that leaves next to nothing.
    for limit in ["-S -n 256", "-n 256", "-n 64"] {
        let server = Server::after(&format!("ulimit {limit}"));
        assert_eq!(pushed_by(&server, 100), 100, "{limit}");
        assert_eq!((server.files("blobs"), server.files("uploads")), (100, 0), "{limit}");
    }
}
