//! Bodies that are wanted, and bodies that are not.

use std::io::{BufRead, BufReader, Read, Write};

use oci::digest::Digest;

use super::client::Server;

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let server = Server::start();
    let location = server.open("a");
    let digest = Digest::of(b"chart");
    let mut stream = server.raw();
    let head = format!(
        "PUT {location}?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    stream.write_all(b"chart").unwrap();
    line.clear();
    reader.read_line(&mut line).unwrap();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("HTTP/1.1 201"), "{line}");
}

#[test]
fn a_client_that_waits_for_100_continue_is_told_at_once_that_it_need_not() {
    let server = Server::start();
    let nowhere = server.open("a").replace("/a/", "/b/");
    for (path, status) in
        [(nowhere.as_str(), "404"), ("/v2/a/manifests/1", "413"), ("/v2/A/manifests/1", "400")]
    {
        let mut stream = server.raw();
        let head = format!(
            "PUT {path}?digest={} HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\nExpect: 100-continue\r\n\r\n",
            Digest::of(b"")
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
        assert!(reply.to_lowercase().contains("connection: close"), "{reply}");
    }
}

#[test]
fn a_client_that_sends_in_vain_gets_to_read_why() {
    let server = Server::start();
    let nowhere = server.open("a").replace("/a/", "/b/");
    let mut stream = server.raw();
    let head = format!(
        "PUT {nowhere}?digest={} HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n",
        Digest::of(b"")
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![0; 20_000_000]).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
}
