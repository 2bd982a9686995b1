//! What cosign and oras have attached arrives so that cosign verifies it and oras finds it: old signatures and new ones, keyed
//! and without a transparency log, attestations, an SBOM, and the signatures of that.

use std::path::PathBuf;

use oci::digest::Digest;
use serde_json::Value;

use super::carried::{TAG, pushed, source};
use super::world::{SBOM, There};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, tool};

/// cosign and oras in a home with a key.
pub struct Signer {
    home: Home,
    cosign: PathBuf,
    oras: PathBuf,
}

impl Signer {
    pub fn new() -> Option<Self> {
        let (cosign, oras) = (tool("cosign")?, tool("oras")?);
        let mut home = Home::new();
        home.set("COSIGN_PASSWORD", "secret");
        home.program(&cosign).args(["generate-key-pair"]).run().succeeds();
        home.write("predicate.json", "{\"reviewed\":true}");
        home.write("sbom.json", "{\"spdxVersion\":\"SPDX-2.3\"}");
        Some(Self { home, cosign, oras })
    }

    fn cosign(&self, verb: &str, format: &str, args: &[&str]) -> Output {
        let format = format!("--new-bundle-format={}", format == "new");
        self.home.program(&self.cosign).args([verb, &format, "--allow-http-registry"]).args(args).run()
    }

    pub fn sign(&self, format: &str, reference: &str) {
        let args =
            ["--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "-y", reference];
        self.cosign("sign", format, &args).succeeds();
    }

    pub fn attest(&self, reference: &str) {
        let args = ["--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "-y"];
        let of = ["--type", "custom", "--predicate", "predicate.json", reference];
        self.cosign("attest", "old", &[&args[..], &of[..]].concat()).succeeds();
    }

    pub fn attach(&self, reference: &str) -> String {
        let args =
            ["attach", "--plain-http", "--format", "json", "--artifact-type", SBOM, reference, "sbom.json"];
        let attached = self.home.program(&self.oras).args(args).run();
        let document: Value = serde_json::from_str(&attached.succeeds().stdout).unwrap();
        document["digest"].as_str().unwrap().to_owned()
    }

    /// The digests of what oras finds, and of what it finds about that, in one list.
    pub fn discover(&self, reference: &str) -> Vec<String> {
        let run = self
            .home
            .program(&self.oras)
            .args(["discover", "--plain-http", "--format", "json", reference])
            .run();
        let mut pending: Vec<Value> = vec![serde_json::from_str(&run.succeeds().stdout).unwrap()];
        let mut found = Vec::new();
        while let Some(one) = pending.pop() {
            found.push(one["digest"].as_str().unwrap().to_owned());
            pending.extend(one["referrers"].as_array().into_iter().flatten().cloned());
        }
        found.sort();
        found
    }

    pub fn verify(&self, reference: &str) {
        let args = ["--key", "cosign.pub", "--insecure-ignore-tlog=true", reference];
        for format in ["old", "new"] {
            self.cosign("verify", format, &args).succeeds();
        }
    }

    pub fn verify_attestation(&self, reference: &str) {
        let args = ["--key", "cosign.pub", "--insecure-ignore-tlog=true", "--type", "custom", reference];
        self.cosign("verify-attestation", "old", &args).succeeds();
    }
}

/// Signs a chart in the registry at `from`, carries it to all the others, and looks what arrives.
fn arrives(from: &str, others: &[&str]) {
    let Some(signer) = Signer::new() else { return };
    let there = source(from);
    let (_, chart) = pushed(&there);
    let chart = Digest::of(&chart);
    let at = |address: &str, name: &str, digest: &str| format!("{address}/{name}@{digest}");
    let signed = at(from, "src/mychart", &chart.to_string());
    let sbom = signer.attach(&signed);
    let signed_sbom = at(from, "src/mychart", &sbom);
    for format in ["old", "new"] {
        signer.sign(format, &signed);
        signer.sign(format, &signed_sbom);
    }
    signer.attest(&signed);
    let found = signer.discover(&signed);
    // The chart, its bundle and its SBOM, and that one's bundle.
    assert_eq!(found.len(), 4, "{found:?}");

    let home = Home::new();
    let reference = format!("{from}/src/mychart:{TAG}");
    let pulled = home.command("helm-chart-pull").args(["--attached", &reference]).run();
    assert!(pulled.succeeds().stdout.contains("\nAttached: 6 manifests\n"), "{pulled}");
    for to in others {
        let elsewhere = format!("{to}/dst/mychart:{TAG}");
        home.command("helm-chart-tag").args([&reference, &elsewhere]).run().succeeds();
        home.command("helm-chart-push").args([&elsewhere]).run().succeeds();
        let arrived = at(to, "dst/mychart", &chart.to_string());
        signer.verify(&arrived);
        signer.verify(&at(to, "dst/mychart", &sbom));
        signer.verify_attestation(&arrived);
        assert_eq!(signer.discover(&arrived), found, "{from} to {to}");
        assert_eq!(signer.discover(&elsewhere), found, "{from} to {to}");
        // All bytes, down to the tags.
        for tag in [format!("{chart}.sig"), format!("{chart}.att"), format!("{sbom}.sig")] {
            let tag = tag.replace(':', "-");
            let there = there.get(&tag);
            assert!(there.is_some(), "{tag}");
            assert_eq!(There::new(to, "dst/mychart").get(&tag), there, "{from} to {to}: {tag}");
        }
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
