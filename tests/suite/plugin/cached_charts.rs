//! `chart-cache://` in a real Helm: charts of the cache, and those that it lacks.

use std::fs;

use super::world::{World, built, names, root};
use crate::common::tls::Authority;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Run, copy_directory, read_tgz};

/// Prepares mychart under two versions: in the registry, and in the cache the older alone.
fn two_versions(world: &World, host: &str) {
    let chart = world.home.path().join("mychart");
    copy_directory(&root().join("tests/charts/mychart"), &chart);
    let yaml = fs::read_to_string(chart.join("Chart.yaml")).unwrap();
    for version in ["2.8.0", "2.7.0"] {
        fs::write(chart.join("Chart.yaml"), yaml.replace("2.7.0", version)).unwrap();
        let reference = format!("{host}/myrepo/mychart:{version}");
        world.helm(["oci", "save", "-q", "mychart", &reference]).run().succeeds();
        world.helm(["oci", "push", "-q", &reference]).run().succeeds();
    }
    world.helm(["oci", "remove", &format!("{host}/myrepo/mychart:2.8.0")]).run().succeeds();
}

fn in_cache(world: &World) -> usize {
    world.helm(["oci", "list", "-q"]).run().succeeds().stdout.lines().count()
}

/// A chart that depends on mychart from there.
fn parent(home: &Home, repository: &str) {
    let _ = fs::remove_dir_all(home.path().join("parent"));
    home.write(
        "parent/Chart.yaml",
        format!(
            "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- name: mychart\n  version: ^2\n  \
             repository: {repository}\n"
        ),
    );
}

#[test]
fn helm_takes_cached_charts_without_a_request_and_pulls_absent_ones() {
    let (Some(world), Some(registry)) = (World::with_plugin("helm"), DockerRegistry::start()) else { return };
    let host = registry.address();
    two_versions(&world, host);
    let before = registry.requests().len();
    let url = format!("chart-cache://{host}/myrepo/mychart");
    for words in [
        &["template", &format!("{url}:2.7.0")][..],
        &["show", "chart", &format!("{url}:2.7.0")],
        &["template", &format!("{url}-2.7.0.tgz")],
        // Without a version: the newest that is there.
        &["show", "chart", &url],
    ] {
        let output = world.helm([]).args(words).run();
        let shown = &output.succeeds().stdout;
        assert!(shown.contains("# Source: mychart/") || shown.contains("version: 2.7.0"), "{output}");
        output.stderr_is("");
    }
    world.helm(["pull", &format!("{url}-2.7.0.tgz")]).run().succeeds();
    // It is the layer that Helm itself gets.
    world.home.directory("helms");
    world
        .helm(["pull", &format!("oci://{host}/myrepo/mychart"), "--version", "2.7.0", "-d", "helms"])
        .run()
        .succeeds();
    let ours = world.home.path().join("mychart-2.7.0.tgz");
    assert_eq!(
        fs::read(&ours).unwrap(),
        fs::read(world.home.path().join("helms/mychart-2.7.0.tgz")).unwrap()
    );
    assert!(read_tgz(&ours).contains_key("mychart/values.yaml"));
    let requests: Vec<_> = registry.requests().split_off(before);
    assert!(
        requests.iter().filter(|line| !line.contains("/v2/ ")).count() <= 4,
        "Helm's own pull: {requests:?}"
    );

    let before = registry.requests().len();
    world.helm(["template", &format!("{url}:2.8.0")]).run().succeeds();
    assert_eq!(registry.requests().len() - before, 3, "manifest, config and layer");
    assert_eq!(in_cache(&world), 2);
    world.helm(["template", &format!("{url}:2.8.0")]).run().succeeds();
    assert_eq!(registry.requests().len() - before, 3);
    let output = world.helm(["template", &format!("{url}:9.9.9")]).run();
    assert!(output.fails(1).stderr.contains(&format!("Error: cannot get {url}:9.9.9: ")), "{output}");
}

