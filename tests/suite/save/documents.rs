//! What programs read: `-o json` and `-o yaml`.

use std::fs;

use super::*;
use crate::common::EmbeddedRegistry;

#[test]
fn writes_one_document_for_programs() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    let output = home.command("helm-chart-save").args(["--output=json", "mychart", REF]).run();
    let content = home.linked(REF, "content");
    let size = fs::metadata(home.blob(REF, "content")).unwrap().len();
    let quiet = home.command("helm-chart-save").args(["-q", "mychart", REF]).run();
    let manifest = quiet.succeeds().stdout.trim_end().strip_prefix(&format!("{REF}@")).unwrap().to_owned();
    let document: serde_json::Value = serde_json::from_str(&output.succeeds().stdout).unwrap();
    // What a push makes of it: the same parts, so that a pipeline may pin before it pushes.
    let part = |digest: &str, size: u64| serde_json::json!({"digest": digest, "size": size});
    let (config, chart) = (document[0]["config"].clone(), document[0]["chart"].clone());
    assert_eq!(
        document,
        serde_json::json!([{
            "ref": REF,
            "name": "mychart",
            "version": "2.7.0",
            "digest": manifest,
            "manifest": part(&manifest, 454),
            "config": config,
            "chart": chart,
            "prov": null,
            "meta": part(META, 19),
            "content": part(&content, size),
            "missingDependencies": [],
        }])
    );
    output.stderr_is("");
    assert!(chart["size"].as_u64().unwrap() > size && config["size"].as_u64().unwrap() > 19, "{document}");
    let yaml = home.command("helm-chart-save").args(["mychart", REF, "-oyaml"]).run();
    assert_eq!(serde_yaml::from_str::<serde_json::Value>(&yaml.succeeds().stdout).unwrap(), document);
}

/// The keys of a document, sorted.
fn keys(document: &serde_json::Value) -> Vec<&str> {
    document[0].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_command_about_charts_has_the_same_shape() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let reference = format!("{}/myrepo/mychart:2.7.0", registry.address());
    let other = format!("{}/elsewhere/mychart:2.7.0", registry.address());
    let run = |args: &[&str]| -> serde_json::Value {
        let output = home.command(args[0]).args(&args[1..]).args(["-o", "json"]).run();
        serde_json::from_str(&output.succeeds().stdout).unwrap()
    };
    let saved = run(&["helm-chart-save", "mychart", &reference]);
    let listed = run(&["helm-chart-list"]);
    let pushed = run(&["helm-chart-push", &reference]);
    let listed_again = run(&["helm-chart-list"]);
    let pulled = run(&["helm-chart-pull", &reference]);
    let tagged = run(&["helm-chart-tag", &reference, &other]);
    const COMMON: [&str; 10] =
        ["chart", "config", "content", "digest", "manifest", "meta", "name", "prov", "ref", "version"];
    for (document, more) in [
        (&saved, &["missingDependencies"][..]),
        (&listed, &["created", "broken"]),
        (&pushed, &["upToDate", "replaced"]),
        (&pulled, &["upToDate"]),
        (&tagged, &["created", "broken"]),
    ] {
        let mut expected: Vec<_> = COMMON.iter().chain(more).copied().collect();
        expected.sort_unstable();
        let mut found = keys(document);
        found.sort_unstable();
        assert_eq!(found, expected);
    }
    // What no registry has seen has no digest yet; then it is the manifest's everywhere.
    assert_eq!(listed[0]["digest"], serde_json::Value::Null);
    for document in [&pushed, &listed_again, &pulled, &tagged] {
        for key in ["digest", "manifest", "config", "chart", "meta", "content", "prov"] {
            assert_eq!(document[0][key], saved[0][key], "{key}");
        }
    }
}
