//! What the destination has already.

use oci::digest::Digest;

use super::site::{Manner, Site, chart, layers, migrate, summary};
use crate::common::{DockerRegistry, Home, tool};

#[test]
fn what_helm_has_pushed_is_the_same_chart() {
    let (Some(docker), Some(helm)) = (DockerRegistry::start(), tool("helm")) else { return };
    let home = Home::new();
    let site = Site::new(Manner::default());
    site.stock(&[("web", "1.0.0"), ("web", "1.1.0+x")]);
    home.write("web-1.0.0.tgz", chart("web", "1.0.0"));
    let to = format!("oci://{}/charts", docker.address());
    home.program(&helm).args(["push", "web-1.0.0.tgz", &to]).run().succeeds();
    let before = layers(docker.address(), "web", "1.0.0");
    assert!(before.is_some(), "helm push has pushed");
    let run = migrate(&home, &site.url(), docker.address(), &["-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    let statuses: Vec<_> =
        document["charts"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["unchanged", "copied"], "{run}");
    assert_eq!(layers(docker.address(), "web", "1.0.0"), before);
    // What Helm pulls are the bytes of the repository.
    for version in ["1.0.0", "1.1.0+x"] {
        let words = ["pull", &format!("{to}/web"), "--version", version];
        home.program(&helm).args(words).run().succeeds();
        let pulled = std::fs::read(home.path().join(format!("web-{version}.tgz"))).unwrap();
        assert_eq!(Digest::of(&pulled), Digest::of(&chart("web", version)), "{version}");
    }
    let again = migrate(&home, &site.url(), docker.address(), &["--check"]);
    assert_eq!(summary(again.succeeds()), "1 chart, 2 versions: 0 copied (0 B), 2 unchanged", "{again}");
}

#[test]
fn what_push_makes_is_what_migrate_makes() {
    let Some(docker) = DockerRegistry::start() else { return };
    let home = Home::new();
    let site = Site::new(Manner::default());
    site.stock(&[("web", "1.0.0")]);
    home.write("web-1.0.0.tgz", chart("web", "1.0.0"));
    let pushed = home
        .command("helm-chart-push")
        .args(["-q", "web-1.0.0.tgz", &format!("oci://{}/push", docker.address())])
        .run();
    let migrated = migrate(&home, &site.url(), docker.address(), &["-q"]);
    let digest = |text: &str| text.trim().split('@').nth(1).map(str::to_owned);
    let (pushed, migrated) = (digest(&pushed.succeeds().stdout), digest(&migrated.succeeds().stdout));
    assert!(pushed.is_some() && pushed == migrated, "{pushed:?} {migrated:?}");
}