#[test]
fn dependencies_are_found_in_the_registry_and_offline_in_the_cache() {
    let (Some(world), Some(registry)) = (World::with_plugin("helm"), DockerRegistry::start()) else { return };
    let host = registry.address().to_owned();
    two_versions(&world, &host);
    let update = || {
        world.helm(["dependency", "update", "parent"]).run().succeeds();
        names(&world.home.path().join("parent/charts"))
    };
    // The chart's own repository, and the one above it, by way of the catalog.
    for repository in ["myrepo/mychart", "myrepo"] {
        parent(&world.home, &format!("chart-cache://{host}/{repository}"));
        assert_eq!(update(), ["mychart-2.8.0.tgz"], "{repository}");
        world.helm(["oci", "remove", &format!("{host}/myrepo/mychart:2.8.0")]).run().succeeds();
    }
    // As Chart.lock has it. Helm then wants to know every repository, whatever its scheme.
    let repo = format!("chart-cache://{host}/myrepo");
    world.helm(["repo", "add", "mine", &repo]).run().prints("\"mine\" has been added to your repositories\n");
    fs::remove_dir_all(world.home.path().join("parent/charts")).unwrap();
    world.helm(["dependency", "build", "parent"]).run().succeeds();
    assert_eq!(names(&world.home.path().join("parent/charts")), ["mychart-2.8.0.tgz"]);
    world.helm(["oci", "remove", &format!("{host}/myrepo/mychart:2.8.0")]).run().succeeds();

    drop(registry);
    for repository in ["myrepo/mychart", "myrepo"] {
        parent(&world.home, &format!("chart-cache://{host}/{repository}"));
        assert_eq!(update(), ["mychart-2.7.0.tgz"], "{repository}");
    }
    world.helm(["template", "parent"]).run().succeeds();
    world.helm(["template", &format!("chart-cache://{host}/myrepo/mychart:2.7.0")]).run().succeeds();
    world.helm(["repo", "update"]).run().succeeds();
    let found = world.helm(["search", "repo", "mine", "-o", "json"]).run();
    assert!(found.succeeds().stdout.contains("\"version\":\"2.7.0\""), "{found}");
    world.helm(["pull", "mine/mychart", "--version", "^2"]).run().succeeds();
    assert!(world.home.path().join("mychart-2.7.0.tgz").exists());
}

#[test]
fn an_index_tells_what_a_chart_is_whatever_its_tag() {
    let Some(world) = World::with_plugin("helm") else { return };
    copy_directory(&root().join("tests/charts/mychart"), &world.home.path().join("mychart"));
    // Nobody listens there.
    for reference in ["localhost:1/a/mychart:latest", "localhost:1/a/b/mychart:1", "localhost:1/mychart:1"] {
        world.helm(["oci", "save", "-q", "mychart", reference]).run().succeeds();
    }
    let index = |place: &str| {
        let url = format!("chart-cache://localhost:1{place}/index.yaml");
        let output = world.home.program(built().join("helm-chart-get")).args(["", "", "", &url]).run();
        let index: serde_json::Value = serde_yaml::from_slice(&output.succeeds().bytes).unwrap();
        assert!(output.stderr.starts_with("Warning: listing what is in the cache: "), "{output}");
        index["entries"].clone()
    };
    let entries = index("/a");
    assert_eq!(entries.as_object().unwrap().len(), 1);
    let [entry] = entries["mychart"].as_array().unwrap().as_slice() else { panic!("{entries}") };
    assert_eq!(entry["version"], "2.7.0");
    assert_eq!(entry["urls"][0], "chart-cache://localhost:1/a/mychart:latest/mychart-2.7.0.tgz");
    assert_eq!(index("")["mychart"][0]["urls"][0], "chart-cache://localhost:1/mychart:1/mychart-2.7.0.tgz");
    assert_eq!(index("/a/b/mychart")["mychart"].as_array().unwrap().len(), 1);
    assert_eq!(index("/nothing"), serde_json::json!({}));
    world.helm(["pull", "chart-cache://localhost:1/a/mychart:latest/mychart-2.7.0.tgz"]).run().succeeds();
    assert!(world.home.path().join("mychart-2.7.0.tgz").exists());
}

