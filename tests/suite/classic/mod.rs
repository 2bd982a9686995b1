//! `helm-chart-index`: a registry as a classic chart repository, which Helm reads.

use std::fs;
use std::path::PathBuf;

use oci::digest::Digest;
use serde_json::{Value, json};

use crate::attached::world::There;
use crate::common::mock::{Mock, on};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, files, tool, write_chart};

fn index(home: &Home, args: &[&str]) -> Output {
    home.command("helm-chart-index").args(args).run()
}

/// Pushes a chart of this name and version to `team/<name>`, or below another prefix.
fn push(home: &Home, address: &str, prefix: &str, name: &str, version: &str) {
    let chart = format!(
        "apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: a{version}\ndescription: The {name}\n\
         annotations:\n  org.opencontainers.image.created: 2026-01-02T03:04:05Z\n"
    );
    let directory = home.path().join(format!("charts/{name}"));
    write_chart(&directory, &[("Chart.yaml", &chart), ("values.yaml", "a: 1\n")]);
    let to = format!("oci://{address}/{prefix}");
    home.command("helm-chart-push").args(["-q", directory.to_str().unwrap(), &to]).run().succeeds();
}

fn filled(home: &Home, address: &str) {
    for (name, version) in [("web", "1.0.0"), ("web", "1.10.0+b1"), ("web", "2.0.0-rc.1"), ("api", "3.0.0")] {
        push(home, address, "team", name, version);
    }
}

/// Serves a directory, as any web server does.
fn web(directory: PathBuf) -> Mock {
    Mock::serve(move |asked| {
        let path = asked.line.split(' ').nth(1).unwrap().trim_start_matches('/').replace("%2B", "+");
        match fs::read(directory.join(path)) {
            Ok(content) => on(&asked.line).answer(200, &[], &content),
            Err(_) => on(&asked.line).answer(404, &[], b""),
        }
    })
}

#[test]
fn a_registry_is_a_repository_that_helm_reads() {
    let home = Home::new();
    let embedded = EmbeddedRegistry::start(&home, []);
    let docker = DockerRegistry::start();
    let docker = docker.as_ref().map(|docker| docker.address().to_owned());
    let mut indexes = Vec::new();
    for address in [Some(embedded.address().to_owned()), docker].into_iter().flatten() {
        let home = Home::new();
        filled(&home, &address);
        let place = format!("oci://{address}/team");
        index(&home, &[&place, "--dir", "public"]).stderr_is("").prints(
            "api-3.0.0.tgz: written\nweb-2.0.0-rc.1.tgz: written\nweb-1.10.0+b1.tgz: written\nweb-1.0.0.tgz: written\n\
             public/index.yaml: written, 4 versions, 4 written, 0 up to date\n",
        );
        // The packages are the layers.
        let public = home.path().join("public");
        let there = There::new(&address, "team/web");
        for (tag, file) in [("1.0.0", "web-1.0.0.tgz"), ("1.10.0_b1", "web-1.10.0+b1.tgz")] {
            let manifest: Value = serde_json::from_slice(&there.get(tag).unwrap()).unwrap();
            let package = fs::read(public.join(file)).unwrap();
            assert_eq!(manifest["layers"][0]["digest"], Digest::of(&package).to_string());
        }
        let before = files(&public);
        index(&home, &[&place, "--dir", "public"])
            .prints("public/index.yaml: up to date, 4 versions, 0 written, 4 up to date\n");
        assert_eq!(files(&public), before);
        // What is damaged or missing is fetched, and nothing else.
        fs::write(public.join("web-1.0.0.tgz"), "x").unwrap();
        fs::remove_file(public.join("index.yaml")).unwrap();
        let run = index(&home, &[&place, "--dir", "public", "-o", "json"]);
        let document: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
        let written: Vec<_> =
            document["charts"].as_array().unwrap().iter().filter(|row| row["status"] == "written").collect();
        assert_eq!(
            (written.len(), &written[0]["url"], &document["changed"]),
            (1, &json!("web-1.0.0.tgz"), &json!(true))
        );
        assert_eq!(files(&public), before);
        indexes.push(before["index.yaml"].clone());
        for helm in ["helm", "helm36"].into_iter().filter_map(tool) {
            let user = Home::new();
            let mock = web(public.clone());
            let helm = |args: &[&str]| user.program(&helm).args(args).run();
            helm(&["repo", "add", "classic", &format!("http://{}", mock.host())]).succeeds();
            let found = helm(&["search", "repo", "classic/web", "-l", "--devel", "-o", "json"]);
            let rows: Vec<Value> = serde_json::from_str(&found.succeeds().stdout).unwrap();
            let versions: Vec<_> = rows.iter().map(|row| row["version"].as_str().unwrap()).collect();
            assert_eq!(versions, ["2.0.0-rc.1", "1.10.0+b1", "1.0.0"]);
            assert_eq!(rows[2]["app_version"], "a1.0.0");
            helm(&["pull", "classic/web", "--version", "1.10.0+b1"]).succeeds();
            let pulled = fs::read(user.path().join("web-1.10.0+b1.tgz")).unwrap();
            assert!(pulled == before["web-1.10.0+b1.tgz"]);
        }
    }
    // One index, whatever the registry.
    indexes.dedup();
    assert_eq!(indexes.len(), 1);
}

