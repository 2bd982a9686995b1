//! Charts between Helm 3, Helm 4, skopeo, GNU tar and us: each reads what the others wrote, and no digest changes on the way.

use std::fs;
use std::path::PathBuf;

use crate::common::wire::{get, name_again};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, read_tgz, tool, write_chart};
use oci::digest::Digest;

const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "# a comment\napiVersion: v2\nname: mychart\nversion: 1.2.3+build\ndescription: A <chart>\nhome: https://example.com\n\
         sources: [https://example.com/src]\nmaintainers:\n- {name: Ann, email: ann@example.com}\n- name: Bob\n\
         annotations: {b: \"2\", a: \"1\"}\nkeywords: [x, z]\nappVersion: \"1.0\"\n",
    ),
    ("values.yaml", "# kept as it is\nreplicas: 1\n"),
    ("templates/a.yaml", "replicas: {{ .Values.replicas }}\n"),
    ("files/empty.txt", ""),
];
const TAG: &str = "1.2.3_build";

fn home() -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), CHART);
    home
}

/// Both Helms that are here.
fn helms() -> Vec<PathBuf> {
    ["helm", "helm4"].into_iter().filter_map(tool).collect()
}

/// The manifest, and every blob that it names.
fn content(registry: &str, repository: &str, tag: &str) -> Vec<Vec<u8>> {
    let manifest = get(registry, &format!("{repository}/manifests/{tag}"));
    let parsed: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let layers = parsed["layers"].as_array().unwrap();
    let digests = std::iter::once(&parsed["config"]).chain(layers).map(|d| d["digest"].as_str().unwrap());
    let blobs = digests.map(|digest| get(registry, &format!("{repository}/blobs/{digest}")));
    std::iter::once(manifest).chain(blobs.collect::<Vec<_>>()).collect()
}

fn push(home: &Home, reference: &str) -> String {
    let pushed = home.command("helm-chart-push").args(["-q", reference]).run();
    pushed.succeeds().stdout.trim_end().rsplit_once('@').unwrap().1.to_owned()
}

#[test]
fn what_helm_pushed_stays_what_it_is_in_every_registry() {
    let Some(registry) = DockerRegistry::start() else { return };
    let outside = Home::new();
    let embedded = EmbeddedRegistry::start(&outside, []);
    for helm in helms() {
        let home = home();
        let name = helm.file_name().unwrap().to_str().unwrap().to_owned();
        home.program(&helm).args(["package", "mychart"]).run().succeeds();
        let remote = format!("oci://{}/{name}", registry.address());
        home.program(&helm).args(["push", "mychart-1.2.3+build.tgz", &remote]).run().succeeds();
        let reference = format!("{}/{name}/mychart:{TAG}", registry.address());
        home.command("helm-chart-pull").args([&reference]).run().succeeds();
        let original = content(registry.address(), &format!("{name}/mychart"), TAG);
        assert_eq!(original[2], fs::read(home.path().join("mychart-1.2.3+build.tgz")).unwrap());
        for other in [registry.address(), embedded.address()] {
            let elsewhere = format!("{other}/else/{name}/where:1");
            name_again(&home, &reference, &elsewhere);
            assert_eq!(push(&home, &elsewhere), Digest::of(&original[0]).to_string(), "{name}");
            assert_eq!(content(other, &format!("else/{name}/where"), "1"), original, "{name}");
        }
    }
}

#[test]
fn a_package_and_its_provenance_file_travel_as_they_are() {
    let (Some(registry), Some(helm)) = (DockerRegistry::start(), tool("helm")) else { return };
    let home = home();
    home.program(&helm).args(["package", "mychart"]).run().succeeds();
    let provenance = "-----BEGIN PGP SIGNED MESSAGE-----\nname: mychart\n";
    home.write("mychart-1.2.3+build.tgz.prov", provenance);
    let package = fs::read(home.path().join("mychart-1.2.3+build.tgz")).unwrap();
    let reference = format!("{}/a/mychart:{TAG}", registry.address());
    home.command("helm-chart-save").args(["mychart-1.2.3+build.tgz", &reference]).run().succeeds();
    let digest = push(&home, &reference);
    let original = content(registry.address(), "a/mychart", TAG);
    assert!(original.contains(&package) && original.contains(&provenance.as_bytes().to_vec()));
    // What helm push makes of the same two files is the same but for annotations: Helm 3.10 has none.
    let remote = format!("oci://{}/b", registry.address());
    home.program(&helm).args(["push", "mychart-1.2.3+build.tgz", &remote]).run().succeeds();
    assert_eq!(original[1..], content(registry.address(), "b/mychart", TAG)[1..]);

    let chart = format!("oci://{}/a/mychart", registry.address());
    home.directory("got");
    home.program(&helm)
        .args(["pull", &chart, "--version", "1.2.3+build", "--prov", "-d", "got"])
        .run()
        .succeeds();
    assert_eq!(fs::read(home.path().join("got/mychart-1.2.3+build.tgz")).unwrap(), package);
    let got = fs::read_to_string(home.path().join("got/mychart-1.2.3+build.tgz.prov")).unwrap();
    assert_eq!(got, provenance);

    let other = Home::new();
    let pulled = other.command("helm-chart-pull").args(["-o", "json", &reference]).run();
    let document: serde_json::Value = serde_json::from_str(&pulled.succeeds().stdout).unwrap();
    assert_eq!(document[0]["prov"]["digest"], Digest::of(provenance.as_bytes()).to_string());
    let elsewhere = format!("{}/c/mychart:{TAG}", registry.address());
    name_again(&other, &reference, &elsewhere);
    assert_eq!(push(&other, &elsewhere), digest);
    assert_eq!(content(registry.address(), "c/mychart", TAG), original);
    let pushed = other.command("helm-chart-push").args([&elsewhere]).run();
    assert!(pushed.succeeds().stdout.contains("pushed to remote (3 layers, "), "{pushed}");
}

