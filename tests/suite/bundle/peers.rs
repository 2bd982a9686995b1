//! Our bundles as other programs read them, and theirs as we do.

use std::fs;

use oci::digest::Digest;

use super::{bundle, listed, load};
use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::signed::SignedChart;
use crate::attached::world::There;
use crate::common::{EmbeddedRegistry, Home, tool, write_chart};

/// Two charts in a registry, and their manifests.
struct World {
    _home: Home,
    registry: EmbeddedRegistry,
    web: (String, Vec<u8>),
    api: (String, Vec<u8>),
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, []);
        let chart = |name: &str, version: &str| {
            let yaml = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
            write_chart(&home.path().join(name), &[("Chart.yaml", &yaml), ("values.yaml", "a: 1\n")]);
            let prefix = format!("oci://{}/team", registry.address());
            home.command("helm-chart-push").args([name, &prefix]).run().succeeds();
            let there = There::new(registry.address(), &format!("team/{name}"));
            (format!("{}/team/{name}:{version}", registry.address()), there.get(version).unwrap())
        };
        let (web, api) = (chart("web", "1.0.0"), chart("api", "1.0.0"));
        Self { _home: home, registry, web, api }
    }

    fn bundled(&self) -> Home {
        let home = Home::new();
        bundle(&home, [&*self.web.0, &self.api.0, "-o", "charts.tar"]).succeeds();
        home
    }
}

#[test]
fn oras_reads_our_bundle_by_full_references() {
    let Some(oras) = tool("oras") else { return };
    let world = World::new();
    let home = world.bundled();
    for (name, (reference, manifest)) in [("web", &world.web), ("api", &world.api)] {
        let to = format!("{}/oras/{name}:{TAG}", world.registry.address());
        let args = ["cp", "--from-oci-layout-path", "charts.tar", "--to-plain-http", reference, &to];
        home.program(&oras).args(args).run().succeeds();
        assert_eq!(
            There::new(world.registry.address(), &format!("oras/{name}")).get(TAG).as_ref(),
            Some(manifest)
        );
    }
}

#[test]
fn skopeo_reads_our_bundle_by_full_references() {
    let Some(skopeo) = tool("skopeo") else { return };
    let world = World::new();
    let home = world.bundled();
    for (name, (reference, manifest)) in [("web", &world.web), ("api", &world.api)] {
        let to = format!("docker://{}/skopeo/{name}:{TAG}", world.registry.address());
        let from = format!("oci-archive:charts.tar:{reference}");
        let args = ["--insecure-policy", "copy", "--dest-tls-verify=false", &from, &to];
        home.program(&skopeo).args(args).run().succeeds();
        let there = There::new(world.registry.address(), &format!("skopeo/{name}"));
        assert_eq!(there.get(TAG).as_ref(), Some(manifest));
    }
}

/// What is loaded is the chart of that manifest.
#[track_caller]
fn is_loaded(home: &Home, reference: &str, manifest: &[u8]) {
    let listed = listed(home);
    let expected = (reference.to_owned(), Digest::of(manifest).to_string());
    assert!(listed.contains(&expected), "{listed:?}");
    home.command("helm-chart-fsck").run().succeeds();
}

#[test]
fn what_skopeo_writes_is_read() {
    let Some(skopeo) = tool("skopeo") else { return };
    let world = World::new();
    let (reference, manifest) = &world.web;
    let from = format!("docker://{reference}");
    let home = Home::new();
    for (to, args) in [
        ("oci-archive:full.tar:localhost:1/x/web:7".to_owned(), &["full.tar"][..]),
        ("oci-archive:tag.tar:7".to_owned(), &["tag.tar", "--as", "localhost:1/x/web"]),
        ("oci-archive:none.tar".to_owned(), &["none.tar", "--as", "localhost:1/x/web:7"]),
        ("oci:directory:7".to_owned(), &["directory", "--as", "localhost:1/x/web"]),
    ] {
        let copy = ["--insecure-policy", "copy", "--src-tls-verify=false", &from, &to];
        home.program(&skopeo).args(copy).run().succeeds();
        let inside = Home::new();
        let path = home.path().join(args[0]);
        load(&inside, [path.to_str().unwrap()].iter().chain(&args[1..])).succeeds();
        is_loaded(&inside, "localhost:1/x/web:7", manifest);
    }
}

