//! Charts of every generation of Helm, byte for byte as it pushed them: they are pulled, listed, exported, and pushed on as what
//! Helm reads today.

use std::fs;

use crate::common::wire::{Artifact, Shelf, descriptor, get, manifest, name_again, snapshot, tgz};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, tool};
use oci::digest::Digest;
use oci::media_type;

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 0.1.0\ndescription: A <chart> & more\nappVersion: \"1.16.0\"\ntype: application\n";
/// The config of Helm 3.6 for this chart: Go escapes three characters.
const CONFIG: &str = r#"{"name":"mychart","version":"0.1.0","description":"A \u003cchart\u003e \u0026 more","apiVersion":"v2","appVersion":"1.16.0","type":"application"}"#;
/// The same without name and version: what the alphas have as their first layer.
const META: &str = r#"{"description":"A \u003cchart\u003e \u0026 more","apiVersion":"v2","appVersion":"1.16.0","type":"application"}"#;
const VALUES: &str = "# kept\nreplicas: 1\n";
const TEMPLATE: &str = "replicas: {{ .Values.replicas }}\n";
const CONFIG_OF_IMAGES: &str = "application/vnd.oci.image.config.v1+json";

/// The three lines of Chart.yaml that the alphas put into every chart.
const PLACEHOLDER: &str = "apiVersion: v1\nname: '-'\nversion: 0.1.0\n";

fn package() -> Vec<u8> {
    tgz(&[
        ("mychart/Chart.yaml", CHART_YAML),
        ("mychart/values.yaml", VALUES),
        ("mychart/templates/a.yaml", TEMPLATE),
    ])
}

fn alpha(config_type: &str, meta_type: &str, content_type: &str, name: &str) -> Artifact {
    let content =
        tgz(&[("-/Chart.yaml", PLACEHOLDER), ("-/values.yaml", VALUES), ("-/templates/a.yaml", TEMPLATE)]);
    let annotated = |descriptor: String, annotations: &str| {
        descriptor.replace('}', &format!(",\"annotations\":{{{annotations}}}}}"))
    };
    let layers = [
        annotated(
            descriptor(meta_type, META.as_bytes()),
            r#""org.opencontainers.image.title":"chart-meta.json""#,
        ),
        annotated(
            descriptor(content_type, &content),
            &format!(
                r#""org.opencontainers.image.title":"chart-content.tgz","sh.helm.chart.name":"{name}","sh.helm.chart.version":"0.1.0""#
            ),
        ),
    ];
    let manifest = manifest(&descriptor(config_type, b"{}"), &layers);
    Artifact::new(manifest, &[b"{}", &content, META.as_bytes()])
}

fn alpha_1(name: &str) -> Artifact {
    alpha(CONFIG_OF_IMAGES, media_type::META_ALPHA_1, media_type::CONTENT_ALPHA_1, name)
}

/// From beta.1 on: one layer.
fn whole(layer_type: &str) -> Artifact {
    let package = package();
    let layers = [descriptor(layer_type, &package)];
    let manifest = manifest(&descriptor(media_type::CONFIG, CONFIG.as_bytes()), &layers);
    Artifact::new(manifest, &[CONFIG.as_bytes(), &package])
}

/// 3.12 and later: with annotations.
fn annotated() -> Artifact {
    let whole = whole(media_type::CHART);
    let text = String::from_utf8(whole.manifest.clone()).unwrap();
    let annotations = r#","annotations":{"org.opencontainers.image.created":"2023-06-01T12:00:00Z","org.opencontainers.image.title":"mychart","org.opencontainers.image.version":"0.1.0"}}"#;
    let manifest = text.strip_suffix('}').unwrap().to_owned() + annotations;
    Artifact { manifest: manifest.into_bytes(), ..whole }
}

/// 3.8 and later, with a provenance file, whose digest happens to sort before that of the chart.
fn signed() -> Artifact {
    let package = package();
    let mut counter = 0;
    let provenance = loop {
        let text = format!("-----BEGIN PGP SIGNED MESSAGE-----\n{counter}\n");
        if Digest::of(text.as_bytes()) < Digest::of(&package) {
            break text;
        }
        counter += 1;
    };
    let layers =
        [descriptor(media_type::PROVENANCE, provenance.as_bytes()), descriptor(media_type::CHART, &package)];
    let manifest = manifest(&descriptor(media_type::CONFIG, CONFIG.as_bytes()), &layers);
    Artifact::new(manifest, &[CONFIG.as_bytes(), &package, provenance.as_bytes()])
}

