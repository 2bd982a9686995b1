//! Registries whose lists and attached manifests are as large as they may be, and more than any chart has: all in 32 MiB.

use oci::digest::Digest;
use oci::media_type::{INDEX, MANIFEST};
use serde_json::{Value, json};

use super::world::descriptor;
use crate::common::mock::answer;
use crate::common::stopwatch::bounded;
use crate::common::wire::{Artifact, Shelf};
use crate::common::{Home, snapshot};

const LARGEST: usize = 4 << 20;

fn found(content_type: &str, bytes: &[u8]) -> Vec<u8> {
    answer(200, &[("Content-Type", content_type)], bytes, false)
}

fn about(subject: &[u8], layers: &[Value]) -> String {
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor("text/config", b"{}"),
        "layers": layers, "subject": descriptor(MANIFEST, subject) })
    .to_string()
}

fn list(members: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": members }).to_string().into_bytes()
}

#[test]
fn nothing_that_is_attached_fills_the_memory() {
    let chart = Artifact::chart("mychart", "1.0.0");
    let digest = chart.digest();
    let referrers = format!("/v2/a/referrers/{digest}");
    let tag = digest.to_string().replace(':', "-");
    let (home, shelf) = (Home::new(), Shelf::new(&chart));
    let pull = |name: &str, said: &str| {
        let pulled = bounded(&home, "helm-chart-pull", &["--attached", &shelf.reference()]);
        pulled.fails(1).stdout_is("");
        assert!(pulled.stderr.len() < 4096 && pulled.stderr.contains(said), "{name}: {pulled}");
        assert!(snapshot(&home.cache()).is_empty(), "{name}");
        shelf.replace(&chart);
    };
    // Manifests that are as large as they may be, in a list and under tags.
    let manifests: Vec<_> = (0..40)
        .map(|number| {
            let text = about(&chart.manifest, &[descriptor("text/plain", format!("{number}").as_bytes())]);
            format!("{text}{}", " ".repeat(LARGEST - text.len())).into_bytes()
        })
        .collect();
    for path in [referrers.clone(), format!("/v2/a/manifests/{tag}")] {
        let members: Vec<_> = manifests.iter().map(|manifest| descriptor(MANIFEST, manifest)).collect();
        shelf.set(&path, found(INDEX, &list(&members)));
        for manifest in &manifests {
            shelf.set(&format!("/v2/a/manifests/{}", Digest::of(manifest)), found(MANIFEST, manifest));
        }
        pull("large manifests", "more memory than a command may hold");
    }
    for suffix in ["sig", "att", "sbom"] {
        let layers = vec![descriptor("x", b"x"); 30_000];
        shelf
            .set(&format!("/v2/a/manifests/{tag}.{suffix}"), found(MANIFEST, about(b"", &layers).as_bytes()));
    }
    pull("many layers", "cannot");
    // Lists: of more than there may be, of one with a long story, and of pages without end.
    let many: Vec<_> = (0..5_000).map(|n: u32| descriptor("x", &n.to_le_bytes())).collect();
    shelf.set(&referrers, found(INDEX, &list(&many)));
    pull("a long list", "more than 1000");
    shelf.set(&format!("/v2/a/manifests/{tag}"), found(INDEX, &list(&many)));
    pull("a long index", "more than 1000");
    let mut story = descriptor(MANIFEST, b"x");
    story["annotations"] = json!({ "story": "x".repeat(LARGEST) });
    shelf.set(&referrers, found(INDEX, &list(&[story])));
    pull("a long story", "4194304");
    let next = format!("<{referrers}?x>; rel=\"next\"");
    let few: Vec<_> = (0..600).map(|n: u32| descriptor("x", &n.to_le_bytes())).collect();
    let page = answer(200, &[("Content-Type", INDEX), ("Link", &next)], &list(&few), false);
    shelf.set(&referrers, page.clone());
    shelf.set(&format!("{referrers}?x"), page);
    pull("pages", "more than 1000");
    // A blob that is larger than any that is taken is not begun.
    let large = json!({ "mediaType": "x", "digest": Digest::of(b"x"), "size": (1_u64 << 30) + 1 });
    let manifest = about(&chart.manifest, &[large]).into_bytes();
    shelf.set(&referrers, found(INDEX, &list(&[descriptor(MANIFEST, &manifest)])));
    shelf.set(&format!("/v2/a/manifests/{}", Digest::of(&manifest)), found(MANIFEST, &manifest));
    pull("a large blob", "the limit is 1024 MiB");
}