#[test]
fn what_crane_writes_is_read() {
    let Some(crane) = tool("crane") else { return };
    let world = World::new();
    let (reference, manifest) = &world.web;
    let home = Home::new();
    let pull = ["pull", "--insecure", "--format", "oci", reference, "layout"];
    home.program(&crane).args(pull).run().succeeds();
    home.program("/bin/tar").args(["-cf", "layout.tar", "-C", "layout", "."]).run().succeeds();
    for file in ["layout", "layout.tar"] {
        let inside = Home::new();
        let path = home.path().join(file);
        let path = path.to_str().unwrap();
        load(&inside, [path]).fails(2);
        load(&inside, [path, "--as", "localhost:1/x/web:7"]).succeeds();
        is_loaded(&inside, "localhost:1/x/web:7", manifest);
    }
}

#[test]
fn what_oras_backs_up_is_read_with_all_that_is_attached() {
    let Some(oras) = tool("oras") else { return };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let home = Home::new();
    // Without a tag it is all tags, and with them those of cosign.
    for output in ["backup.tar", "backup"] {
        let repository = format!("{}/src/mychart", registry.address());
        let args = ["backup", "--plain-http", "--include-referrers", "--output", output, &repository];
        home.program(&oras).args(args).run().succeeds();
        let (inside, other) = (Home::new(), Home::new());
        let path = home.path().join(output);
        let path = path.to_str().unwrap();
        load(&inside, [path]).fails(2);
        load(&inside, [path, "--as", "localhost:1/x/mychart"]).succeeds();
        is_loaded(&inside, &format!("localhost:1/x/mychart:{TAG}"), &chart);
        let to = EmbeddedRegistry::start(&other, ["--no-referrers"]);
        let prefix = format!("oci://{}/x/mychart", to.address());
        load(&inside, [path, "--to", &prefix]).succeeds();
        object.is_at(&There::new(to.address(), "x/mychart"), TAG);
        let on = format!("{}/y/mychart:{TAG}", to.address());
        let tagged = format!("localhost:1/x/mychart:{TAG}");
        inside.command("helm-chart-tag").args([&tagged, &on]).run().succeeds();
        inside.command("helm-chart-push").args([&on]).run().succeeds();
        object.is_at(&There::new(to.address(), "y/mychart"), TAG);
    }
}

#[test]
fn what_cosign_saves_is_read_with_its_signatures() {
    let Some(cosign) = tool("cosign") else { return };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let Some(_) = SignedChart::at(registry.address()) else { return };
    let there = source(registry.address());
    let digest = Digest::of(&there.get(TAG).unwrap());
    let signed = format!("{}/src/mychart@{digest}", registry.address());
    let home = Home::new();
    let args = ["save", "--allow-insecure-registry", "--allow-http-registry", "--dir", "saved", &signed];
    home.program(&cosign).args(args).run().succeeds();
    let path = home.path().join("saved");
    let path = path.to_str().unwrap();
    let index = fs::read_to_string(home.path().join("saved/index.json")).unwrap();
    let to = format!("{}/x/mychart:{TAG}", registry.address());
    let run = load(&home, [path, "--as", &to, "-q"]);
    run.succeeds().stdout_is(&format!("{to}@{digest}\n"));
    home.command("helm-chart-push").args([&to]).run().succeeds();
    let loaded = There::new(registry.address(), "x/mychart");
    for kind in ["sig", "att"] {
        let tag = format!("{digest}.{kind}").replace(':', "-");
        assert_eq!(loaded.get(&tag), there.get(&tag), "{index}");
        assert!(loaded.get(&tag).is_some(), "{index}");
    }
}
