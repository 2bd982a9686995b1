//! The programs that other tests compare us with are what we take them for.

use std::path::Path;

use crate::common::{DockerRegistry, Home, corpus, read_tgz, tool, write_chart};

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.2.3+build\ndescription: A chart\n"),
    ("values.yaml", "# kept as it is\nreplicas: 1\n"),
    ("templates/a.yaml", "replicas: {{ .Values.replicas }}\n"),
];

#[test]
fn each_tool_says_its_version() {
    let home = Home::new();
    let table: [(&str, &[&str], &str); 8] = [
        ("helm", &["version", "--short"], "v3.10.1+g9f88ccb\n"),
        ("helm4", &["version"], "v4.2.3\n"),
        ("docker-registry", &["--version"], "docker-registry github.com/docker/distribution 2."),
        ("skopeo", &["--version"], "skopeo version 1."),
        ("oras", &["version"], "Version:    1.3."),
        ("cosign", &["version"], "cosign: A tool for Container Signing"),
        ("crane", &["--help"], "Crane is a tool for managing container images"),
        ("htpasswd", &["-n", "-b", "-B", "-C", "5", "me", "secret"], "me:$2y$05$"),
    ];
    for (name, args, expected) in table {
        let Some(program) = tool(name) else { continue };
        let output = home.program(program).args(args).run();
        assert!(output.succeeds().stdout.contains(expected), "{output}");
    }
}

/// Packages the chart with `helm`, pushes it, pulls it, and returns the number of requests of both.
fn push_and_pull(helm: &Path, home: &Home, registry: &DockerRegistry, archive: &str) -> usize {
    let repository = format!("oci://{}/charts", registry.address());
    home.program(helm).args(["push", archive, &repository]).run().succeeds();
    let pulled = home
        .program(helm)
        .args(["pull", &format!("{repository}/mychart"), "--version", "1.2.3+build", "-d", "pulled"])
        .run();
    let expected = format!("Pulled: {}/charts/mychart:1.2.3_build\n", registry.address());
    assert!(pulled.succeeds().stdout.starts_with(&expected), "{pulled}");
    let ours = home.path().join("pulled").join(archive);
    assert_eq!(read_tgz(&ours), read_tgz(&home.path().join(archive)));
    assert_eq!(read_tgz(&ours)["mychart/values.yaml"], b"# kept as it is\nreplicas: 1\n");
    registry.requests().len()
}

fn packaged(helm: &Path) -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), CHART);
    home.directory("pulled");
    home.program(helm).args(["package", "mychart"]).run().succeeds();
    home
}

#[test]
fn helm_3_pushes_and_pulls() {
    let (Some(helm), Some(registry)) = (tool("helm"), DockerRegistry::start()) else { return };
    let home = packaged(&helm);
    assert!(push_and_pull(&helm, &home, &registry, "mychart-1.2.3+build.tgz") > 5);
}

#[test]
fn helm_4_pushes_and_pulls() {
    let (Some(helm), Some(registry)) = (tool("helm4"), DockerRegistry::start()) else { return };
    let home = packaged(&helm);
    assert!(push_and_pull(&helm, &home, &registry, "mychart-1.2.3+build.tgz") > 5);

    let chart = format!("oci://{}/charts/mychart", registry.address());
    home.program(&helm).args(["tags", &chart]).run().prints("1.2.3+build\n");
    home.program(&helm)
        .args(["template", &chart, "--version", "^1"])
        .run()
        .prints("---\n# Source: mychart/templates/a.yaml\nreplicas: 1\n");
    home.program(&helm)
        .args(["show", "values", &chart, "--version", ">1.0"])
        .run()
        .prints("# kept as it is\nreplicas: 1\n\n");
    home.program(&helm)
        .args(["pull", &chart, "--version", "^3"])
        .run()
        .fails(1)
        .stderr_is("Error: could not locate a version matching provided version string ^3\n");
}

#[test]
fn a_registry_with_a_password_wants_it() {
    let (Some(helm), Some(helm4)) = (tool("helm"), tool("helm4")) else { return };
    let Some(registry) = DockerRegistry::start_with_password("me", "secret") else { return };
    let home = packaged(&helm);
    let push = |helm: &Path| {
        let remote = format!("oci://{}/charts", registry.address());
        home.program(helm).args(["push", "mychart-1.2.3+build.tgz", &remote]).run()
    };
    push(&helm).fails(1);
    push(&helm4).fails(1);
    let login = |helm: &Path, password: &str| {
        let args = ["registry", "login", registry.address(), "-u", "me", "--password-stdin"];
        // Our wrapper around Helm 4 leaves `registry` out.
        let args = if helm.ends_with("helm4") { &args[1..] } else { &args[..] };
        home.program(helm).args(args).stdin(format!("{password}\n")).run()
    };
    login(&helm4, "wrong").fails(1);
    login(&helm4, "secret").prints("Login Succeeded\n");
    // Both read Helm's file.
    push(&helm).succeeds();
    push(&helm4).succeeds();
}

#[test]
fn skopeo_reads_what_helm_pushed() {
    let (Some(helm), Some(skopeo)) = (tool("helm"), tool("skopeo")) else { return };
    let Some(registry) = DockerRegistry::start() else { return };
    let home = packaged(&helm);
    push_and_pull(&helm, &home, &registry, "mychart-1.2.3+build.tgz");
    let image = format!("docker://{}/charts/mychart:1.2.3_build", registry.address());
    let manifest = home.program(&skopeo).args(["inspect", "--raw", "--tls-verify=false", &image]).run();
    assert!(manifest.succeeds().stdout.contains("application/vnd.cncf.helm.config.v1+json"), "{manifest}");
}

#[test]
fn the_corpus_is_282_charts() {
    let Some(charts) = corpus() else { return };
    assert_eq!(charts.len(), 282);
}
