//! What cosign and oras have attached arrives so that cosign verifies it and oras finds it, between all kinds of registries.

use crate::attached::carried::TAG;
use crate::attached::signed::SignedChart;
use crate::common::counter::Counter;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

/// Signs a chart in one registry, old and new, attests it, attaches an SBOM, signs that, too, and copies it to all the others.
/// In at most so many requests each, whatever the registries list.
fn arrives(from: &str, others: &[(&str, bool)], name: &str) {
    let Some(signed) = SignedChart::at(from) else { return };
    let home = Home::new();
    let left = Counter::start(from);
    for (to, lists) in others {
        let right = Counter::start(to);
        let (source, target) =
            (format!("{}/src/mychart:{TAG}", left.host()), format!("{}/{name}", right.host()));
        let copy = || home.command("helm-chart-copy").args([&source, &target]).run();
        let run = copy();
        assert!(run.succeeds().stdout.contains("(4 signatures, 1 attestation, 1 SBOM, "), "{run}");
        let (gets, puts) = (left.take().0, right.take().0);
        assert!(gets.len() <= 28, "{from}: {} {gets:#?}", gets.len());
        // Without lists, an index for each of two subjects is read, written and read back, and it is asked for a list once.
        let most = if *lists { 39 } else { 39 + 2 * 3 + 1 };
        assert!(puts.len() <= most, "{to}: {} {puts:#?}", puts.len());
        let run = copy();
        assert!(run.succeeds().stdout.contains(": up to date in "), "{run}");
        left.take();
        signed.is_at(to, name);
    }
}

/// All nine ways between a registry that lists referrers, one that does not, and docker's.
#[test]
fn what_cosign_and_oras_attach_is_found_where_the_copy_is() {
    let Some(docker) = DockerRegistry::start() else { return };
    let (home, other) = (Home::new(), Home::new());
    let with = EmbeddedRegistry::start(&home, []);
    let without = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    let all = [(with.address(), true), (without.address(), false), (docker.address(), false)];
    for (round, (from, _)) in all.into_iter().enumerate() {
        arrives(from, &all, &format!("dst{round}/mychart"));
    }
}
