//! What registries and other tools are known to do with attached manifests, from one end to the other.

use oci::digest::Digest;
use oci::media_type::MANIFEST;
use serde_json::Value;

use super::carried::{TAG, attach_all, pushed, source};
use super::world::{EMPTY_TYPE, SBOM, There, descriptor};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

fn tag_of(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

/// Pulls the chart with so many manifests, and pushes it elsewhere in the same registry.
fn carry(address: &str, count: usize) -> There {
    let home = Home::new();
    let (from, to) = (format!("{address}/src/mychart:{TAG}"), format!("{address}/dst/mychart:{TAG}"));
    let pulled = home.command("helm-chart-pull").args(["--attached", &from]).run();
    let line = format!("\nAttached: {count} manifest{}\n", if count == 1 { "" } else { "s" });
    assert!(pulled.succeeds().stdout.contains(&line), "{pulled}");
    home.command("helm-chart-tag").args([&from, &to]).run().succeeds();
    home.command("helm-chart-push").args([&to]).run().succeeds();
    home.command("helm-chart-fsck").run().succeeds().stderr_is("");
    There::new(address, "dst/mychart")
}

#[test]
fn of_an_index_only_those_count_that_are_about_the_chart_and_types_are_read_from_them() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--no-referrers"]);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let own = there.attach(&chart, SBOM, "own");
    let foreign = there.attach(b"another manifest", SBOM, "foreign");
    let gone = there.attach(&chart, SBOM, "gone");
    // As cosign 3.1 writes it: with the type of the config.
    let mut wrong = descriptor(MANIFEST, &own);
    wrong["artifactType"] = EMPTY_TYPE.into();
    there.index(
        &Digest::of(&chart),
        &[descriptor(MANIFEST, &foreign), wrong, descriptor(MANIFEST, &chart), descriptor(MANIFEST, &gone)],
    );
    there.delete(&Digest::of(&gone).to_string());
    let arrived = carry(registry.address(), 1);
    let index = arrived.get(&tag_of(&Digest::of(&chart))).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let members = index["manifests"].as_array().unwrap();
    assert_eq!(members.len(), 1, "{index}");
    assert_eq!(members[0]["digest"], Digest::of(&own).to_string());
    assert_eq!(members[0]["artifactType"], SBOM);
}

#[test]
fn a_tag_that_is_the_chart_itself_is_no_index_and_gives_way_to_one() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--no-referrers"]);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let tag = tag_of(&Digest::of(&chart));
    // cosign copy leaves such a tag behind, and GitLab answers so to all of them.
    there.put(&tag, MANIFEST, &chart);
    let arrived = carry(registry.address(), 0);
    assert_eq!(arrived.get(&tag), None);
    let sbom = there.attach(&chart, SBOM, "sbom");
    there.index(&Digest::of(&chart), &[descriptor(MANIFEST, &sbom)]);
    arrived.put(&tag, MANIFEST, &chart);
    carry(registry.address(), 1);
    assert_eq!(arrived.found(&Digest::of(&chart)), [Digest::of(&sbom).to_string()]);
}

/// Registries refuse an index that names what is not there.
fn an_index_with_a_deleted_member_is_added_to(address: &str) {
    let there = source(address);
    let (_, chart) = pushed(&there);
    let sbom = there.attach(&chart, SBOM, "sbom");
    there.index(&Digest::of(&chart), &[descriptor(MANIFEST, &sbom)]);
    let arrived = There::new(address, "dst/mychart");
    let (kept, gone) = (arrived.attach(&chart, SBOM, "kept"), arrived.attach(&chart, SBOM, "gone"));
    arrived.index(&Digest::of(&chart), &[descriptor(MANIFEST, &gone), descriptor(MANIFEST, &kept)]);
    arrived.delete(&Digest::of(&gone).to_string());
    carry(address, 1);
    let mut expected = [&kept, &sbom].map(|manifest| Digest::of(manifest).to_string());
    expected.sort();
    assert_eq!(arrived.found(&Digest::of(&chart)), expected, "{address}");
}

#[test]
fn what_was_deleted_does_not_stand_in_the_way() {
    let home = Home::new();
    an_index_with_a_deleted_member_is_added_to(EmbeddedRegistry::start(&home, ["--no-referrers"]).address());
    let Some(docker) = DockerRegistry::start() else { return };
    an_index_with_a_deleted_member_is_added_to(docker.address());
}

#[test]
fn a_push_of_what_is_there_writes_nothing() {
    // Immutable tags refuse even the same digest again.
    let Some(docker) = DockerRegistry::start() else { return };
    let there = source(docker.address());
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    carry(docker.address(), 6);
    let before = docker.requests().len();
    let arrived = carry(docker.address(), 6);
    let requests = docker.requests().split_off(before);
    let writes = |line: &&String| !line.starts_with("GET ") && !line.starts_with("HEAD ");
    assert_eq!(requests.iter().filter(writes).count(), 0, "{requests:#?}");
    object.is_at(&arrived, TAG);
}

#[test]
fn what_a_killed_push_has_left_is_completed() {
    let Some(docker) = DockerRegistry::start() else { return };
    let there = source(docker.address());
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let arrived = carry(docker.address(), 6);
    // All manifests are there, and the chart's tag; of the lists one is gone, and one has lost a member.
    let [of_chart, of_sbom] = [&object.chart, &object.sbom].map(|manifest| Digest::of(manifest));
    arrived.index(&of_sbom, &[]);
    let kept = arrived.get(&object.about[0].1.to_string()).unwrap();
    arrived.index(&of_chart, &[descriptor(MANIFEST, &kept)]);
    carry(docker.address(), 6);
    object.is_at(&arrived, TAG);
}

#[test]
fn a_registry_whose_answers_are_refusals_is_not_taken_for_one_without_signatures() {
    use crate::common::mock::answer;
    use crate::common::wire::{Artifact, Shelf};
    let chart = Artifact::chart("mychart", "1.0.0");
    let shelf = Shelf::new(&chart);
    let home = Home::new();
    let paths = [
        format!("/v2/a/referrers/{}", chart.digest()),
        format!("/v2/a/manifests/{}", tag_of(&chart.digest())),
        format!("/v2/a/manifests/{}.sig", tag_of(&chart.digest())),
    ];
    for path in paths {
        for (status, code) in [(403, 4), (500, 6)] {
            shelf.replace(&chart);
            shelf.set(&path, answer(status, &[], b"", false));
            let pulled = home.command("helm-chart-pull").args(["--attached", &shelf.reference()]).run();
            assert_eq!(pulled.code, Some(code), "{path}: {status}: {pulled}");
        }
    }
    // It is not in the cache without its signatures.
    home.command("helm-chart-list").args(["-q"]).run().prints("");
    shelf.replace(&chart);
    home.command("helm-chart-pull").args(["--attached", &shelf.reference()]).run().succeeds();
}
