//! Lists that come in pages, whether a client asks for them or not.

use std::fs::{self, File};

use oci::digest::Digest;
use oci::media_type::MANIFEST;
use serde_json::{Value, json};

use super::client::{Reply, Server, manifest};

/// The next page that a reply leads to.
fn next(reply: &Reply) -> Option<String> {
    let link = reply.headers.get("link")?.to_str().unwrap();
    let (target, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert_eq!(rest, "; rel=\"next\"");
    Some(target.to_owned())
}

/// All pages from this one on.
fn follow(server: &Server, first: &str) -> Vec<Reply> {
    let mut pages = Vec::new();
    let mut path = Some(first.to_owned());
    while let Some(next_path) = path {
        let page = server.get(&next_path).is(200);
        path = next(&page);
        pages.push(page);
        assert!(pages.len() < 100, "no end");
    }
    pages
}

fn entries(pages: &[Reply], field: &str) -> Vec<Value> {
    pages.iter().flat_map(|page| page.json()[field].as_array().unwrap().clone()).collect()
}

#[test]
fn more_tags_than_come_at_once_come_in_pages() {
    let server = Server::start();
    server.push("a", b"chart");
    let tags = server.root().join("repositories/a/_tags");
    fs::create_dir(&tags).unwrap();
    let mut expected: Vec<_> = (0..6_003).map(|number| format!("1.{number}.0")).collect();
    for tag in &expected {
        File::create(tags.join(tag)).unwrap();
    }
    expected.sort();
    for (query, count) in [("", 2), ("?n=6003", 2), ("?n=3001", 3)] {
        let pages = follow(&server, &format!("/v2/a/tags/list{query}"));
        assert_eq!(pages.len(), count, "{query}");
        assert_eq!(entries(&pages, "tags"), expected, "{query}");
    }
}

#[test]
fn more_repositories_than_come_at_once_come_in_pages() {
    let server = Server::start();
    let mut expected: Vec<_> = (0..1_100).map(|number| format!("a/{}/b-{number}", number % 7)).collect();
    for name in &expected {
        fs::create_dir_all(server.root().join("repositories").join(name).join("_blobs")).unwrap();
    }
    expected.sort();
    let pages = follow(&server, "/v2/_catalog");
    assert_eq!(pages.len(), 2);
    assert_eq!(entries(&pages, "repositories"), expected);
}

#[test]
fn referrers_come_in_pages_that_clients_take() {
    let server = Server::start();
    let subject = Digest::of(b"subject");
    let mut expected = Vec::new();
    for number in 0..9 {
        let more = json!({
            "subject": { "mediaType": MANIFEST, "digest": subject, "size": 7 },
            "artifactType": if number % 3 == 0 { "application/vnd.a+json" } else { "application/vnd.b" },
            "annotations": { "number": number.to_string(), "long": "x".repeat(400_000) },
        });
        let manifest = manifest(&server, "a", "config", &more);
        server.put_manifest("a", &number.to_string(), MANIFEST, &manifest).is(201);
        expected.push(Digest::of(&manifest).to_string());
    }
    let path = format!("/v2/a/referrers/{subject}");
    let pages = follow(&server, &path);
    assert!(pages.len() >= 4 && pages.iter().all(|page| page.body.len() <= 4 << 20), "{}", pages.len());
    let mut found: Vec<_> = entries(&pages, "manifests").iter().map(|one| one["digest"].clone()).collect();
    found.sort_by_key(Value::to_string);
    expected.sort();
    assert_eq!(found, expected);

    let pages = follow(&server, &format!("{path}?artifactType=application/vnd.a%2Bjson"));
    assert!(pages.iter().all(|page| page.header("oci-filters-applied") == "artifactType"));
    let numbers: Vec<_> =
        entries(&pages, "manifests").iter().map(|one| one["annotations"]["number"].clone()).collect();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
    for number in ["0", "3", "6"] {
        assert!(numbers.contains(&json!(number)), "{numbers:?}");
    }

    let pages = follow(&server, &format!("{path}?n=2"));
    assert!(pages.iter().all(|page| page.json()["manifests"].as_array().unwrap().len() <= 2));
    assert_eq!(entries(&pages, "manifests").len(), 9);
    server.get(&format!("{path}?last=x")).fails(400, "UNSUPPORTED");
}

#[test]
fn a_referrer_of_any_size_is_listed() {
    let server = Server::start();
    let subject = Digest::of(b"subject");
    let more = |long: usize| {
        json!({
            "subject": { "mediaType": MANIFEST, "digest": subject, "size": 7 },
            "annotations": { "long": "x".repeat(long) },
        })
    };
    // As large as a manifest may be, and a small one besides.
    for long in [10, (4 << 20) - 1000] {
        let manifest = manifest(&server, "a", "config", &more(long));
        server.put_manifest("a", &format!("{long}"), MANIFEST, &manifest).is(201);
    }
    let found = entries(&follow(&server, &format!("/v2/a/referrers/{subject}")), "manifests");
    let mut lengths: Vec<_> =
        found.iter().map(|one| one["annotations"]["long"].as_str().unwrap().len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [10, (4 << 20) - 1000]);
}

#[test]
fn a_registry_without_referrers_is_one() {
    let server = Server::with(tempfile::TempDir::new().unwrap(), &["--no-referrers"]);
    let subject = Digest::of(b"subject");
    let more = json!({ "subject": { "mediaType": MANIFEST, "digest": subject, "size": 7 } });
    let manifest = manifest(&server, "a", "config", &more);
    let reply = server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    assert!(!reply.headers.contains_key("oci-subject"), "{reply:?}");
    assert_eq!(server.get("/v2/a/manifests/1").is(200).body, manifest);
    server.get(&format!("/v2/a/referrers/{subject}")).is(404);
    server.get(&format!("/v2/unknown/referrers/{subject}")).is(404);
    server.head(&format!("/v2/a/referrers/{subject}")).is(404);
}
