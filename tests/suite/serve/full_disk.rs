//! Uploads that do not fit, and uploads that nobody ends.

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use oci::digest::Digest;
use oci::media_type::MANIFEST;

use super::client::{Server, content};
use crate::common::note;

/// A server whose files may have 1 MiB. It ignores the signal that comes with that, as a full disk has none.
fn server_of_small_files() -> Server {
    Server::after("trap '' XFSZ; ulimit -f 2048")
}

/// How many bytes uploads take on the disk.
fn bytes_of_uploads(server: &Server) -> u64 {
    let files = fs::read_dir(server.root().join("uploads")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().blocks() * 512).sum()
}

#[test]
fn an_upload_that_does_not_fit_keeps_nothing() {
    let server = server_of_small_files();
    let blob = content(4_000_000, 1);
    let digest = Digest::of(&blob);
    let put = server.put_blob(&server.open("a"), &digest, &blob).is(507);
    assert_eq!(put.json()["errors"][0]["message"], "the registry has no space left");
    server.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], Some(&blob)).is(507);
    server.put_manifest("a", "1", MANIFEST, &content(3_500_000, 2)).is(507);
    assert_eq!((server.files("uploads"), server.files("blobs")), (0, 0));

    // A chunk that was acknowledged stays, and nothing of one that was not.
    let location = server.open("a");
    server.patch(&location, "0-99999", &blob[..100_000]).is(202);
    let before = bytes_of_uploads(&server);
    server.patch(&location, "100000-3999999", &blob[100_000..]).is(507);
    assert_eq!(server.get(&location).is(204).header("range"), "0-99999");
    assert_eq!(bytes_of_uploads(&server), before);
    server.patch(&location, "100000-199999", &blob[100_000..200_000]).is(202);
    server.put_blob(&location, &Digest::of(&blob[..200_000]), b"").is(201);
    server.push("a", b"chart");
}

#[test]
fn an_upload_whose_client_is_gone_keeps_nothing() {
    let server = Server::start();
    let blob = content(3_000_000, 3);
    let digest = Digest::of(&blob);
    let location = server.open("a");
    server.patch(&location, "0-99999", &blob[..100_000]).is(202);
    for request in [
        format!("PUT {location}?digest={digest}"),
        format!("PATCH {location}"),
        format!("POST /v2/a/blobs/uploads/?digest={digest}"),
        "PUT /v2/a/manifests/1".to_owned(),
    ] {
        let mut stream = server.raw();
        let head = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&blob).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
        drop(stream);
        // What has arrived may be taken in after all else that is asked here.
        let until = Instant::now() + Duration::from_secs(30);
        while server.files("uploads") > 1 || bytes_of_uploads(&server) > 128 << 10 {
            assert!(Instant::now() < until, "{request}: {}", bytes_of_uploads(&server));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(server.get(&location).is(204).header("range"), "0-99999", "{request}");
    }
}

#[test]
fn sessions_that_nobody_comes_back_to_keep_nobody_out() {
    let server = Server::start();
    let first = server.open("a");
    let mut stream = server.raw();
    let requests = "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".repeat(100);
    let reader = stream.try_clone().unwrap();
    let count = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader};
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        lines
            .filter(|line| line.starts_with("HTTP/1.1 "))
            .take(1_100)
            .filter(|line| line.contains(" 202 "))
            .count()
    });
    for _ in 0..11 {
        stream.write_all(requests.as_bytes()).unwrap();
    }
    assert_eq!(count.join().unwrap(), 1_100);
    server.push("a", b"chart");
    server.push("b", b"chart");
    // The first one had to go, long ago; and none of them has a file.
    server.get(&first).fails(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(server.files("uploads"), 0);
}

/// A server with a disk of its own, of 24 MiB, where the system lets the test make one.
fn server_on_a_small_disk() -> Option<Server> {
    let may = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        note("no file system can be mounted here");
        return None;
    }
    let serve = "mkdir data; mount -t tmpfs -o size=24m none data && exec \"$0\" \"$@\"";
    let data = tempfile::TempDir::new().unwrap();
    let command = super::client::command(data.path(), &[]);
    let mut unshare = Command::new("unshare");
    unshare.args(["-rm", "/bin/sh", "-c", serve]).arg(command.get_program()).args(command.get_args());
    unshare.current_dir(data.path());
    Some(Server::run(unshare, data))
}

#[test]
fn a_full_disk_is_one_for_as_long_as_it_has_to_be() {
    let Some(server) = server_on_a_small_disk() else { return };
    let root = server.sees(&server.root());
    let uploads = |root: &Path| fs::read_dir(root.join("uploads")).unwrap().count();
    let blob = |length: usize, seed| {
        let blob = content(length, seed);
        (Digest::of(&blob), blob)
    };
    let (large, small) = (blob(40_000_000, 4), blob(9_000_000, 5));
    server.put_blob(&server.open("a"), &large.0, &large.1).is(507);
    server.put_blob(&server.open("a"), &small.0, &small.1).is(201);

    // What was acknowledged, and is then left alone, makes room for those who come.
    let left = server.open("a");
    server.patch(&left, "0-9999999", &large.1[..10_000_000]).is(202);
    server.patch(&left, "10000000-29999999", &large.1[10_000_000..30_000_000]).is(507);
    assert_eq!(server.get(&left).is(204).header("range"), "0-9999999");
    let next = blob(9_000_000, 6);
    server.put_blob(&server.open("b"), &next.0, &next.1).is(201);
    server.get(&left).fails(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(uploads(&root), 0);

    // To the last byte: what is there can be read and deleted.
    let fill = root.join("fill");
    let _ = fs::write(&fill, vec![0; 24 << 20]);
    server.put_blob(&server.open("a"), &Digest::of(&large.1[..9000]), &large.1[..9000]).is(507);
    let manifest = content(100, 7);
    server.put_manifest("a", "1", MANIFEST, &manifest).is(507);
    assert_eq!(server.get(&format!("/v2/a/blobs/{}", small.0)).is(200).body, small.1);
    server.get("/v2/a/tags/list").is(200);
    server.get("/v2/_catalog").is(200);
    server.delete(&format!("/v2/a/blobs/{}", small.0)).is(202);
    assert_eq!(uploads(&root), 0);
    fs::remove_file(fill).unwrap();
    server.push_manifest("a", "1");
}
