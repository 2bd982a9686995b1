//! What the cache keeps of what is attached: collection, fsck, and damage.

use std::fs;
use std::path::Path;

use oci::digest::Digest;
use serde_json::Value;

use super::carried::{TAG, attach_all, blob, pushed, source};
use super::world::EMPTY;
use crate::common::{EmbeddedRegistry, Home};

/// A registry with a chart and all that can be attached, and a home that has pulled it.
fn pulled() -> ((EmbeddedRegistry, Home), Home, String, super::carried::Object) {
    let served = Home::new();
    let registry = EmbeddedRegistry::start(&served, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let home = Home::new();
    let reference = format!("{}/src/mychart:{TAG}", registry.address());
    home.command("helm-chart-pull").args(["--attached", &reference]).run().succeeds();
    // The data of the registry goes with the home that serves it.
    ((registry, served), home, reference, object)
}

/// The links of an entry, by name.
fn links(home: &Home, repository: &str, tag: &str) -> Vec<(String, String)> {
    let directory = fs::read_dir(home.cache().join("refs")).unwrap().next().unwrap().unwrap().path();
    let entry = directory.join(repository).join("tags").join(tag);
    let link = |path: &Path| fs::read_link(path).unwrap().to_string_lossy().into_owned();
    let names = fs::read_dir(entry).unwrap().map(|named| named.unwrap());
    let mut links: Vec<_> =
        names.map(|n| (n.file_name().to_string_lossy().into_owned(), link(&n.path()))).collect();
    links.sort();
    links
}

fn fsck(home: &Home, args: &[&str]) -> Value {
    let run = home.command("helm-chart-fsck").args(["-o", "json"]).args(args).run();
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run}"))
}

#[test]
fn each_manifest_and_blob_has_a_link_that_leads_to_it() {
    let (_registry, home, _, object) = pulled();
    let links = links(&home, "src/mychart", TAG);
    let of = |kind: &str| -> Vec<_> {
        links.iter().filter_map(|(name, text)| Some((name.strip_prefix(kind)?, text.as_str()))).collect()
    };
    let leads = |text: &str, digest: &Digest| text.ends_with(&format!("/blobs/sha256/{}", digest.hex()));
    let manifests = of("attached-manifest.");
    assert_eq!(manifests.len(), object.about.len());
    for (_, digest) in &object.about {
        let name = digest.to_string().replace(':', "-");
        assert!(manifests.iter().any(|(n, text)| *n == name && leads(text, digest)), "{links:#?}");
    }
    let tags = of("attached-tag.");
    assert_eq!(tags.len(), object.tags.len());
    for (tag, manifest) in &object.tags {
        assert!(tags.iter().any(|(n, text)| n == tag && leads(text, &Digest::of(manifest))), "{links:#?}");
    }
    // Three layers and three payloads; all have the same config.
    assert_eq!(of("attached-blob.").len(), 7, "{links:#?}");
    // There is nothing in the cache that no link leads to: a program that goes by links alone, whatever their names are,
    // keeps just what is needed.
    for name in fs::read_dir(home.cache().join("blobs/sha256")).unwrap() {
        let name = name.unwrap().file_name().into_string().unwrap();
        assert!(links.iter().any(|(_, text)| text.ends_with(&name)), "{name}");
    }
}

#[test]
fn damage_is_found_and_mended_by_digest() {
    let (_registry, home, reference, object) = pulled();
    let victims = [
        Digest::of(&object.sbom),
        Digest::of(EMPTY),
        Digest::of(&object.tags[0].1),
        Digest::of(b"bundle of the sbom"),
    ];
    for (number, victim) in victims.iter().enumerate() {
        let path = blob(&home, victim);
        fs::remove_file(&path).unwrap();
        if number % 2 == 1 {
            fs::write(&path, "damaged").unwrap();
        }
        let kind = if number % 2 == 1 { "damaged-blob" } else { "missing-blob" };
        home.command("helm-chart-fsck").run().fails(7);
        let found = fsck(&home, &[]);
        assert_eq!(found["problems"][0]["kind"], kind, "{found}");
        assert_eq!(found["problems"][0]["digest"], victim.to_string(), "{found}");
        assert_eq!(found["problems"][0]["refs"][0], reference, "{found}");
        // The chart is there, and can be used.
        home.command("helm-chart-export").args([&reference, "-d", &format!("out{number}")]).run().succeeds();
        // What is damaged is not sent, and what is missing gets no second name.
        let elsewhere =
            format!("{}/mychart:1.0.0", reference.replace("src/mychart:1.0.0", &format!("dst{number}")));
        let tagged = home.command("helm-chart-tag").args([&reference, &elsewhere]).run();
        if number % 2 == 1 {
            tagged.succeeds();
            home.command("helm-chart-push").args([&elsewhere]).run().fails(7);
            home.command("helm-chart-remove").args([&elsewhere]).run().succeeds();
        } else {
            tagged.fails(7);
        }
        home.command("helm-chart-fsck").args(["--repair"]).run().succeeds();
        home.command("helm-chart-fsck").run().succeeds();
        home.command("helm-chart-push").args([&reference]).run().succeeds();
    }
    // And so does another pull.
    for victim in &victims {
        fs::remove_file(blob(&home, victim)).unwrap();
    }
    home.command("helm-chart-pull").args(["--attached", &reference]).run().succeeds();
    home.command("helm-chart-fsck").run().succeeds();
    // Chart and attachments at once.
    for victim in victims.iter().chain([&Digest::of(&object.chart)]) {
        fs::remove_file(blob(&home, victim)).unwrap();
    }
    home.command("helm-chart-fsck").args(["--repair"]).run().succeeds();
    home.command("helm-chart-fsck").run().succeeds();
}

#[test]
fn an_entry_that_lacks_a_part_of_what_is_attached_disagrees() {
    let (_registry, home, reference, object) = pulled();
    let directory = fs::read_dir(home.cache().join("refs")).unwrap().next().unwrap().unwrap().path();
    let entry = directory.join("src/mychart/tags").join(TAG);
    let name = format!("attached-blob.sha256-{}", Digest::of(b"sbom").hex());
    fs::remove_file(entry.join(name)).unwrap();
    let found = fsck(&home, &[&reference]);
    assert_eq!(found["problems"][0]["kind"], "disagreement", "{found}");
    home.command("helm-chart-fsck").args(["--repair"]).run().succeeds();
    // The SBOM itself: what is about it is attached to nothing any more.
    let name = format!("attached-manifest.sha256-{}", Digest::of(&object.sbom).hex());
    fs::remove_file(entry.join(name)).unwrap();
    let found = fsck(&home, &[&reference]);
    assert_eq!(found["problems"][0]["message"], "it keeps manifests that are not attached to it", "{found}");
    home.command("helm-chart-fsck").args(["--repair"]).run().succeeds();
    assert_eq!(
        links(&home, "src/mychart", TAG).iter().filter(|(n, _)| n.starts_with("attached-")).count(),
        13
    );
}
