//! A chart that cosign has signed and oras has attached something to, and whether all of that is where it was taken: old
//! signatures and new ones, keyed and without a transparency log, attestations, an SBOM, and the signatures of that.

use std::path::PathBuf;

use oci::digest::Digest;
use serde_json::Value;

use super::carried::{TAG, pushed, source};
use super::world::{SBOM, There};
use crate::common::{Home, Output, tool};

/// cosign and oras in a home with a key.
struct Signer {
    home: Home,
    cosign: PathBuf,
    oras: PathBuf,
}

impl Signer {
    fn new() -> Option<Self> {
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

    fn sign(&self, format: &str, reference: &str) {
        let args =
            ["--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "-y", reference];
        self.cosign("sign", format, &args).succeeds();
    }

    fn attest(&self, reference: &str) {
        let args = ["--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "-y"];
        let of = ["--type", "custom", "--predicate", "predicate.json", reference];
        self.cosign("attest", "old", &[&args[..], &of[..]].concat()).succeeds();
    }

    fn attach(&self, reference: &str) -> String {
        let args =
            ["attach", "--plain-http", "--format", "json", "--artifact-type", SBOM, reference, "sbom.json"];
        let attached = self.home.program(&self.oras).args(args).run();
        let document: Value = serde_json::from_str(&attached.succeeds().stdout).unwrap();
        document["digest"].as_str().unwrap().to_owned()
    }

    /// The digests of what oras finds, and of what it finds about that, in one list.
    fn discover(&self, reference: &str) -> Vec<String> {
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

    fn verify(&self, reference: &str) {
        let args = ["--key", "cosign.pub", "--insecure-ignore-tlog=true", reference];
        for format in ["old", "new"] {
            self.cosign("verify", format, &args).succeeds();
        }
    }

    fn verify_attestation(&self, reference: &str) {
        let args = ["--key", "cosign.pub", "--insecure-ignore-tlog=true", "--type", "custom", reference];
        self.cosign("verify-attestation", "old", &args).succeeds();
    }
}

/// A chart in `src/mychart` of a registry with six manifests that are attached to it, by all ways that there are.
pub struct SignedChart {
    signer: Signer,
    from: String,
    chart: Digest,
    sbom: String,
    /// What oras finds.
    found: Vec<String>,
}

impl SignedChart {
    /// Signs a chart in a registry. Nothing where cosign or oras are not at hand.
    pub fn at(from: &str) -> Option<Self> {
        let signer = Signer::new()?;
        let (_, chart) = pushed(&source(from));
        let chart = Digest::of(&chart);
        let signed = format!("{from}/src/mychart@{chart}");
        let sbom = signer.attach(&signed);
        let signed_sbom = format!("{from}/src/mychart@{sbom}");
        for format in ["old", "new"] {
            signer.sign(format, &signed);
            signer.sign(format, &signed_sbom);
        }
        signer.attest(&signed);
        let found = signer.discover(&signed);
        // The chart, its bundle and its SBOM, and that one's bundle.
        assert_eq!(found.len(), 4, "{found:?}");
        Some(Self { signer, from: from.to_owned(), chart, sbom, found })
    }

    /// All of it is in that repository: cosign verifies it, oras finds it, and the tags stand for the same bytes.
    #[track_caller]
    pub fn is_at(&self, to: &str, name: &str) {
        let Self { signer, from, chart, sbom, found } = self;
        let arrived = format!("{to}/{name}@{chart}");
        signer.verify(&arrived);
        signer.verify(&format!("{to}/{name}@{sbom}"));
        signer.verify_attestation(&arrived);
        for reference in [arrived, format!("{to}/{name}:{TAG}")] {
            assert_eq!(signer.discover(&reference), *found, "{from} to {to}");
        }
        for tag in [format!("{chart}.sig"), format!("{chart}.att"), format!("{sbom}.sig")] {
            let tag = tag.replace(':', "-");
            let there = source(from).get(&tag);
            assert!(there.is_some(), "{tag}");
            assert_eq!(There::new(to, name).get(&tag), there, "{from} to {to}: {tag}");
        }
    }
}
