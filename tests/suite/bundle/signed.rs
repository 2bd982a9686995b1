//! What is attached goes along, from registries and into them.

use std::fs;

use oci::digest::Digest;
use serde_json::Value;

use super::{bundle, load};
use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::signed::SignedChart;
use crate::attached::world::There;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

/// Signs a chart, old and new, attests it, attaches an SBOM that is signed as well, and bundles it: from the registry, and
/// from a cache that knows nothing of what is attached. Loads it into all the others, from a file and through a pipe.
fn arrives(from: &str, others: &[&str], name: &str) {
    let Some(signed) = SignedChart::at(from) else { return };
    let (home, cached, all) = (Home::new(), Home::new(), Home::new());
    let reference = format!("{from}/src/mychart:{TAG}");
    let run = bundle(&home, [&*reference, "-o", "charts.tar"]);
    assert!(run.succeeds().stdout.starts_with("charts.tar: 1 chart, 6 attached, "), "{run}");
    let file = fs::read(home.path().join("charts.tar")).unwrap();
    cached.command("helm-chart-pull").args([&reference]).run().succeeds();
    all.command("helm-chart-pull").args(["--attached", &reference]).run().succeeds();
    assert!(bundle(&cached, [&*reference, "-o", "-"]).succeeds().bytes == file);
    // What the cache knows it knows without a registry.
    assert!(bundle(&all, ["--offline", &reference, "-o", "-"]).succeeds().bytes == file);
    let run = bundle(&cached, ["--offline", &reference, "-o", "charts.tar"]);
    assert!(run.succeeds().stdout.contains(": 1 chart, signatures not looked for, "), "{run}");

    let path = home.path().join("charts.tar");
    for (number, to) in others.iter().enumerate() {
        let map = format!("{from}/src={to}/{name}{number}");
        let run = || match number % 2 {
            0 => load(&home, [path.as_os_str(), "--map".as_ref(), map.as_ref()]),
            _ => home.command("helm-chart-load").args(["-", "--map", &map]).stdin(file.clone()).run(),
        };
        let copied =
            format!("{TAG}: copied to {to}/{name}{number}/mychart (6 attached)\n1 copied, 0 up to date\n");
        run().prints(&copied);
        run().prints(&format!("{TAG}: up to date in {to}/{name}{number}/mychart\n0 copied, 1 up to date\n"));
        let name = format!("{name}{number}/mychart");
        signed.is_at(to, &name);
    }
    // Through a cache, and on from there.
    let inside = Home::new();
    load(&inside, [&path])
        .prints(&format!("{TAG}: loaded as {from}/src/mychart (6 attached)\n1 loaded, 0 up to date\n"));
    inside.command("helm-chart-fsck").run().succeeds();
    assert!(bundle(&inside, ["--offline", &reference, "-o", "-"]).succeeds().bytes == file);
    let elsewhere = format!("{}/{name}-on/mychart:{TAG}", others[0]);
    inside.command("helm-chart-tag").args([&reference, &elsewhere]).run().succeeds();
    inside.command("helm-chart-push").args([&elsewhere]).run().succeeds();
    signed.is_at(others[0], &format!("{name}-on/mychart"));
}

#[test]
fn what_cosign_and_oras_attach_is_found_where_it_is_loaded() {
    let Some(docker) = DockerRegistry::start() else { return };
    let (home, other) = (Home::new(), Home::new());
    let with = EmbeddedRegistry::start(&home, []);
    let without = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    let all = [with.address(), without.address(), docker.address()];
    for (round, from) in all.into_iter().enumerate() {
        arrives(from, &all, &format!("dst{round}-"));
    }
}

#[test]
fn signatures_that_came_later_are_added() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let (outside, inside) = (Home::new(), Home::new());
    let reference = format!("{}/src/mychart:{TAG}", there.address);
    bundle(&outside, [&*reference, "-o", "bare.tar"]).succeeds();
    load(&inside, [outside.path().join("bare.tar")]).succeeds();
    let object = attach_all(&there, &chart);
    bundle(&outside, [&*reference, "-o", "signed.tar"]).succeeds();
    // The chart's own blobs need not be brought again.
    let run = bundle(&outside, [&*reference, "--since", "bare.tar", "-o", "delta.tar", "--format", "json"]);
    let document: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    assert_eq!((&document["charts"][0]["attached"], &document["omitted"]), (&6.into(), &2.into()));
    let run = load(&inside, [outside.path().join("delta.tar")]);
    run.prints(&format!(
        "{TAG}: added to {}/src/mychart (6 attached)\n0 loaded, 1 added to, 0 up to date\n",
        there.address
    ));
    inside.command("helm-chart-fsck").run().succeeds();
    let full = fs::read(outside.path().join("signed.tar")).unwrap();
    assert!(bundle(&inside, ["--offline", &reference, "-o", "-"]).succeeds().bytes == full);
    // A bundle without them takes nothing away.
    load(&inside, [outside.path().join("bare.tar")]).succeeds();
    assert!(bundle(&inside, ["--offline", &reference, "-o", "-"]).succeeds().bytes == full);
    // Into a registry that has the chart alone.
    let other = Home::new();
    let to = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    let prefix = format!("oci://{}", to.address());
    for (file, status) in [("bare.tar", "copied"), ("delta.tar", "updated"), ("signed.tar", "current")] {
        let path = outside.path().join(file);
        let run = load(&outside, [path.to_str().unwrap(), "--to", &prefix, "-o", "jsonl"]);
        let row: Value = serde_json::from_str(run.succeeds().stdout.trim_end()).unwrap();
        assert_eq!(row["status"], status, "{file}: {run}");
    }
    object.is_at(&There::new(to.address(), "src/mychart"), TAG);
    // What stands for something else there stays.
    let there = There::new(to.address(), "src/mychart");
    there.put(TAG, oci::media_type::MANIFEST, &object.sbom);
    let path = outside.path().join("signed.tar");
    let run = load(&outside, [path.to_str().unwrap(), "--to", &prefix]);
    run.fails(5);
    assert_eq!(there.get(TAG), Some(object.sbom.clone()));
    load(&outside, [path.to_str().unwrap(), "--to", &prefix, "--force"]).succeeds();
    object.is_at(&there, TAG);
}

#[test]
fn nothing_attached_goes_along_where_that_is_wanted() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    attach_all(&there, &chart);
    let reference = format!("{}/src/mychart:{TAG}", there.address);
    let run = bundle(&home, ["--no-attached", &reference, "-o", "charts.tar"]);
    assert!(
        run.succeeds().stdout.starts_with("charts.tar: 1 chart, what is attached left behind, 3 blobs, "),
        "{run}"
    );
    // Of a digest alone, too.
    let digest = Digest::of(&chart);
    let by_digest = format!("{}/src/mychart@{digest}", there.address);
    bundle(&home, [&*by_digest, "-o", "charts.tar"]).succeeds();
    let inside = Home::new();
    load(&inside, [home.path().join("charts.tar")]).prints(&format!(
        "{digest}: loaded as {}/src/mychart (6 attached)\n1 loaded, 0 up to date\n",
        there.address
    ));
    bundle(&home, [&*format!("{}/src/mychart:none", there.address), "-o", "none.tar"]).fails(3);
    bundle(&home, [&*format!("{}/src/mychart", there.address), "-o", "none.tar"]).fails(2);
    assert!(!home.path().join("none.tar").exists());
}
