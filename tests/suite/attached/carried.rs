//! `pull --attached`, and how push and tag carry on what it took along.

use std::fs;
use std::process::Stdio;

use oci::digest::Digest;
use oci::media_type::MANIFEST;
use serde_json::json;

use super::world::{EMPTY, EMPTY_TYPE, SBOM, There, agent, descriptor};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, write_chart};

pub const TAG: &str = "1.0.0";

/// A home with a chart, which is pushed; and that chart's manifest.
pub fn pushed(there: &There) -> (Home, Vec<u8>) {
    let home = Home::new();
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n"), ("values.yaml", "a: 1\n")],
    );
    let prefix = format!("oci://{}/src", there.address);
    home.command("helm-chart-push").args(["mychart", &prefix]).run().succeeds();
    (home, there.get(TAG).unwrap())
}

pub fn source(address: &str) -> There {
    There::new(address, "src/mychart")
}

/// Everything that is attached: what is about it by its subject, what is under a tag, and what is attached to that.
pub struct Object {
    pub chart: Vec<u8>,
    pub sbom: Vec<u8>,
    /// By the digest of what they are about.
    pub about: Vec<(Digest, Digest)>,
    /// Tag and manifest.
    pub tags: Vec<(String, Vec<u8>)>,
}

/// Attaches, past our own code, a bundle and an SBOM by their subjects, signatures of both by tags, and a bundle to the SBOM.
pub fn attach_all(there: &There, chart: &[u8]) -> Object {
    let lists = agent()
        .get(format!("http://{}/v2/{}/referrers/{}", there.address, there.name, Digest::of(chart)))
        .call()
        .unwrap()
        .status()
        == 200;
    let about = |subject: &[u8], manifests: &[&Vec<u8>]| {
        if !lists {
            let members: Vec<_> = manifests.iter().map(|manifest| descriptor(MANIFEST, manifest)).collect();
            there.index(&Digest::of(subject), &members);
        }
    };
    let bundle = there.attach(chart, "application/vnd.dev.sigstore.bundle.v0.3+json", "bundle");
    let sbom = there.attach(chart, SBOM, "sbom");
    let of_sbom = there.attach(&sbom, "application/vnd.dev.sigstore.bundle.v0.3+json", "bundle of the sbom");
    about(chart, &[&bundle, &sbom]);
    about(&sbom, &[&of_sbom]);
    let mut tags = Vec::new();
    for (subject, kind) in [(chart, "sig"), (chart, "att"), (&sbom[..], "sig")] {
        let payload = format!("payload of {kind} for {}", Digest::of(subject));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", EMPTY),
            "layers": [descriptor("application/vnd.dev.cosign.simplesigning.v1+json", payload.as_bytes())],
        });
        there.put_blob(payload.as_bytes());
        let tag = format!("{}.{kind}", Digest::of(subject).to_string().replace(':', "-"));
        let manifest = manifest.to_string().into_bytes();
        there.put(&tag, MANIFEST, &manifest);
        tags.push((tag, manifest));
    }
    let digest = |manifest: &[u8]| Digest::of(manifest);
    let about = vec![
        (digest(chart), digest(&bundle)),
        (digest(chart), digest(&sbom)),
        (digest(&sbom), digest(&of_sbom)),
    ];
    Object { chart: chart.to_vec(), sbom, about, tags }
}

impl Object {
    /// All of it is there, byte for byte.
    #[track_caller]
    pub fn is_at(&self, there: &There, tag: &str) {
        assert_eq!(there.get(tag).as_ref(), Some(&self.chart), "{there:?}");
        for subject in [&self.chart, &self.sbom].map(|manifest| Digest::of(manifest)) {
            let of_it = self.about.iter().filter(|(to, _)| *to == subject);
            let mut expected: Vec<_> = of_it.map(|(_, manifest)| manifest.to_string()).collect();
            expected.sort();
            assert_eq!(there.found(&subject), expected, "{there:?}: {subject}");
        }
        for (_, manifest) in &self.about {
            there.is_whole(&there.get(&manifest.to_string()).expect("a referrer"));
        }
        for (tag, manifest) in &self.tags {
            assert_eq!(there.get(tag).as_ref(), Some(manifest), "{there:?}: {tag}");
            there.is_whole(manifest);
        }
    }
}