/// The catalog of a registry that asks who wants to know, with the credential that is stored for it.
#[test]
fn the_catalog_of_a_private_registry_is_asked_for_by_its_user() {
    let home = Home::new();
    home.write("htpasswd", format!("me:{}\n", bcrypt::hash("secret", 4).unwrap()));
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    let host = registry.address();
    copy_directory(&root().join("tests/charts/mychart"), &home.path().join("mychart"));
    let login = [("HELM_OCI_USERNAME", "me"), ("HELM_OCI_PASSWORD", "secret")];
    let as_user =
        |command| login.iter().fold(command, |command: Run<'_>, (name, value)| command.env(name, value));
    let push = home.command("helm-chart-push").args(["mychart", &format!("oci://{host}/a")]);
    as_user(push).run().succeeds();
    home.command("helm-chart-remove").args([&format!("{host}/a/mychart:2.7.0")]).run().succeeds();
    let index = |environment: &[(&str, &str)]| {
        let url = format!("chart-cache://{host}/a/index.yaml");
        let command = home.command("helm-chart-get").args(["", "", "", &url]);
        let output =
            environment.iter().fold(command, |command, (name, value)| command.env(name, value)).run();
        let index: serde_json::Value = serde_yaml::from_slice(&output.succeeds().bytes).unwrap();
        index["entries"].clone()
    };
    let stored = format!(r#"{{"auths":{{"{host}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#);
    // What `helm repo add --username` hands over, since 3.14.
    let helms = [("HELM_PLUGIN_USERNAME", "me"), ("HELM_PLUGIN_PASSWORD", "secret")];
    for environment in [&login[..], &[("DOCKER_AUTH_CONFIG", &stored)], &helms] {
        let entries = index(environment);
        assert_eq!(entries["mychart"][0]["version"], "2.7.0", "{environment:?}: {entries}");
    }
    assert_eq!(index(&[]), serde_json::json!({}));
}

#[test]
fn provenance_files_come_with_their_charts() {
    let Some(world) = World::with_plugin("helm") else { return };
    copy_directory(&root().join("tests/charts/mychart"), &world.home.path().join("mychart"));
    world.helm(["package", "mychart"]).run().succeeds();
    world.home.write("mychart-2.7.0.tgz.prov", "signed\n");
    world.helm(["oci", "save", "-q", "mychart-2.7.0.tgz", "localhost:1/mychart"]).run().succeeds();
    world.helm(["oci", "save", "-q", "mychart", "localhost:1/unsigned"]).run().succeeds();
    world.home.directory("out");
    world
        .helm(["pull", "--prov", "-d", "out", "chart-cache://localhost:1/mychart-2.7.0.tgz"])
        .run()
        .succeeds();
    assert_eq!(names(&world.home.path().join("out")), ["mychart-2.7.0.tgz", "mychart-2.7.0.tgz.prov"]);
    assert_eq!(fs::read(world.home.path().join("out/mychart-2.7.0.tgz.prov")).unwrap(), b"signed\n");
    let get = |url: &str| world.home.program(built().join("helm-chart-get")).args(["", "", "", url]).run();
    get("chart-cache://localhost:1/unsigned:2.7.0.prov").fails(3).stdout_is("").stderr_is(
        "Error: cannot get chart-cache://localhost:1/unsigned:2.7.0.prov: the chart has no provenance file\n",
    );
    get("chart-cache://localhost:1").fails(2).stdout_is("");
    get("oci://localhost:1/a:1").fails(2).stdout_is("");
}

#[test]
fn damage_is_never_handed_over() {
    let Some(world) = World::with_plugin("helm") else { return };
    let registry = EmbeddedRegistry::start(&world.home, ["--data", "registry"]);
    let host = registry.address().to_owned();
    two_versions(&world, &host);
    let reference = format!("{host}/myrepo/mychart:2.7.0");
    let damage = || world.home.damage(&world.home.blob(&reference, "content"));
    let url = format!("chart-cache://{reference}");
    let get = || world.home.program(built().join("helm-chart-get")).args(["", "", "", &url]).run();
    let whole = get();
    damage();
    let again = get();
    assert_eq!(again.succeeds().bytes, whole.succeeds().bytes);
    assert!(again.stderr.starts_with(&format!("Warning: {reference}: blob sha256:")), "{again}");
    get().succeeds().stderr_is("");
    damage();
    drop(registry);
    get().fails(6).stdout_is("");
}

#[test]
fn certificates_and_credentials_reach_the_registry() {
    let Some(world) = World::with_plugin("helm") else { return };
    let authority = Authority::new();
    let server = authority.issue("localhost", false);
    let ca = authority.ca_file();
    let htpasswd = world.home.write(
        "htpasswd",
        // `secret`, at the lowest cost.
        format!("me:{}\n", bcrypt::hash("secret", 4).unwrap()),
    );
    let registry = EmbeddedRegistry::start_over_tls(
        &world.home,
        [
            "--data",
            "registry",
            "--htpasswd",
            htpasswd.to_str().unwrap(),
            "--tls-cert",
            server.cert_file.to_str().unwrap(),
            "--tls-key",
            server.key_file.to_str().unwrap(),
        ],
    );
    let host = registry.address().replace("127.0.0.1", "localhost");
    let reference = format!("{host}/mychart:2.7.0");
    let url = format!("chart-cache://{reference}");
    let ca = ca.to_str().unwrap();
    copy_directory(&root().join("tests/charts/mychart"), &world.home.path().join("mychart"));
    world.helm(["oci", "save", "-q", "mychart", &reference]).run().succeeds();
    // What Helm's own login has stored serves here; the file is one that Helm takes away and names by environment.
    let config = world.home.path().join("elsewhere.json");
    let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "me:secret");
    fs::write(&config, format!("{{\"auths\": {{\"{host}\": {{\"auth\": \"{auth}\"}}}}}}")).unwrap();
    let push = ["oci", "push", "-q", "--ca-file", ca, &reference];
    world.helm(push).run().fails(4);
    world.helm(push).args(["--registry-config"]).args([&config]).run().succeeds();

    world.helm(["oci", "remove", &reference]).run().succeeds();
    world.helm(["template", &url]).run().fails(1);
    let output = world.helm(["template", "--ca-file", ca, &url]).run();
    assert!(output.fails(1).stderr.contains("hint: helm oci registry login localhost:"), "{output}");
    world.helm(["template", "--ca-file", ca, &url, "--registry-config"]).args([&config]).run().succeeds();
    // Helm 3.14 and later pass their own flags on so.
    world.helm(["oci", "remove", &reference]).run().succeeds();
    let get = |password: &str| {
        world
            .home
            .program(built().join("helm-chart-get"))
            .args(["", "", ca, &url])
            .env("HELM_PLUGIN_USERNAME", "me")
            .env("HELM_PLUGIN_PASSWORD", password)
            .run()
    };
    get("wrong").fails(4).stdout_is("");
    get("secret").succeeds().stderr_is("");
}
