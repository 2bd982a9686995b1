//! Where charts come from: URLs with queries and logins, names of Helm's, files, directories, other registries.

use std::fs;

use oci::digest::Digest;

use super::site::{Manner, Site, chart, entry, index, layers, migrate, summary};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, tool};

/// `me:s3cret`
const LOGIN: &str = "Basic bWU6czNjcmV0";

fn logged_in() -> Manner {
    Manner { login: Some(LOGIN.to_owned()), ..Manner::default() }
}

#[test]
fn a_login_stays_with_its_server() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let (site, other) = (Site::new(logged_in()), Site::new(Manner::default()));
    let package = chart("web", "1.0.0");
    site.set("index.yaml", index(&[entry("web", "1.0.0", &package, &format!("{}/web.tgz", other.url()))]));
    other.set("web.tgz", package);
    let run = migrate(&home, &site.url(), registry.address(), &[]);
    run.fails(4);
    assert!(
        run.stderr.ends_with("hint: --from-username with --from-password-stdin logs in there\n"),
        "{run}"
    );
    let url = site.url().replace("http://", "http://me:s3cret@");
    let run = migrate(&home, &url, registry.address(), &[]);
    assert!(!format!("{run}").replace(&url, "").contains("s3cret"), "{run}");
    run.succeeds();
    let sees =
        |site: &Site| site.mock.requests().iter().any(|request| request.header("authorization").is_some());
    assert!(sees(&site) && !sees(&other));
    let to = format!("oci://{}/again", registry.address());
    let args = ["--from-username", "me", "--from-password-stdin", "--pass-credentials"];
    home.command("helm-chart-migrate").args([&*site.url(), &to]).args(args).stdin("s3cret").run().succeeds();
    assert!(sees(&other));
    // Nothing of it is kept.
    for file in fs::read_dir(home.path().join(".cache/helm/oci/migrate")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_redirect_elsewhere_takes_no_login_along() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let other = Site::new(Manner::default());
    let site = Site::new(Manner { elsewhere: Some(other.url()), ..logged_in() });
    site.stock(&[("web", "1.0.0")]);
    other.set("web-1.0.0.tgz", chart("web", "1.0.0"));
    migrate(&home, &site.url().replace("http://", "http://me:s3cret@"), registry.address(), &[]).succeeds();
    assert!(other.mock.requests().iter().all(|request| request.header("authorization").is_none()));
    assert_eq!(other.lines(), ["GET /web-1.0.0.tgz"]);
}

#[test]
fn a_query_goes_with_every_request_and_a_provenance_file_is_on_the_path() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(Manner { query: Some("sig=s3cret".to_owned()), ..Manner::default() });
    site.stock(&[("web", "1.0.0"), ("api", "1.0.0")]);
    let digest = Digest::of(&chart("web", "1.0.0"));
    let signed = format!("-----BEGIN PGP SIGNED MESSAGE-----\nfiles:\n  web-1.0.0.tgz: {digest}\n");
    site.set("web-1.0.0.tgz.prov", signed.clone());
    site.set("api-1.0.0.tgz.prov", "<html>everything is here</html>");
    let run = migrate(&home, &format!("{}?sig=s3cret", site.url()), registry.address(), &["--debug"]);
    assert!(!run.succeeds().stderr.contains("s3cret"), "{run}");
    assert!(run.stdout.contains("web:1.0.0: copied, with its provenance ("), "{run}");
    assert!(
        run.stderr.contains("api:1.0.0: what is beside it is no provenance file, and stays behind"),
        "{run}"
    );
    let found = layers(registry.address(), "web", "1.0.0").unwrap();
    assert_eq!(found, [digest.to_string(), Digest::of(signed.as_bytes()).to_string()]);
    assert_eq!(layers(registry.address(), "api", "1.0.0").unwrap().len(), 1);
    // One that is about something else.
    site.stock(&[("web", "2.0.0")]);
    site.set("web-2.0.0.tgz.prov", signed);
    let run = migrate(&home, &format!("{}?sig=s3cret", site.url()), registry.address(), &[]);
    assert!(run.fails(7).stderr.contains("the provenance file does not name the package's digest"), "{run}");
    migrate(&home, &format!("{}?sig=s3cret", site.url()), registry.address(), &["--no-prov"]).succeeds();
}

