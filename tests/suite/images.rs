//! `helm-chart-images`: every image with where it was found, and nine of ten that Helm renders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::attached::world::There;
use crate::common::mock::{Mock, on};
use crate::common::{EmbeddedRegistry, Home, Output, corpus, note, tool, write_chart};
use oci::digest::Digest;
use oci::media_type;
use oci::verbs::ImageName;

fn images(home: &Home, words: &[&str]) -> Output {
    home.command("helm-chart-images").args(words).run()
}

/// A chart that names images in every way.
fn home() -> Home {
    let home = Home::new();
    let lock = format!(
        "apiVersion: v0\nkind: ImagesLock\nimages:\n- name: db\n  image: docker.io/bitnami/db:9\n  chart: web\n  digests:\n  - \
         digest: {}\n    arch: linux/amd64\n",
        Digest::of(b"db")
    );
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 7.1\ndependencies:\n\
        - {name: cache, version: '1', repository: '', alias: redis}\nannotations:\n  artifacthub.io/images: |\n    \
        - name: web\n      image: quay.io/team/web:1.4.0\n      whitelisted: true\n      platforms: [linux/arm64]\n";
    let files = [
        ("Chart.yaml", chart),
        ("Images.lock", lock.as_str()),
        ("values.yaml", "image:\n  repository: team/web\n  tag: ''\nredis:\n  image: {tag: 6}\n"),
        (
            "templates/t.yaml",
            "kind: Pod\nimage: busybox:1.36\n---\nimage: \"{{ .Values.image.repository }}-x:v{{ .Chart.AppVersion }}\"\n",
        ),
        ("charts/cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.0.0\n"),
        ("charts/cache/values.yaml", "image: {repository: redis, tag: 5}\n"),
    ];
    write_chart(&home.path().join("web"), &files);
    home
}

#[test]
fn each_image_is_told_with_where_it_was_found() {
    let home = home();
    let expected = "\
IMAGE                   ORIGIN
bitnami/db:9            lock
busybox:1.36            literal:templates/t.yaml
quay.io/team/web:1.4.0  annotation (whitelisted)
redis:6                 values:redis.image
team/web-x:v7.1         literal:templates/t.yaml
team/web:7.1            values:image
";
    images(&home, &["web"]).stderr_is("").prints(expected);
    images(&home, &["web", "-q"]).prints(
        "bitnami/db:9\nbusybox:1.36\nquay.io/team/web:1.4.0\nredis:6\nteam/web-x:v7.1\nteam/web:7.1\n",
    );
    let rows: Vec<Value> = serde_json::from_slice(&images(&home, &["web", "-o", "json"]).bytes).unwrap();
    assert_eq!(rows[0]["digests"]["linux/amd64"], Digest::of(b"db").to_string());
    assert_eq!(
        (&rows[2]["name"], &rows[2]["platforms"][0]),
        (&Value::from("web"), &Value::from("linux/arm64"))
    );
    assert_eq!(rows[3]["charts"], serde_json::json!(["cache"]));
    // Somebody's values, and those for all charts of a release.
    home.write("mine.yaml", "image: {tag: mine}\nglobal: {imageRegistry: mirror.example}\n");
    let mine = images(&home, &["web", "-q", "--values", "mine.yaml"]).succeeds().stdout.clone();
    assert!(
        mine.contains("mirror.example/team/web:mine\n") && mine.contains("mirror.example/redis:6\n"),
        "{mine}"
    );
}

#[test]
fn nothing_found_is_3_and_what_is_no_list_is_told() {
    let home = Home::new();
    write_chart(
        &home.path().join("a"),
        &[("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\nannotations: {images: 'x: 1'}\n")],
    );
    images(&home, &["a"])
        .fails(3)
        .stderr_is("Warning: the annotation images is no list\nError: no image is named\n");
    images(&home, &["a", "-o", "json"]).fails(3).stdout_is("[]\n");
    images(&home, &["./absent"]).fails(3);
    images(&home, &[]).fails(2);
}

