//! What cosign and oras have attached arrives so that cosign verifies it and oras finds it, by pull, tag and push.

use super::carried::TAG;
use super::signed::SignedChart;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

/// Signs a chart in the registry at `from`, carries it to all the others, and looks what arrives.
fn arrives(from: &str, others: &[&str]) {
    let Some(signed) = SignedChart::at(from) else { return };
    let home = Home::new();
    let reference = format!("{from}/src/mychart:{TAG}");
    let pulled = home.command("helm-chart-pull").args(["--attached", &reference]).run();
    assert!(pulled.succeeds().stdout.contains("\nAttached: 6 manifests\n"), "{pulled}");
    for to in others {
        let elsewhere = format!("{to}/dst/mychart:{TAG}");
        home.command("helm-chart-tag").args([&reference, &elsewhere]).run().succeeds();
        home.command("helm-chart-push").args([&elsewhere]).run().succeeds();
        signed.is_at(to, "dst/mychart");
    }
}

#[test]
fn what_was_signed_where_the_registry_lists_it_verifies_everywhere() {
    let Some(docker) = DockerRegistry::start() else { return };
    let (home, other) = (Home::new(), Home::new());
    let with = EmbeddedRegistry::start(&home, []);
    let without = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    arrives(with.address(), &[with.address(), without.address(), docker.address()]);
}

#[test]
fn what_was_signed_where_clients_list_it_verifies_everywhere() {
    let Some(docker) = DockerRegistry::start() else { return };
    let (home, other) = (Home::new(), Home::new());
    let with = EmbeddedRegistry::start(&home, []);
    let without = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    arrives(without.address(), &[with.address(), without.address(), docker.address()]);
}

#[test]
fn what_was_signed_in_docker_registry_verifies_everywhere() {
    let Some(docker) = DockerRegistry::start() else { return };
    let (home, other) = (Home::new(), Home::new());
    let with = EmbeddedRegistry::start(&home, []);
    let without = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    arrives(docker.address(), &[with.address(), without.address(), docker.address()]);
}