#[test]
fn references_alone_and_some_versions() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    filled(&home, registry.address());
    let place = format!("{}/team", registry.address());
    index(&home, &[&place, "--dir", "names", "--urls", "oci", "--latest", "1"])
        .prints("names/index.yaml: written, 2 versions, none written\n");
    assert_eq!(files(&home.path().join("names")).len(), 1);
    let text = fs::read_to_string(home.path().join("names/index.yaml")).unwrap();
    assert!(text.contains(&format!("    - oci://{place}/web:2.0.0-rc.1\n")), "{text}");
    assert!(text.starts_with("apiVersion: v1\nentries:\n  api:\n  - "), "{text}");
    assert!(text.ends_with("generated: \"2026-01-02T03:04:05Z\"\n"), "{text}");
    // One repository, a range of it, and a time that is given.
    let mut home = home;
    home.set("SOURCE_DATE_EPOCH", "0");
    let run = index(&home, &[&format!("{place}/web"), "--dir", "some", "--version", "^1", "-q"]);
    assert_eq!(run.succeeds().stdout.lines().count(), 2);
    let text = fs::read_to_string(home.path().join("some/index.yaml")).unwrap();
    assert!(text.ends_with("generated: \"1970-01-01T00:00:00Z\"\n"), "{text}");
    index(&home, &[&format!("{}/none", registry.address()), "--dir", "none"]).fails(3);
    index(&home, &[&place]).fails(2);
}

#[test]
fn two_repositories_with_charts_of_one_name_are_told() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    push(&home, registry.address(), "a", "web", "1.0.0");
    push(&home, registry.address(), "b", "web", "2.0.0");
    let run = index(&home, &[registry.address(), "--dir", "public"]);
    run.fails(5);
    assert!(run.stderr.contains("charts of this name are in a/web as well"), "{run}");
    let text = fs::read_to_string(home.path().join("public/index.yaml")).unwrap();
    assert!(text.contains("web-1.0.0.tgz") && !text.contains("2.0.0"), "{text}");
    assert!(!home.path().join("public/web-2.0.0.tgz").exists());
}

#[test]
fn provenance_files_lie_beside_their_packages() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    write_chart(&home.path().join("web"), &[("Chart.yaml", chart), ("values.yaml", "a: 1\n")]);
    home.command("helm-chart-save").args(["-q", "web", "localhost:1/x/web"]).run().succeeds();
    home.command("helm-chart-export")
        .args(["--package", "-d", ".", "localhost:1/x/web:1.0.0"])
        .run()
        .succeeds();
    home.write("web-1.0.0.tgz.prov", "signed\n");
    let to = format!("oci://{}/team", registry.address());
    home.command("helm-chart-push").args(["-q", "web-1.0.0.tgz", &to]).run().succeeds();
    index(&home, &[&to, "--dir", "public"]).succeeds();
    let public = home.path().join("public");
    assert_eq!(fs::read_to_string(public.join("web-1.0.0.tgz.prov")).unwrap(), "signed\n");
    let Some(helm) = tool("helm") else { return };
    let (user, mock) = (Home::new(), web(public));
    let helm = |args: &[&str]| user.program(&helm).args(args).run();
    helm(&["repo", "add", "classic", &format!("http://{}", mock.host())]).succeeds();
    helm(&["pull", "classic/web", "--prov"]).succeeds();
    assert_eq!(fs::read_to_string(user.path().join("web-1.0.0.tgz.prov")).unwrap(), "signed\n");
    // Lost, it is written again.
    fs::remove_file(home.path().join("public/web-1.0.0.tgz.prov")).unwrap();
    index(&home, &[&to, "--dir", "public"]).prints(
        "web-1.0.0.tgz: written\npublic/index.yaml: up to date, 1 version, 1 written, 0 up to date\n",
    );
}

/// There and back: the registry has the same manifests, whoever was in between.
#[test]
fn what_is_migrated_back_has_the_same_digests() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    filled(&home, registry.address());
    index(&home, &[&format!("{}/team", registry.address()), "--dir", "public"]).succeeds();
    let mock = web(home.path().join("public"));
    let to = format!("oci://{}/back", registry.address());
    let source = format!("http://{}", mock.host());
    home.command("helm-chart-migrate").args([&source, &to]).run().succeeds();
    for (name, tag) in [("web", "1.0.0"), ("web", "1.10.0_b1"), ("web", "2.0.0-rc.1"), ("api", "3.0.0")] {
        let at = |prefix: &str| There::new(registry.address(), &format!("{prefix}/{name}")).get(tag);
        assert!(at("team").is_some() && at("back") == at("team"), "{name}:{tag}");
    }
    // A directory of packages will do as well.
    let to = format!("oci://{}/other", registry.address());
    home.command("helm-chart-migrate").args(["public", &to]).run().succeeds();
    let at = |prefix: &str| There::new(registry.address(), &format!("{prefix}/web")).get("1.0.0");
    assert!(at("other").is_some() && at("other") == at("team"));
}
