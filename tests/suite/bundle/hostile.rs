//! Bundles that nobody honest has made, and those that something has happened to.

use std::fs;

use oci::digest::Digest;
use serde_json::json;

use super::{bundle, listed, load, saved};
use crate::common::archives::{TarEntry, entry, file};
use crate::common::{Home, files};

/// A bundle of one chart: its bytes, and what it is made of, by path.
fn honest() -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let home = Home::new();
    let web = saved(&home, "web", "1.0.0", "a: 1\n");
    let bytes = bundle(&home, ["--offline", &web, "-o", "-"]).succeeds().bytes.clone();
    let mut archive = tar::Archive::new(&bytes[..]);
    let parts = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        (path, content)
    });
    let parts = parts.collect();
    (bytes, parts)
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn packed(parts: &[(String, Vec<u8>)]) -> Vec<Vec<u8>> {
    parts.iter().map(|(path, content)| file(path, content)).collect()
}

/// Loads it as a file and as a pipe: each fails with 7, says this, and leaves nothing.
#[track_caller]
fn is_refused(what: &str, bytes: &[u8], message: &str) {
    for is_pipe in [false, true] {
        let home = Home::new();
        home.write("charts.tar", bytes);
        let run = match is_pipe {
            false => load(&home, ["charts.tar"]),
            true => home.command("helm-chart-load").args(["-"]).stdin(bytes).run(),
        };
        assert_eq!(run.code, Some(7), "{what}: {run}");
        assert!(run.stderr.contains(message), "{what}: {run}");
        assert_eq!(listed(&home), [], "{what}");
        // Nor is anything half there.
        let left = files(&home.cache());
        assert!(left.keys().all(|path| !path.starts_with("blobs/")), "{what}: {:?}", left.keys());
    }
}

#[test]
fn blobs_in_any_order_are_found() {
    let (_, parts) = honest();
    for order in [[5, 4, 3, 2, 1, 0].map(|n: usize| n.min(4)), [3, 2, 4, 1, 0, 0]] {
        let mut order = order.to_vec();
        order.dedup();
        let parts: Vec<_> = order.iter().map(|n| parts[*n].clone()).collect();
        let bytes = archive(&packed(&parts));
        let home = Home::new();
        let run = home.command("helm-chart-load").args(["-"]).stdin(bytes.clone()).run();
        run.prints("1.0.0: loaded as localhost:1/team/web\n1 loaded, 0 up to date\n");
        home.command("helm-chart-fsck").run().succeeds();
        home.write("charts.tar", bytes);
        load(&Home::new(), [home.path().join("charts.tar")]).succeeds();
    }
}

#[test]
fn what_is_damaged_is_not_loaded() {
    let (bytes, parts) = honest();
    for (n, (path, content)) in parts.iter().enumerate().filter(|(_, (path, _))| path.starts_with("blobs/")) {
        let mut flipped = parts.clone();
        flipped[n].1[content.len() / 2] ^= 1;
        let digest = path.replace("blobs/sha256/", "sha256:");
        is_refused("a flipped bit", &archive(&packed(&flipped)), &format!("its blob {digest} is damaged"));
        let mut missing = parts.clone();
        missing.remove(n);
        is_refused("a missing blob", &archive(&packed(&missing)), &format!("the layout lacks {digest}"));
        let mut longer = parts.clone();
        longer[n].1.push(b'x');
        is_refused("a longer blob", &archive(&packed(&longer)), &format!("its blob {digest} is damaged"));
    }
    // All that are missing are named at once.
    let lacking: Vec<_> = parts[..3].to_vec();
    let run = {
        let home = Home::new();
        home.write("charts.tar", archive(&packed(&lacking)));
        load(&home, ["charts.tar"])
    };
    run.fails(7);
    for (path, _) in &parts[3..] {
        assert!(run.stderr.contains(&path.replace("blobs/sha256/", "sha256:")), "{run}");
    }
    // Cut anywhere, but within the zeros at its end, of which one block would do for some programs.
    for cut in (0..bytes.len() - 1024).step_by(251).chain([bytes.len() - 1024, bytes.len() - 512]) {
        let home = Home::new();
        home.write("charts.tar", &bytes[..cut]);
        let run = load(&home, ["charts.tar"]);
        run.fails(7);
        let piped = Home::new();
        piped.command("helm-chart-load").args(["-"]).stdin(&bytes[..cut]).run().fails(7);
        for home in [&home, &piped] {
            // A chart is there as a whole, or not at all.
            home.command("helm-chart-fsck").run().succeeds();
            assert!(cut >= bytes.len() - 1024 || listed(home).is_empty(), "{cut}");
        }
    }
}