#[test]
fn helms_own_name_has_its_login() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(logged_in());
    site.stock(&[("web", "1.0.0")]);
    let words = ["repo", "add", "mine", &site.url(), "--username", "me", "--password", "s3cret"];
    home.program(&helm).args(words).run().succeeds();
    let run = migrate(&home, "mine", registry.address(), &[]);
    assert_eq!(summary(run.succeeds()).split(" (").next(), Some("1 chart, 1 version: 1 copied"), "{run}");
    let run = migrate(&home, "yours", registry.address(), &[]);
    run.fails(3).stderr_is(
        "Error: there is neither a file nor a repository called yours\n\
         hint: helm repo list shows those that have a name; or give a URL\n",
    );
    let run = migrate(&home, "oci://localhost:1/x", registry.address(), &[]);
    assert!(
        run.fails(2).stderr.ends_with("hint: helm oci chart copy copies from one registry to another\n"),
        "{run}"
    );
}

#[test]
fn directories_and_files_are_sources_as_well() {
    let Some(docker) = DockerRegistry::start() else { return };
    let home = Home::new();
    let (web, api) = (chart("web", "1.0.0"), chart("api", "0.1.0"));
    home.write("bucket/web/web-1.0.0.tgz", &web);
    home.write("bucket/api-0.1.0.tgz", &api);
    home.write("bucket/broken.tgz", "none");
    home.write("bucket/notes.txt", "none");
    let run = migrate(&home, "bucket", docker.address(), &[]);
    assert!(summary(run.succeeds()).ends_with("0 unchanged, 1 invalid"), "{run}");
    assert!(run.stderr.starts_with("Warning: broken.tgz: "), "{run}");
    assert_eq!(layers(docker.address(), "web", "1.0.0"), Some(vec![Digest::of(&web).to_string()]));
    let again = migrate(&home, "bucket", docker.address(), &[]);
    assert!(summary(again.succeeds()).contains("0 copied (0 B), 2 unchanged"), "{again}");
    // An index in a file is about its directory, or about a URL.
    let site = Site::new(Manner::default());
    site.stock(&[("far", "1.0.0")]);
    let far = chart("far", "1.0.0");
    let text = index(&[
        entry("web", "1.0.0", &web, "web/web-1.0.0.tgz"),
        entry("far", "1.0.0", &far, &format!("{}/far-1.0.0.tgz", site.url())),
        entry("out", "1.0.0", &far, "../../secret.tgz"),
    ]);
    home.write("bucket/index.yaml", &text);
    let run = migrate(&home, "bucket", docker.address(), &["--skip", "out"]);
    assert!(summary(run.succeeds()).contains("1 unchanged"), "{run}");
    assert!(layers(docker.address(), "far", "1.0.0").is_some());
    let run = migrate(&home, "bucket/index.yaml", docker.address(), &[]);
    assert!(
        run.fails(1).stderr.contains("cannot migrate out 1.0.0: the URL ../../secret.tgz cannot be used"),
        "{run}"
    );
    let text = index(&[entry("near", "1.0.0", &chart("near", "1.0.0"), "near-1.0.0.tgz")]);
    site.set("near-1.0.0.tgz", chart("near", "1.0.0"));
    let to = format!("oci://{}/charts", docker.address());
    let words = ["-", &to, "--base", &site.url()];
    home.command("helm-chart-migrate").args(words).stdin(text).run().succeeds();
    assert!(layers(docker.address(), "near", "1.0.0").is_some());
    home.command("helm-chart-migrate").args(["-", &to]).run().fails(2);
}

#[test]
fn what_is_in_a_registry_is_copied_from_there() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let source = EmbeddedRegistry::start(&home, ["--data", "source"]);
    let package = chart("web", "1.0.0");
    home.write("web.tgz", &package);
    let pushed = home
        .command("helm-chart-push")
        .args(["-q", "web.tgz", &format!("oci://{}/o", source.address())])
        .run();
    let digest = pushed.succeeds().stdout.trim().split('@').nth(1).unwrap().to_owned();
    let site = Site::new(Manner::default());
    for (url, entry_digest, code) in [
        (format!("oci://{}/o/web:1.0.0", source.address()), &package[..], 0),
        (format!("oci://{}/o/web", source.address()), &package[..], 0),
        (format!("oci://{}/o/web", source.address()), b"another", 7),
    ] {
        site.set("index.yaml", index(&[entry("web", "1.0.0", entry_digest, &url)]));
        let to = format!("oci://{}/{}", registry.address(), if url.ends_with("web") { "b" } else { "a" });
        let run = home
            .command("helm-chart-migrate")
            .args([&*site.url(), &to, "-q", "--journal", "none", "--replace-url", "x=y"])
            .run();
        run.fails(code);
        if code == 0 {
            assert_eq!(
                run.stdout,
                format!("{}/web:1.0.0@{digest}\n", to.trim_start_matches("oci://")),
                "{run}"
            );
        }
    }
}