/// Every generation, and whether its manifest is one that is pushed on as it is.
fn generations() -> Vec<(&'static str, Artifact, bool)> {
    let alpha_2 = alpha(media_type::CONFIG, media_type::META_ALPHA_2, media_type::CHART_BETA, "mychart");
    vec![
        ("alpha1", alpha_1("mychart"), false),
        ("alpha2", alpha_2, false),
        ("beta", whole(media_type::CHART_BETA), false),
        ("v3.0", whole(media_type::CHART_3_0), false),
        ("v3.7", whole(media_type::CHART), true),
        ("v3.12", annotated(), true),
        ("signed", signed(), true),
    ]
}

/// Each of them, directly and through an index of either kind.
fn all() -> Vec<(String, Artifact, bool)> {
    let mut all = Vec::new();
    for (name, artifact, keeps) in generations() {
        for (suffix, kind) in [("oci", media_type::INDEX), ("docker", media_type::DOCKER_MANIFEST_LIST)] {
            all.push((format!("{name}-{suffix}"), artifact.clone().in_index(kind), keeps));
        }
        all.push((name.to_owned(), artifact, keeps));
    }
    all
}

/// Puts each into the registry, pulls, exports, pushes on and lets Helm read the result.
fn travels(registry: &str) {
    let home = Home::new();
    let all = all();
    for (name, artifact, keeps) in &all {
        artifact.put(registry, "old/mychart", name);
        let reference = format!("{registry}/old/mychart:{name}");
        let pull = || home.command("helm-chart-pull").args([&reference]).run();
        let pulled = pull();
        let status = |text: &str| format!("\nStatus: {text} for {reference}\nDigest: ");
        assert!(pulled.succeeds().stdout.contains(&status("Downloaded newer chart")), "{name}: {pulled}");
        let again = pull();
        assert!(again.succeeds().stdout.contains(&status("Chart is up to date")), "{name}: {again}");
        let digest = |text: &str| text.lines().last().unwrap().to_owned();
        assert_eq!(digest(&pulled.stdout), digest(&again.stdout), "{name}");

        home.command("helm-chart-export").args(["-d", name, &reference]).run().succeeds();
        let exported = home.path().join(name).join("mychart");
        assert_eq!(fs::read_to_string(exported.join("values.yaml")).unwrap(), VALUES, "{name}");
        assert_eq!(fs::read_to_string(exported.join("templates/a.yaml")).unwrap(), TEMPLATE, "{name}");
        let chart_yaml = fs::read_to_string(exported.join("Chart.yaml")).unwrap();
        let fields = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap();
        assert_eq!(fields(&chart_yaml), fields(CHART_YAML), "{name}");

        let new = format!("{registry}/new/mychart:0.1.0-{name}");
        name_again(&home, &reference, &new);
        home.command("helm-chart-push").args([&new]).run().succeeds();
        let pushed = get(registry, &format!("new/mychart/manifests/0.1.0-{name}"));
        let original = artifact.child.as_ref().unwrap_or(&artifact.manifest);
        assert_eq!(&pushed == original, *keeps, "{name}: {}", String::from_utf8_lossy(&pushed));
        let written: serde_json::Value = serde_json::from_slice(&pushed).unwrap();
        assert_eq!(written["config"]["mediaType"], media_type::CONFIG, "{name}");
        assert_eq!(written["config"]["digest"], Digest::of(CONFIG.as_bytes()).to_string(), "{name}");
        let types: Vec<_> = written["layers"].as_array().unwrap().iter().map(|l| &l["mediaType"]).collect();
        assert!(types.contains(&&media_type::CHART.into()), "{name}: {types:?}");
        // Pushed under its own name, too, what an early generation had there is replaced, and stays known.
        home.command("helm-chart-push").args([&reference]).run().succeeds();
        let again = pull();
        assert!(again.succeeds().stdout.contains(&status("Chart is up to date")), "{name}: {again}");
        assert_eq!(get(registry, &format!("old/mychart/manifests/{name}")), pushed, "{name}");
    }
    let listed = home.command("helm-chart-list").run();
    assert_eq!(listed.succeeds().stdout.lines().count(), 1 + 2 * all.len(), "{listed}");
    let Some(helm) = tool("helm") else { return };
    for (name, _, _) in &all {
        let chart = format!("oci://{registry}/new/mychart");
        let version = format!("0.1.0-{name}");
        let show = home.program(&helm).args(["show", "values", &chart, "--version", &version]).run();
        assert!(show.succeeds().stdout.contains(VALUES), "{name}: {show}");
    }
}

#[test]
fn every_generation_travels_through_docker_registry() {
    if let Some(registry) = DockerRegistry::start() {
        travels(registry.address());
    }
}

#[test]
fn every_generation_travels_through_the_embedded_registry() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    travels(registry.address());
}