#[test]
fn what_two_programs_would_read_as_two_bundles_is_refused() {
    let (_, parts) = honest();
    // Before the blobs, so that a pipe with it has brought no chart yet.
    let with = |more: Vec<u8>| {
        let mut entries = packed(&parts);
        entries.insert(2, more);
        archive(&entries)
    };
    let blob = parts[2].0.as_str();
    let link = |kind: u8, name, link| TarEntry { kind, name, link, ..TarEntry::default() }.bytes();
    let huge = TarEntry { name: "blobs/sha256/x", size: Some(7 << 30), ..TarEntry::default() }.bytes();
    for (what, bytes, message) in [
        ("a symbolic link", with(link(b'2', blob, "/etc/passwd")), "is a symbolic link"),
        ("a hard link", with(link(b'1', blob, "index.json")), "is a hard link"),
        ("a fifo", with(entry(b'6', "index.json", b"")), "is a fifo"),
        ("a device", with(entry(b'3', "index.json", b"")), "is a device"),
        ("two indexes", with(file("index.json", b"{}")), "`index.json` is in it twice"),
        ("two markers", with(file("oci-layout", b"{}")), "`oci-layout` is in it twice"),
        ("two of a blob", with(file(blob, &parts[2].1)), "is in it twice"),
        ("two of a blob, one below .", with(file(&format!("./{blob}"), &parts[2].1)), "is in it twice"),
        ("a name that leaves", with(file("../index.json", b"x")), "the path `../index.json` is refused"),
        ("a name that comes back", with(file("blobs/../x", b"x")), "the path `blobs/../x` is refused"),
        ("an absolute name", with(file("/index.json", b"x")), "the path `/index.json` is refused"),
        ("a huge file", with(huge), "cut short"),
        ("no archive", b"not a tar archive".repeat(100), ""),
        ("nothing", Vec::new(), ""),
    ] {
        is_refused(what, &bytes, message);
    }
    let home = Home::new();
    home.write("charts.tar", archive(&packed(&parts[2..])));
    load(&home, ["charts.tar"]).fails(1).stdout_is("").stderr_is(
        "Error: cannot load charts.tar: it is no bundle, which is an OCI image layout: it has no index.json\n\
         hint: a packaged chart is saved, not loaded: helm oci save FILE HOST/REPOSITORY\n",
    );
    // Of a file all is looked at before anything is made of it.
    let mut last = packed(&parts);
    last.push(file("/x", b"x"));
    let home = Home::new();
    home.write("charts.tar", archive(&last));
    load(&home, ["charts.tar"]).fails(7).stdout_is("");
    assert_eq!(listed(&home), []);
    home.command("helm-chart-load").args(["-"]).stdin(archive(&last)).run().fails(7);
    home.command("helm-chart-fsck").run().succeeds();
    let mut more = archive(&packed(&parts));
    more.extend(b"more");
    let home = Home::new();
    home.write("charts.tar", &more);
    load(&home, ["charts.tar"]).fails(7);
}

#[test]
fn what_an_index_says_is_not_believed() {
    let (_, parts) = honest();
    let manifest =
        parts.iter().find(|(_, content)| content.starts_with(b"{\"schemaVersion\":2,\"config\"")).unwrap();
    let digest = Digest::of(&manifest.1);
    let name = |name: &str| json!({ "org.opencontainers.image.ref.name": name });
    let descriptor = |size: u64, annotations: serde_json::Value| json!({ "mediaType": oci::media_type::MANIFEST, "digest": digest, "size": size, "annotations": annotations });
    let size = manifest.1.len() as u64;
    for (what, entries, code) in [
        ("a wrong size", json!([descriptor(size + 1, name("localhost:1/a/b:1"))]), 7),
        ("a size beyond all", json!([descriptor(5 << 20, name("localhost:1/a/b:1"))]), 7),
        ("no name", json!([descriptor(size, json!({}))]), 2),
        ("a name that no registry has", json!([descriptor(size, name("../../x:1"))]), 2),
        ("a tag alone", json!([descriptor(size, name("1.0.0"))]), 2),
    ] {
        let index = json!({ "schemaVersion": 2, "manifests": entries }).to_string();
        let mut parts = parts.clone();
        parts[1].1 = index.into_bytes();
        let home = Home::new();
        home.write("charts.tar", archive(&packed(&parts)));
        assert_eq!(load(&home, ["charts.tar"]).code, Some(code), "{what}");
        assert_eq!(listed(&home), [], "{what}");
        if code == 2 {
            let run = load(&home, ["charts.tar", "--as", "localhost:1/my/web:1"]);
            run.prints("1: loaded as localhost:1/my/web\n1 loaded, 0 up to date\n");
        }
    }
    for index in ["", "[]", "{}", "{\"schemaVersion\":2,\"manifests\":[{}]}", "<html>"] {
        let mut parts = parts.clone();
        parts[1].1 = index.as_bytes().to_vec();
        is_refused(index, &archive(&packed(&parts)), "its index.json");
    }
}

#[test]
fn bombs_are_passed_over() {
    let (_, parts) = honest();
    // Compressed, a gigabyte of zeros is a megabyte; it is none of the chart's blobs.
    let home = Home::new();
    let mut entries = packed(&parts);
    entries.insert(2, file("zeros", vec![0; 64 << 20]));
    home.write("charts.tgz", crate::common::archives::gzip(&archive(&entries)));
    load(&home, ["charts.tgz"]).succeeds();
    let left: u64 = files(&home.cache()).values().map(|content| content.len() as u64).sum();
    assert!(left < 1 << 20, "{left}");
    assert!(fs::read_dir(home.cache().join("tmp")).unwrap().count() == 0);
    // Nor is one that no chart needs kept for a while, when all is known that any needs: it is twice what there is room for.
    let mut entries = packed(&parts);
    let zeros = vec![0; 64 << 20];
    entries.insert(5, file(&format!("blobs/sha256/{}", Digest::of(&zeros).hex()), &zeros));
    let home = Home::new();
    home.write("charts.tgz", crate::common::archives::gzip(&archive(&entries)));
    let limited = format!("ulimit -f {}; exec helm-chart-load charts.tgz", (16 << 20) / 512);
    home.program("/bin/sh").args(["-c", &limited]).run().succeeds();
}