#[test]
fn helm_renders_where_it_is_asked() {
    let Some(helm) = tool("helm") else { return };
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    home.write("web/templates/helper.yaml", "image: {{ printf \"%s/%s\" \"team\" \"printed:3\" }}\n");
    let reference = format!("{}/charts/web:1.0.0", registry.address());
    home.command("helm-chart-push")
        .args(["-q", "web", &format!("oci://{}/charts", registry.address())])
        .run()
        .succeeds();
    let run = |words: &[&str]| home.command("helm-chart-images").env("HELM_BIN", &helm).args(words).run();
    for chart in ["web", &reference] {
        assert!(!run(&[chart]).stdout.contains("printed"));
        let rendered = run(&[chart, "--render"]);
        assert!(rendered.succeeds().stdout.contains("team/printed:3          rendered\n"), "{rendered}");
        assert!(
            rendered.stdout.contains("busybox:1.36            rendered, literal:templates/t.yaml\n"),
            "{rendered}"
        );
    }
    home.write("web/templates/broken.yaml", "{{ fail \"no\" }}");
    let broken = run(&["web", "--render"]);
    assert!(
        broken.fails(1).stderr.starts_with("Error: cannot list the images of web: helm template: "),
        "{broken}"
    );
    let absent =
        home.command("helm-chart-images").env("HELM_BIN", "/no/helm").args(["web", "--render"]).run();
    absent.fails(1);
}

/// The images in what Helm renders, and in what we read, of one chart.
fn both(home: &Home, helm: &Path, chart: &Path) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let rendered =
        home.program(helm).args(["template".as_ref(), "release".as_ref(), chart.as_os_str()]).run();
    if rendered.code != Some(0) {
        return None;
    }
    let image = |line: &str| {
        let text = line.trim_start().trim_start_matches("- ").trim_start().strip_prefix("image:")?;
        Some(ImageName::parse(text.trim().trim_matches(['"', '\'']))?.to_string())
    };
    let truth = rendered.stdout.lines().filter_map(image).collect();
    let ours = home.command("helm-chart-images").args(["-q".as_ref(), chart.as_os_str()]).run();
    Some((truth, ours.stdout.lines().map(str::to_owned).collect()))
}