#[test]
fn a_manifest_that_says_what_it_is_is_pushed_as_that() {
    let (Some(registry), outside) = (DockerRegistry::start(), Home::new()) else { return };
    let embedded = EmbeddedRegistry::start(&outside, []);
    let home = Home::new();
    for (tag, kind) in [("docker", media_type::DOCKER_MANIFEST), ("oci", media_type::MANIFEST)] {
        let chart = whole(media_type::CHART);
        let text = String::from_utf8(chart.manifest.clone()).unwrap();
        let typed = text.replace("\"config\"", &format!("\"mediaType\":\"{kind}\",\"config\""));
        let content_type = kind.to_owned();
        let chart = Artifact { content_type, manifest: typed.into_bytes(), ..chart };
        let reference = format!("{}/a/mychart:{tag}", registry.address());
        chart.put(registry.address(), "a/mychart", tag);
        home.command("helm-chart-pull").args([&reference]).run().succeeds();
        let elsewhere = format!("{}/b/mychart:{tag}", embedded.address());
        name_again(&home, &reference, &elsewhere);
        let pushed = home.command("helm-chart-push").args(["-q", &elsewhere]).run();
        pushed.prints(&format!("{elsewhere}@{}\n", chart.digest()));
        home.command("helm-chart-pull").args(["-q", &elsewhere]).run().prints(&pushed.stdout);
    }
}

/// What it is pushed on as has another manifest, and is kept under that of the tag alone.
#[test]
fn what_was_pulled_by_its_digest_is_still_that_after_a_push() {
    let outside = Home::new();
    let registry = EmbeddedRegistry::start(&outside, []);
    for (name, artifact, _) in all() {
        let home = Home::new();
        artifact.put(registry.address(), "a/mychart", "1.0");
        let reference = format!("{}/a/mychart@{}", registry.address(), artifact.digest());
        home.command("helm-chart-pull").args([&reference]).run().succeeds();
        home.command("helm-chart-push").args([&reference]).run().succeeds().stderr_is("");
        home.command("helm-chart-fsck").run().succeeds();
        home.command("helm-chart-export").args([&reference]).run().succeeds();
        home.command("helm-chart-push").args([&reference]).run().succeeds();
        assert!(home.path().join("mychart/Chart.yaml").exists(), "{name}");
    }
}

#[test]
fn pulling_again_is_one_request_whatever_the_generation() {
    for (name, artifact, _) in all() {
        let shelf = Shelf::new(&artifact);
        let home = Home::new();
        let pull = || home.command("helm-chart-pull").args([shelf.reference()]).run();
        pull().succeeds();
        let before = shelf.mock.requests().len();
        let again = pull();
        assert!(again.succeeds().stdout.contains("\nStatus: Chart is up to date for "), "{name}: {again}");
        let requests = shelf.mock.lines().split_off(before);
        assert_eq!(requests, ["GET /v2/a/manifests/1.0"], "{name}");
        let known = format!("\"{}\"", artifact.digest());
        assert_eq!(shelf.mock.requests()[before].header("if-none-match"), Some(&*known), "{name}");
    }
}

#[test]
fn the_halves_of_an_alpha_are_the_halves_of_the_cache() {
    let shelf = Shelf::new(&alpha_1("mychart"));
    let home = Home::new();
    let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
    let meta = format!("\nMeta: {}\n", Digest::of(META.as_bytes()));
    assert!(pulled.succeeds().stdout.contains(&meta), "{pulled}");
}

#[test]
fn an_alpha_that_lies_about_its_name_is_refused() {
    let without = |key: &str| {
        let good = alpha_1("mychart");
        let text = String::from_utf8(good.manifest.clone()).unwrap().replace(key, "x");
        Artifact { manifest: text.into_bytes(), ..good }
    };
    for (artifact, said) in [
        (
            alpha_1("../../x"),
            "the chart in the registry is refused: cannot load Chart.yaml: the name `../../x` is invalid: it must be usable as the name of one directory",
        ),
        (alpha_1(""), "the chart in the registry is refused: "),
        (without("sh.helm.chart.name"), "the content layer has no annotation `sh.helm.chart.name`\n"),
        (without("sh.helm.chart.version"), "the content layer has no annotation `sh.helm.chart.version`\n"),
    ] {
        let shelf = Shelf::new(&artifact);
        let home = Home::new();
        let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
        let said = format!("Error: cannot pull {}: {said}", shelf.reference());
        assert!(pulled.fails(1).stderr.starts_with(&said), "{pulled}");
        pulled.stdout_is("");
        assert!(snapshot(&home.cache()).is_empty(), "{:#?}", snapshot(&home.cache()).keys());
    }
}