/// What is attached goes from one registry to another and comes back, by all ways, in at most so many requests.
fn travels(from: &str, to: &str) {
    let there = source(from);
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let home = Home::new();
    let reference = format!("{from}/src/mychart:{TAG}");
    let pull = |reference: &str| home.command("helm-chart-pull").args(["--attached", reference]).run();
    let pulled = pull(&reference);
    assert!(pulled.succeeds().stdout.contains("\nAttached: 6 manifests\n"), "{pulled}");
    home.command("helm-chart-fsck").run().succeeds();
    // Again it is all there.
    let pulled = pull(&reference);
    assert!(pulled.succeeds().stdout.contains("up to date"), "{pulled}");
    assert!(pulled.stdout.contains("\nAttached: 6 manifests\n"), "{pulled}");

    let elsewhere = format!("{to}/dst/mychart:{TAG}");
    home.command("helm-chart-tag").args([&reference, &elsewhere]).run().succeeds();
    home.command("helm-chart-remove").args([&reference]).run().succeeds();
    home.command("helm-chart-fsck").run().succeeds().stderr_is("");
    let push = || home.command("helm-chart-push").args([&elsewhere]).run();
    let result = push();
    assert!(result.succeeds().stdout.contains("\nAttached: 6 manifests\n"), "{result}");
    object.is_at(&There::new(to, "dst/mychart"), TAG);
    let result = push();
    assert!(result.succeeds().stdout.contains("Registry is up to date"), "{result}");
    object.is_at(&There::new(to, "dst/mychart"), TAG);
    // And from there it comes the same way.
    let other = Home::new();
    let pulled = other.command("helm-chart-pull").args(["--attached", &elsewhere]).run();
    assert!(pulled.succeeds().stdout.contains("\nAttached: 6 manifests\n"), "{pulled}");
    home.command("helm-chart-remove").args([&elsewhere]).run().succeeds();
    assert_eq!(fs::read_dir(home.cache().join("blobs/sha256")).unwrap().count(), 0);
}

#[test]
fn all_that_is_attached_travels_between_registries_with_lists_and_without() {
    let home = Home::new();
    let (with, without) = (
        EmbeddedRegistry::start(&home, ["--data", "with"]),
        EmbeddedRegistry::start(&home, ["--data", "without", "--no-referrers"]),
    );
    travels(with.address(), with.address());
    travels(with.address(), without.address());
    travels(without.address(), with.address());
    travels(without.address(), without.address());
}

#[test]
fn all_that_is_attached_travels_through_docker_registry() {
    let Some(docker) = DockerRegistry::start() else { return };
    let home = Home::new();
    let embedded = EmbeddedRegistry::start(&home, []);
    travels(docker.address(), docker.address());
    travels(docker.address(), embedded.address());
    travels(embedded.address(), docker.address());
}

#[test]
fn without_the_flag_nothing_is_looked_for_and_what_is_kept_stays() {
    let Some(docker) = DockerRegistry::start() else { return };
    let there = source(docker.address());
    let (home, chart) = pushed(&there);
    attach_all(&there, &chart);
    let reference = format!("{}/src/mychart:{TAG}", docker.address());
    let before = docker.requests().len();
    let other = Home::new();
    other.command("helm-chart-pull").args([&reference]).run().succeeds();
    assert_eq!(docker.requests().len() - before, 3);
    // What was taken along stays when the chart is pulled, saved or pushed again.
    home.command("helm-chart-pull").args(["--attached", &reference]).run().succeeds();
    home.command("helm-chart-pull").args([&reference]).run().succeeds();
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    fs::remove_file(blob(&home, &Digest::of(&chart))).unwrap();
    home.command("helm-chart-pull").args([&reference]).run().succeeds();
    let result = home.command("helm-chart-push").args([&reference]).run();
    assert!(result.succeeds().stdout.contains("\nAttached: 6 manifests\n"), "{result}");
}

pub fn blob(home: &Home, digest: &Digest) -> std::path::PathBuf {
    home.cache().join("blobs/sha256").join(digest.hex())
}

