//! Where what was typed is no reference, or names nothing: the hint says what is meant, and can be typed as it is.

use crate::common::tls::Authority;
use crate::common::wire::Artifact;
use crate::common::{EmbeddedRegistry, Home, write_chart};

const CHART: &[(&str, &str)] = &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n")];

fn home() -> Home {
    let home = Home::new();
    write_chart(&home.path().join("web"), CHART);
    home
}

/// The hint of a call that ends with this code.
fn hint(home: &Home, code: i32, command: &str, args: &str) -> String {
    let output = home.command(command).args(args.split(' ')).run();
    output.fails(code).stdout_is("");
    let (_, hint) = output.stderr.split_once("\nhint: ").unwrap_or_else(|| panic!("{args}: {output}"));
    hint.trim_end().to_owned()
}

#[test]
fn half_a_reference_is_told_how_it_is_whole() {
    let home = home();
    let digest = "ab".repeat(32);
    let in_full = |digits: &str| {
        format!(
            "a digest stands behind its repository, in full: HOST/REPOSITORY@sha256:{digits}; helm oci list -q shows \
             those of the cache"
        )
    };
    let tagged =
        |target: &str| format!("a reference is named in full: helm-chart-tag localhost:1/a:1 {target}");
    for (command, args, expected) in [
        ("helm-chart-tag", "localhost:1/a:1 latest", tagged("localhost:1/a:latest")),
        ("helm-chart-tag", "localhost:1/a:1 v1", tagged("localhost:1/a:v1")),
        ("helm-chart-tag", "localhost:1/a:1 2.0.0", tagged("localhost:1/a:2.0.0")),
        ("helm-chart-tag", "localhost:1/a:1 :0.2.0", tagged("localhost:1/a:0.2.0")),
        ("helm-chart-tag", "localhost:1/a:1 b/c:2", tagged("localhost:1/b/c:2")),
        ("helm-chart-tag", "localhost:1/a:1 c:2", tagged("localhost:1/c:2")),
        ("helm-chart-tag", "latest localhost:1/a:1", "name the registry, too: localhost:5000/latest".to_owned()),
        ("helm-chart-pull", "sha256:8aa3c4", in_full("<64 digits>")),
        ("helm-chart-pull", &format!("sha256:{digest}"), in_full(&digest)),
        ("helm-chart-remove", &digest, in_full(&digest)),
        ("helm-chart-pull", "@sha256:8aa3c4", in_full("<64 digits>")),
        ("helm-chart-pull", ".", "the registry comes first: helm-chart-pull oci://HOST/REPOSITORY".to_owned()),
        ("helm-chart-pull", "./web", "the registry comes first: helm-chart-pull oci://HOST/web".to_owned()),
        ("helm-chart-pull", "localhost:1/a//b", "one / alone stands between two parts".to_owned()),
        ("helm-chart-save", "web localhost:1/a//", "one / alone stands between two parts".to_owned()),
        ("helm-chart-remove", "ed6644f", in_full("<64 digits>")),
        ("helm-chart-export", "8aa3c41", in_full("<64 digits>")),
        ("helm-chart-remove", "localhost:1/a@sha256:8aa3", "helm oci list -q shows digests in full".to_owned()),
        (
            "helm-chart-pull",
            &format!("localhost:1/a:sha256:{digest}"),
            format!("a digest stands behind an `@`: REPOSITORY@sha256:{digest}"),
        ),
        (
            "helm-chart-pull",
            "localhost:1/a:^0.1",
            "which versions will do is told by pull --version: helm oci pull REPOSITORY --version \"^0.1\"".to_owned(),
        ),
        (
            "helm-chart-pull",
            "localhost:1/a 0.1.0",
            "a version is given so: helm-chart-pull localhost:1/a --version 0.1.0".to_owned(),
        ),
        (
            "helm-chart-pull",
            "localhost:1/a ~1.2",
            "a version is given so: helm-chart-pull localhost:1/a --version \"~1.2\"".to_owned(),
        ),
        (
            "helm-chart-pull",
            "localhost:1/a latest",
            "without a version the newest is pulled: helm-chart-pull localhost:1/a".to_owned(),
        ),
        ("helm-chart-pull", "localhost:1/a .", "-d says where to: helm-chart-pull localhost:1/a -d .".to_owned()),
        (
            "helm-chart-pull",
            "localhost:1/a ./new",
            "-d says where to: helm-chart-pull localhost:1/a -d ./new".to_owned(),
        ),
        ("helm-chart-pull", "web", "the registry comes first: helm-chart-pull oci://HOST/web".to_owned()),
        ("helm-chart-pull", "absent", "the registry comes first: helm-chart-pull oci://HOST/absent".to_owned()),
        (
            "helm-chart-pull",
            "bitnami/nginx",
            "the registry comes first: helm-chart-pull oci://HOST/bitnami/nginx; from a repository of helm repo add, \
             Helm pulls: helm pull bitnami/nginx"
                .to_owned(),
        ),
        (
            "helm-chart-remove",
            "web",
            "a file or directory is no reference: helm oci list shows those of the cache".to_owned(),
        ),
        (
            "helm-chart-save",
            "oci://localhost:1/a localhost:1/b",
            "another name for a chart of the cache: helm oci tag oci://localhost:1/a localhost:1/b".to_owned(),
        ),
        (
            "helm-chart-save",
            "localhost:1/a:1 localhost:1/b:1",
            "another name for a chart of the cache: helm oci tag localhost:1/a:1 localhost:1/b:1".to_owned(),
        ),
    ] {
        assert_eq!(hint(&home, 2, command, args), expected, "{command} {args}");
    }
    assert!(!home.cache().exists());
}

