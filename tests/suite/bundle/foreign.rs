//! Charts as Helm 3.0 to 3.6 and dt kept them.

use std::fs;

use oci::digest::Digest;
use serde_json::Value;

use super::{listed, load, saved};
use crate::attached::world::There;
use crate::common::archives::{entry, file, gzip};
use crate::common::{EmbeddedRegistry, Home, tool, write_chart};

#[test]
fn the_cache_of_helm_3_is_a_layout_of_which_every_manifest_stays_as_it_is() {
    let Some(helm) = tool("helm36") else { return };
    let mut home = Home::new();
    home.set("HELM_EXPERIMENTAL_OCI", "1");
    for (name, version) in [("web", "1.0.0+b1"), ("api", "2.0.0")] {
        let yaml = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        write_chart(&home.path().join(name), &[("Chart.yaml", &yaml), ("values.yaml", "a: 1\n")]);
        let reference = format!("localhost:1/team/{name}:{version}");
        home.program(&helm).args(["chart", "save", name, &reference]).run().succeeds();
    }
    let cache = home.path().join(".cache/helm/registry/cache");
    let index: Value = serde_json::from_slice(&fs::read(cache.join("index.json")).unwrap()).unwrap();
    let digest = |name: &str| {
        let entries = index["manifests"].as_array().unwrap().iter();
        let is_it = |entry: &&Value| {
            entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap().contains(name)
        };
        entries.clone().find(is_it).unwrap()["digest"].as_str().unwrap().to_owned()
    };
    let inside = Home::new();
    let path = cache.to_str().unwrap();
    load(&inside, [path]).prints(
        "1.0.0_b1: loaded as localhost:1/team/web\n2.0.0: loaded as localhost:1/team/api\n2 loaded, 0 up to date\n",
    );
    let again = load(&inside, [path]);
    assert!(again.succeeds().stdout.ends_with("0 loaded, 2 up to date\n"), "{again}");
    inside.command("helm-chart-fsck").run().succeeds();
    let expected = [("web:1.0.0_b1", "web"), ("api:2.0.0", "api")]
        .map(|(name, of)| format!("localhost:1/team/{name}@{}\n", digest(of)));
    load(&inside, [path, "-q"]).prints(&expected.concat());
    // Byte for byte in a registry as well.
    let registry = EmbeddedRegistry::start(&home, []);
    load(&home, [path, "--to", &format!("oci://{}/x", registry.address())]).succeeds();
    for (name, tag) in [("web", "1.0.0_b1"), ("api", "2.0.0")] {
        let there = There::new(registry.address(), &format!("x/team/{name}"));
        let manifest = there.get(tag).unwrap();
        assert_eq!(Digest::of(&manifest).to_string(), digest(name));
        there.is_whole(&manifest);
    }
}

/// What `dt wrap` writes: the chart as a directory, and layouts of its images.
fn wrapped() -> Vec<u8> {
    let marker = br#"{"imageLayoutVersion":"1.0.0"}"#;
    let mut entries = vec![entry(b'5', "web-1.0.0/", b""), entry(b'5', "web-1.0.0/artifacts/", b"")];
    entries.push(file("web-1.0.0/artifacts/images/web/web.sig", b"x"));
    for (path, content) in [
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("Images.lock", "apiVersion: v0\nkind: ImagesLock\n"),
        ("templates/a.yaml", "kind: A\n"),
        ("values.yaml", "a: 1\n"),
    ] {
        entries.push(file(&format!("web-1.0.0/chart/{path}"), content.as_bytes()));
    }
    entries.push(file("web-1.0.0/images/0123.layout/oci-layout", marker));
    entries.push(file("web-1.0.0/images/0123.layout/index.json", br#"{"schemaVersion":2,"manifests":[]}"#));
    let mut bytes = entries.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

#[test]
fn the_chart_of_what_dt_wraps_is_loaded() {
    let tar = wrapped();
    let home = Home::new();
    home.write("web-1.0.0.wrap.tgz", gzip(&tar));
    let path = home.path().join("web-1.0.0.wrap.tgz");
    let path = path.to_str().unwrap();
    // It is the chart that its directory is.
    let same = Home::new();
    for file in ["Chart.yaml", "Images.lock", "templates/a.yaml", "values.yaml"] {
        let mut archive = tar::Archive::new(&tar[..]);
        let content = archive.entries().unwrap().find_map(|entry| {
            let mut entry = entry.unwrap();
            let is_it = entry.path().unwrap().ends_with(format!("chart/{file}"));
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            is_it.then_some(content)
        });
        same.write(format!("web/{file}"), content.unwrap());
    }
    let run = same.command("helm-chart-save").args(["-q", "web", "localhost:1/team/web"]).run();
    let saved_as = run.succeeds().stdout.clone();
    let (_, digest) = saved_as.trim_end().split_once('@').unwrap();
    let run = load(&home, [path]);
    run.fails(2).stdout_is("");
    assert!(run.stderr.contains("a chart that dt has wrapped has no reference"), "{run}");
    for is_pipe in [false, true] {
        let inside = Home::new();
        let run = || match is_pipe {
            true => {
                let args = ["-", "--as", "localhost:1/team/web"];
                inside.command("helm-chart-load").args(args).stdin(&*tar).run()
            }
            false => load(&inside, [path, "--as", "localhost:1/team/web"]),
        };
        run().prints("1.0.0: loaded as localhost:1/team/web\n1 loaded, 0 up to date\n");
        run().prints("1.0.0: up to date in localhost:1/team/web\n0 loaded, 1 up to date\n");
        assert_eq!(listed(&inside), [("localhost:1/team/web:1.0.0".to_owned(), digest.to_owned())]);
        inside.command("helm-chart-fsck").run().succeeds();
    }
    // What stands for another chart stays.
    let other = Home::new();
    saved(&other, "web", "1.0.0", "b: 2\n");
    let before = listed(&other);
    load(&other, [path, "--as", "localhost:1/team/web"]).fails(5);
    assert_eq!(listed(&other), before);
    // Below a prefix it is called as it calls itself.
    let registry = EmbeddedRegistry::start(&home, []);
    let run = load(&home, [path, "--to", &format!("oci://{}/x", registry.address()), "-q"]);
    run.prints(&format!("{}/x/web:1.0.0@{digest}\n", registry.address()));
    // A directory in it that is no chart is refused as one.
    let broken = [file("web/chart/Chart.yaml", b"name: [\n"), vec![0; 1024]].concat();
    home.write("broken.tar", broken);
    load(&home, ["broken.tar", "--as", "localhost:1/team/web"]).fails(1).stdout_is("");
    let twice = file("web/chart/Chart.yaml", b"name: a\n");
    home.write("twice.tar", [twice.clone(), twice, vec![0; 1024]].concat());
    let run = load(&home, ["twice.tar", "--as", "localhost:1/team/web"]);
    run.fails(7);
    assert!(run.stderr.contains("`chart/Chart.yaml` is in it twice"), "{run}");
}