#[test]
fn what_is_new_is_taken_along_and_what_is_gone_is_let_go() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (home, chart) = pushed(&there);
    let reference = format!("{}/src/mychart:{TAG}", registry.address());
    let attached = |expected: usize| {
        let pulled = home.command("helm-chart-pull").args(["--attached", &reference]).run();
        let line = format!("\nAttached: {expected} manifest{}\n", if expected == 1 { "" } else { "s" });
        assert!(pulled.succeeds().stdout.contains(&line), "{pulled}");
        home.command("helm-chart-fsck").run().succeeds().stderr_is("");
    };
    attached(0);
    let one = there.attach(&chart, SBOM, "one");
    attached(1);
    there.attach(&chart, SBOM, "two");
    attached(2);
    there.delete(&Digest::of(&one).to_string());
    attached(1);
    // An index holds its members, and they come with it.
    let member = there.attach(&one, SBOM, "member");
    let index = json!({ "schemaVersion": 2, "mediaType": oci::media_type::INDEX, "artifactType": EMPTY_TYPE,
        "manifests": [descriptor(MANIFEST, &member)], "subject": descriptor(MANIFEST, &chart) });
    let index = index.to_string().into_bytes();
    there.put(&Digest::of(&index).to_string(), oci::media_type::INDEX, &index);
    attached(3);
    let elsewhere = format!("{}/dst/mychart:{TAG}", registry.address());
    home.command("helm-chart-tag").args([&reference, &elsewhere]).run().succeeds();
    home.command("helm-chart-push").args([&elsewhere]).run().succeeds();
    let to = There::new(registry.address(), "dst/mychart");
    assert_eq!(to.get(&Digest::of(&index).to_string()), Some(index));
    assert_eq!(to.get(&Digest::of(&member).to_string()), Some(member));
}

#[test]
fn who_sees_the_tag_sees_the_signatures() {
    let Some(docker) = DockerRegistry::start() else { return };
    let there = source(docker.address());
    let (home, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let (from, to) = (
        format!("{}/src/mychart:{TAG}", docker.address()),
        format!("{}/dst/mychart:{TAG}", docker.address()),
    );
    home.command("helm-chart-pull").args(["--attached", &from]).run().succeeds();
    home.command("helm-chart-tag").args([&from, &to]).run().succeeds();
    let before = docker.requests().len();
    home.command("helm-chart-push").args([&to]).run().succeeds();
    let requests = docker.requests().split_off(before);
    let puts: Vec<_> =
        requests.iter().filter_map(|line| line.strip_prefix("PUT /v2/dst/mychart/manifests/")).collect();
    assert_eq!(puts.first(), Some(&&*Digest::of(&chart).to_string()), "{requests:#?}");
    assert_eq!(puts.last(), Some(&TAG), "{requests:#?}");
    // One index for each subject, once.
    let indexes = [&chart, &object.sbom].map(|subject| Digest::of(subject).to_string().replace(':', "-"));
    for index in indexes {
        assert_eq!(puts.iter().filter(|put| **put == index).count(), 1, "{requests:#?}");
    }
    // Each blob once, and none twice.
    let uploads =
        requests.iter().filter(|line| line.starts_with("PUT ") && line.contains("/uploads/")).count();
    assert_eq!(uploads, 2 + 7, "{requests:#?}");
}

#[test]
fn signatures_of_others_are_not_given_up() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (home, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let (from, to) = (
        format!("{}/src/mychart:{TAG}", registry.address()),
        format!("{}/dst/mychart:{TAG}", registry.address()),
    );
    home.command("helm-chart-pull").args(["--attached", &from]).run().succeeds();
    home.command("helm-chart-tag").args([&from, &to]).run().succeeds();
    let elsewhere = There::new(registry.address(), "dst/mychart");
    let (tag, ours) = &object.tags[0];
    let layer = serde_json::from_slice::<serde_json::Value>(ours).unwrap()["layers"][0].clone();
    let other = descriptor("application/vnd.dev.cosign.simplesigning.v1+json", b"other");
    for blob in [EMPTY, b"other", format!("payload of sig for {}", Digest::of(&chart)).as_bytes()] {
        elsewhere.put_blob(blob);
    }
    let signatures = |layers: serde_json::Value| {
        let config = descriptor("application/vnd.oci.image.config.v1+json", EMPTY);
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers })
            .to_string()
            .into_bytes()
    };
    // Theirs alone: neither is given up.
    let theirs = signatures(json!([other]));
    elsewhere.put(tag, MANIFEST, &theirs);
    let result = home.command("helm-chart-push").args([&to]).run();
    result.fails(5);
    assert!(result.stderr.contains(&format!("the registry has other signatures under {tag}")), "{result}");
    assert_eq!(elsewhere.get(tag), Some(theirs));
    assert_eq!(elsewhere.get(TAG), None);
    // Ours and theirs: there is nothing to add.
    let both = signatures(json!([layer, other]));
    elsewhere.put(tag, MANIFEST, &both);
    home.command("helm-chart-push").args([&to]).run().succeeds();
    assert_eq!(elsewhere.get(tag), Some(both));
    assert_eq!(elsewhere.get(TAG).as_ref(), Some(&chart));
}