/// What a hint says can be typed.
#[test]
fn a_hint_to_tag_does_what_was_meant() {
    let home = home();
    home.command("helm-chart-save").args(["web", "localhost:1/charts/web", "-q"]).run().succeeds();
    let hint = hint(&home, 2, "helm-chart-tag", "localhost:1/charts/web:0.1.0 :latest");
    let line = hint.split_once(": ").unwrap().1;
    home.program("/bin/sh").args(["-c", line]).run().prints("localhost:1/charts/web:latest: tagged\n");
    assert!(home.entry("localhost:1/charts/web:latest").exists());
}

#[test]
fn a_slash_at_the_end_is_no_part_of_a_reference() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let name = format!("{}/charts/web", registry.address());
    let done = |command: &str, args: &[&str]| home.command(command).args(args).args(["-q"]).run();
    done("helm-chart-save", &["web/", &format!("{name}/")]).succeeds();
    done("helm-chart-tag", &[&format!("{name}:0.1.0"), &format!("{name}/other/")]).succeeds();
    done("helm-chart-push", &[&format!("{name}:0.1.0")]).succeeds();
    for reference in [format!("{name}/"), format!("oci://{name}/")] {
        let pulled = done("helm-chart-pull", &[&reference]);
        assert!(pulled.succeeds().stdout.starts_with(&format!("{name}:0.1.0@sha256:")), "{pulled}");
    }
    let url = format!("chart-cache://{name}/");
    let got = home.command("helm-chart-get").args(["", "", "", &url]).run();
    assert!(got.succeeds().bytes.starts_with(&[0x1f, 0x8b]));
    home.command("helm-chart-pull").args([format!("{name}//")]).run().fails(2);
}

#[test]
fn what_a_registry_has_not_is_told_whatever_was_asked_for() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    Artifact::chart("web", "0.1.0").put(host, "web", "0.1.0");
    let pull = |args: &str| hint(&home, 3, "helm-chart-pull", args);
    let no_repository =
        "the registry knows no such repository: is its name right, and has a chart been pushed to it?";
    assert_eq!(pull(&format!("{host}/wbe")), no_repository);
    assert_eq!(pull(&format!("{host}/wbe --version 1.x")), no_repository);
    let no_digest = "there is nothing with this digest, or no such repository: a digest is looked for in its own repository \
                     alone";
    for repository in ["web", "wbe"] {
        assert_eq!(pull(&format!("{host}/{repository}@sha256:{}", "ab".repeat(32))), no_digest);
    }
    assert_eq!(
        pull(&format!("{host}/web:latest")),
        "without a tag the newest is pulled; the repository has 0.1.0"
    );
    assert_eq!(pull(&format!("{host}/web:v0.1.0")), "there is 0.1.0");
    let wrong = |version: &str| hint(&home, 2, "helm-chart-pull", &format!("{host}/web --version {version}"));
    assert_eq!(wrong("latest"), "without --version the newest is pulled");
    assert_eq!(wrong("abc"), "a tag that is no version stands behind the repository: REPOSITORY:abc");
    let output = home.command("helm-chart-pull").args([&format!("{host}/web"), "--version", "abc"]).run();
    assert_eq!(output.stderr.matches("`abc`").count(), 1, "{output}");
}

#[test]
fn what_the_cache_has_not_is_told_with_what_is_near() {
    let home = home();
    for reference in ["localhost:1/web:0.1.0", "localhost:1/web:0.2.0", "localhost:1/other:0.1.0"] {
        home.command("helm-chart-save").args(["web", reference, "-q"]).run().succeeds();
    }
    for (command, reference, expected) in [
        (
            "helm-chart-push",
            "localhost:1/web:0.1.",
            "the cache has localhost:1/web:0.1.0, localhost:1/web:0.2.0",
        ),
        ("helm-chart-export", "localhost:1/ohter:0.1.0 --offline", "the cache has localhost:1/other:0.1.0"),
        (
            "helm-chart-remove",
            "localhost:1/wbe:0.1.0",
            "the cache has localhost:1/web:0.1.0, localhost:1/web:0.2.0",
        ),
        ("helm-chart-tag", "localhost:1/gone:1 localhost:1/b:1", "helm oci list shows what is there"),
    ] {
        assert_eq!(hint(&home, 3, command, reference), expected, "{reference}");
    }
    for tag in ["1", "2", "3"] {
        let reference = format!("localhost:1/web:{tag}");
        home.command("helm-chart-save").args(["web", &reference, "-q"]).run().succeeds();
    }
    let many = hint(&home, 3, "helm-chart-push", "localhost:1/web:4");
    assert_eq!(many, "the cache has localhost:1/web:1, localhost:1/web:2, localhost:1/web:3, and more");
}

#[test]
fn a_registry_of_this_machine_over_tls_is_told_what_makes_it_tls() {
    let home = home();
    let authority = Authority::new();
    let issued = authority.issue("127.0.0.1", false);
    let [certificate, key] = [&issued.cert_file, &issued.key_file].map(|path| path.to_str().unwrap());
    let registry = EmbeddedRegistry::start_over_tls(&home, ["--tls-cert", certificate, "--tls-key", key]);
    let wanted =
        "this machine is spoken to in plain HTTP by default: --ca-file FILE or --insecure makes it TLS";
    let reference = format!("{}/web:0.1.0", registry.address());
    assert_eq!(hint(&home, 6, "helm-chart-pull", &reference), wanted);
    home.command("helm-chart-pull").args([&reference, "--insecure"]).run().fails(3);
}
