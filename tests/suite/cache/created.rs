//! CREATED is of the chart: since when the cache has it under this name, and not when it was last pushed or named.

use std::fs;

use crate::common::{EmbeddedRegistry, Home, write_chart};

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";

fn created(home: &Home, reference: &str) -> String {
    let listed = home.command("helm-chart-list").args(["-o", "json"]).run();
    let listed: serde_json::Value = serde_json::from_str(&listed.succeeds().stdout).unwrap();
    let row = listed.as_array().unwrap().iter().find(|row| row["ref"] == reference);
    row.unwrap()["created"].as_str().unwrap().to_owned()
}

#[test]
fn the_age_of_a_chart_is_its_own() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let reference = format!("{}/a/mychart:1", registry.address());
    let files = [("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")];
    write_chart(&home.path().join("mychart"), &files);
    let run = |command: &str, args: &[&str]| {
        home.command(command).args(args).run().succeeds().warns_of_names_alone().to_string()
    };
    run("helm-chart-save", &["mychart", &reference]);
    home.age(&reference, 3 * 3600);
    let then = created(&home, &reference);
    let is_as_before = |what: &str| assert_eq!(created(&home, &reference), then, "{what}");
    // The form is added to the entry.
    run("helm-chart-push", &[&reference]);
    is_as_before("pushed");
    run("helm-chart-push", &[&reference]);
    is_as_before("pushed again");
    let other = reference.replace("/a/", "/b/");
    run("helm-chart-tag", &[&reference, &other]);
    is_as_before("tagged");
    assert_eq!(created(&home, &other), then);
    run("helm-chart-tag", &[&reference, &reference]);
    is_as_before("tagged as itself");
    run("helm-chart-save", &["mychart", &reference]);
    is_as_before("the same saved again");
    run("helm-chart-pull", &[&reference]);
    is_as_before("pulled, and up to date");
    fs::remove_file(home.blob(&reference, "content")).unwrap();
    run("helm-chart-pull", &[&reference]);
    is_as_before("fetched again");
    fs::write(home.cache().join("charts/mychart/versions/1.0.0"), "").unwrap();
    run("helm-chart-fsck", &["--repair"]);
    is_as_before("repaired");
    // An entry that cannot be added to is written anew.
    let (config, origin) = (home.entry(&other).join("config"), home.entry(&other).join("origin"));
    fs::remove_file(&config).unwrap();
    fs::remove_file(home.entry(&other).join("manifest")).unwrap();
    std::os::unix::fs::symlink(fs::read_link(home.entry(&reference).join("manifest")).unwrap(), origin)
        .unwrap();
    home.age(&other, 2 * 3600);
    let then = created(&home, &other);
    run("helm-chart-push", &[&other]);
    assert!(config.symlink_metadata().is_ok());
    assert_eq!(created(&home, &other), then);
    // Another chart has another age.
    write_chart(&home.path().join("mychart"), &[("values.yaml", "a: 2\n")]);
    run("helm-chart-save", &["mychart", &other]);
    assert_ne!(created(&home, &other), then);
}