/// Homes which each have the same chart with another SBOM attached, under the reference given by their number.
fn twelve(
    registry: &str,
    to: impl Fn(usize) -> String,
    home: impl Fn(usize) -> usize,
) -> (Vec<Home>, Digest, Vec<String>) {
    let there = source(registry);
    let (_, chart) = pushed(&there);
    let mut homes: Vec<Home> = Vec::new();
    let mut expected = Vec::new();
    for number in 0..12 {
        let own = There::new(registry, &format!("own{number}/mychart"));
        let config: serde_json::Value = serde_json::from_slice(&chart).unwrap();
        for blob in [&config["config"], &config["layers"][0]] {
            own.mount(blob["digest"].as_str().unwrap(), "src/mychart");
        }
        own.put(TAG, MANIFEST, &chart);
        let sbom = own.attach(&chart, SBOM, &format!("sbom {number}"));
        own.index(&Digest::of(&chart), &[descriptor(MANIFEST, &sbom)]);
        expected.push(Digest::of(&sbom).to_string());
        if homes.len() <= home(number) {
            homes.push(Home::new());
        }
        let home = &homes[home(number)];
        let from = format!("{registry}/own{number}/mychart:{TAG}");
        home.command("helm-chart-pull").args(["-q", "--attached", &from]).run().succeeds();
        home.command("helm-chart-tag").args([&from, &to(number)]).run().succeeds();
    }
    expected.sort();
    (homes, Digest::of(&chart), expected)
}

fn twelve_in_one_process(registry: &str) {
    let to = |number| format!("{registry}/dst/mychart:{number}");
    let (homes, chart, expected) = twelve(registry, to, |_| 0);
    let references: Vec<_> = (0..12).map(to).collect();
    homes[0].command("helm-chart-push").args(["--concurrency", "12"]).args(&references).run().succeeds();
    assert_eq!(There::new(registry, "dst/mychart").found(&chart), expected);
}

fn twelve_processes(registry: &str) {
    let to = |_| format!("{registry}/dst/mychart:{TAG}");
    let (homes, chart, expected) = twelve(registry, to, |number| number);
    let push = |home: &Home| {
        let mut command = home.command("helm-chart-push").args([&to(0)]).prepared();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let pushes: Vec<_> = homes.iter().map(push).collect();
    for child in pushes {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(There::new(registry, "dst/mychart").found(&chart), expected);
}

#[test]
fn twelve_pushes_at_once_onto_one_subject_lose_nothing() {
    let home = Home::new();
    twelve_in_one_process(EmbeddedRegistry::start(&home, ["--no-referrers"]).address());
    let Some(docker) = DockerRegistry::start() else { return };
    twelve_in_one_process(docker.address());
}

#[test]
fn twelve_processes_at_once_onto_one_subject_lose_nothing() {
    let home = Home::new();
    twelve_processes(EmbeddedRegistry::start(&home, ["--no-referrers"]).address());
    let Some(docker) = DockerRegistry::start() else { return };
    twelve_processes(docker.address());
}