#[test]
fn both_helms_read_what_we_push() {
    let Some(registry) = DockerRegistry::start() else { return };
    let home = home();
    let reference = format!("{}/a/mychart", registry.address());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    push(&home, &format!("{reference}:{TAG}"));
    let ours = content(registry.address(), "a/mychart", TAG);
    let chart = format!("oci://{reference}");
    for helm in helms() {
        let name = helm.file_name().unwrap().to_str().unwrap().to_owned();
        let run = |args: &[&str]| home.program(&helm).args(args).args(["--version", "1.2.3+build"]).run();
        home.directory(&name);
        run(&["pull", &chart, "-d", &name]).succeeds();
        let package = home.path().join(&name).join("mychart-1.2.3+build.tgz");
        assert_eq!(fs::read(&package).unwrap(), ours[2], "{name}");
        for (path, text) in &CHART[1..] {
            assert_eq!(read_tgz(&package)[&format!("mychart/{path}")], text.as_bytes(), "{name}: {path}");
        }
        // Helm says first what it pulled and that a tag has no plus sign; the fields come sorted.
        let shown = run(&["show", "chart", &chart]).stdout;
        let shown = &shown[shown.find("annotations:").unwrap()..];
        let fields = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap();
        assert_eq!(fields(shown), fields(CHART[0].1), "{name}");
        let values = run(&["show", "values", &chart]);
        assert!(values.stdout.contains("# kept as it is\nreplicas: 1\n"), "{values}");
        let templated = run(&["template", &chart]);
        assert!(
            templated.stdout.contains("# Source: mychart/templates/a.yaml\nreplicas: 1\n"),
            "{templated}"
        );

        // The config and the annotations are those of their own pushes.
        home.program(&helm).args(["package", "mychart", "-d", &name]).run().succeeds();
        let remote = format!("oci://{}/{name}", registry.address());
        home.program(&helm).args(["push", package.to_str().unwrap(), &remote]).run().succeeds();
        let theirs = content(registry.address(), &format!("{name}/mychart"), TAG);
        assert_eq!(String::from_utf8_lossy(&theirs[1]), String::from_utf8_lossy(&ours[1]), "{name}");
        if name == "helm4" {
            let annotations = |manifest: &[u8]| {
                let mut manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
                let created = "org.opencontainers.image.created";
                manifest["annotations"].as_object_mut().unwrap().remove(created);
                manifest["annotations"].take()
            };
            assert_eq!(annotations(&theirs[0]), annotations(&ours[0]));
        }
    }
}

#[test]
fn skopeo_copies_what_we_push_and_no_digest_changes() {
    let (Some(skopeo), Some(registry)) = (tool("skopeo"), DockerRegistry::start()) else { return };
    let outside = Home::new();
    let embedded = EmbeddedRegistry::start(&outside, []);
    let home = home();
    home.write("policy.json", r#"{"default":[{"type":"insecureAcceptAnything"}]}"#);
    let reference = format!("{}/a/mychart:{TAG}", registry.address());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    let digest = push(&home, &reference);
    let copy = |from: &str, to: &str| {
        home.program(&skopeo)
            .args(["--policy", "policy.json", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"])
            .args([from, to])
            .run()
            .succeeds();
    };
    let there = format!("{}/copied/mychart:{TAG}", embedded.address());
    copy(&format!("docker://{reference}"), &format!("docker://{there}"));
    copy(&format!("docker://{reference}"), "oci:layout:1");
    copy("oci:layout:1", &format!("docker://{}/back/mychart:1", registry.address()));
    let pulled = Home::new();
    for copy in [there, format!("{}/back/mychart:1", registry.address())] {
        let run = pulled.command("helm-chart-pull").args(["-q", &copy]).run();
        run.prints(&format!("{copy}@{digest}\n"));
    }
    let manifest = get(registry.address(), &format!("a/mychart/manifests/{TAG}"));
    let blob = home.path().join("layout/blobs/sha256").join(&digest[7..]);
    assert_eq!(fs::read(blob).unwrap(), manifest);
}

#[test]
fn tar_and_gzip_read_what_we_push() {
    let outside = Home::new();
    let embedded = EmbeddedRegistry::start(&outside, []);
    let home = home();
    let reference = format!("{}/a/mychart:{TAG}", embedded.address());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    push(&home, &reference);
    home.write("layer.tgz", &content(embedded.address(), "a/mychart", TAG)[2]);
    home.program("/bin/gzip").args(["-t", "layer.tgz"]).run().prints("").stderr_is("");
    home.program("/bin/tar").args(["tzf", "layer.tgz"]).run().stderr_is("").prints(
        "mychart/Chart.yaml\nmychart/files/empty.txt\nmychart/templates/a.yaml\nmychart/values.yaml\n",
    );
}