/// A gate: nine of ten, over the charts that Helm renders at all. It was 268 of 269 when this was written.
#[test]
fn nine_of_ten_images_that_helm_renders_are_found_without_helm() {
    let (Some(charts), Some(helm)) = (corpus(), tool("helm")) else { return };
    let home = Home::new();
    let found: Vec<_> = std::thread::scope(|scope| {
        let halves = charts.chunks(charts.len().div_ceil(2)).map(<[PathBuf]>::to_vec);
        let (home, helm) = (&home, &helm);
        let started: Vec<_> = halves
            .map(|half| {
                scope.spawn(move || {
                    half.iter().filter_map(|chart| both(home, helm, chart)).collect::<Vec<_>>()
                })
            })
            .collect();
        started.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let wanted: usize = found.iter().map(|(truth, _)| truth.len()).sum();
    let hits: usize = found.iter().map(|(truth, ours)| truth.intersection(ours).count()).sum();
    note(&format!("{hits} of {wanted} images of {} charts are found without rendering", found.len()));
    assert!(wanted > 250 && hits * 100 >= wanted * 90, "{hits} of {wanted}");
}

#[test]
fn images_are_locked_by_what_registries_have() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = There::new(registry.address(), "team/web");
    let config = |arch: &str| format!("{{\"os\":\"linux\",\"architecture\":\"{arch}\"}}");
    let image = |arch: &str| {
        let config = config(arch);
        there.put_blob(config.as_bytes());
        let kind = "application/vnd.oci.image.config.v1+json";
        let config = json!({ "mediaType": kind, "digest": Digest::of(config.as_bytes()).to_string(), "size": config.len() });
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [] });
        manifest.to_string().into_bytes()
    };
    let (amd, arm, attestation) = (image("amd64"), image("arm64"), image("unknown"));
    for manifest in [&amd, &arm, &attestation] {
        there.put(&Digest::of(manifest).to_string(), media_type::MANIFEST, manifest);
    }
    let member = |manifest: &[u8], platform: Value, note: Value| {
        json!({ "mediaType": media_type::MANIFEST, "digest": Digest::of(manifest).to_string(), "size": manifest.len(),
            "platform": platform, "annotations": note })
    };
    let platform = |arch: &str| json!({ "os": "linux", "architecture": arch });
    let members = [
        member(&amd, platform("amd64"), json!({})),
        member(&arm, platform("arm64"), json!({})),
        member(
            &attestation,
            platform("unknown"),
            json!({ "vnd.docker.reference.type": "attestation-manifest" }),
        ),
    ];
    let index =
        json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": members }).to_string();
    there.put("1", media_type::INDEX, index.as_bytes());
    there.put("2", media_type::MANIFEST, &arm);
    let address = registry.address();
    let values = format!("image: {address}/team/web:1\nsidecar:\n  image: {address}/team/web:2\n");
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: '7'\n";
    write_chart(&home.path().join("web"), &[("Chart.yaml", chart), ("values.yaml", &values)]);
    let locked = images(&home, &["web", "--lock", "-"]);
    let (amd, arm) = (Digest::of(&amd), Digest::of(&arm));
    let one = |tag: u8, digests: &str| {
        format!("- name: web\n  chart: web\n  digests:\n{digests}  image: \"{address}/team/web:{tag}\"\n")
    };
    let digest = |arch: &str, digest: &Digest| format!("  - arch: linux/{arch}\n    digest: {digest}\n");
    let both = digest("amd64", &amd) + &digest("arm64", &arm);
    locked.prints(&format!(
        "apiVersion: v0\nchart:\n  appVersion: \"7\"\n  name: web\n  version: 1.0.0\nimages:\n{}{}kind: ImagesLock\nmetadata:\n  \
         generatedBy: helm-oci\n",
        one(1, &both),
        one(2, &digest("arm64", &arm))
    ));
    // In the chart it is the first of what is read.
    let names = images(&home, &["web", "-q", "--lock", "web/Images.lock"]);
    names.prints(&format!("{address}/team/web:1\n{address}/team/web:2\n"));
    assert_eq!(std::fs::read_to_string(home.path().join("web/Images.lock")).unwrap(), locked.stdout);
    assert!(images(&home, &["web"]).stdout.contains("/team/web:1  lock, values:image\n"));
    // What is nowhere is no lock at all.
    let values = format!("image: {address}/team/web:1\nother: {{ image: '{address}/team/web:9' }}\n");
    home.write("web/values.yaml", values);
    let failed = images(&home, &["web", "--lock", "other.lock"]);
    failed.fails(3).stdout_is("");
    assert!(failed.stderr.contains(&format!("cannot lock {address}/team/web:9")), "{failed}");
    assert!(!home.path().join("other.lock").exists());
    images(&home, &["web", "web", "--lock", "-"]).fails(2);
    images(&home, &["web", "--offline", "--lock", "-"]).fails(2);
}

/// Who has made a chart names registries, and must not get by that what is meant for another one.
#[test]
fn registries_that_a_chart_names_see_no_credential_of_another() {
    let mock =
        Mock::serve(|asked| on(&asked.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], b"{}"));
    let mut home = Home::new();
    home.set("HELM_OCI_USERNAME", "me");
    home.set("HELM_OCI_PASSWORD", "secret");
    let values = format!("image: {}/team/web:1\n", mock.host());
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    write_chart(&home.path().join("web"), &[("Chart.yaml", chart), ("values.yaml", &values)]);
    for more in [&[][..], &["-u", "me", "-p", "secret"]] {
        images(&home, &[&["web", "--lock", "-"], more].concat()).fails(4).stdout_is("");
    }
    assert!(!mock.requests().is_empty());
    assert!(mock.requests().iter().all(|asked| asked.header("authorization").is_none()));
}
