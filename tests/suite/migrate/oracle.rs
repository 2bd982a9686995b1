//! What Helm reads of an index, beside what we do: whatever Helm takes, has the same versions here.

use std::collections::BTreeSet;

use serde_json::Value;

use super::site::{Manner, Site, migrate};
use crate::common::{EmbeddedRegistry, Home, tool};

/// Two charts, as everybody writes them.
const HEAD: &str = "apiVersion: v1\nentries:\n";
const WEB: &str =
    "  web:\n  - apiVersion: v2\n    name: web\n    version: 1.0.0\n    urls:\n    - web-1.0.0.tgz\n";
const API: &str =
    "  api:\n  - apiVersion: v2\n    name: api\n    version: 0.1.0\n    urls: [api-0.1.0.tgz]\n";

/// Charts and versions, as `name/version`.
type Listed = BTreeSet<String>;

fn by_helm(home: &Home, helm: &std::path::Path, url: &str) -> Option<Listed> {
    let added = home.program(helm).args(["repo", "add", "x", url, "--force-update"]).run();
    if added.code != Some(0) {
        return None;
    }
    let found = home.program(helm).args(["search", "repo", "x/", "-l", "--devel", "-o", "json"]).run();
    let found: Value = serde_json::from_str(&found.succeeds().stdout).unwrap();
    let row =
        |row: &Value| format!("{}/{}", &row["name"].as_str().unwrap()[2..], row["version"].as_str().unwrap());
    Some(found.as_array().unwrap().iter().map(row).collect())
}

#[test]
fn whatever_helm_reads_has_the_same_versions() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let usual = format!("{HEAD}{WEB}{API}generated: \"2024-03-01T10:00:00Z\"\n");
    let with = |description: &str| {
        usual.replace("    name: web\n", &format!("    name: web\n    description: {description}\n"))
    };
    let mut taken = 0;
    for text in [
        usual.clone(),
        usual.replace('\n', "\r\n"),
        format!("\u{feff}# a comment\n---\n{usual}"),
        format!("{usual}---\nentries: {{}}\n"),
        format!("{usual}...\nnot: [yaml\n"),
        usual.replace("  web:", "  \"web\":  # its name"),
        usual.replace("  - api", "    - api").replace("    name", "      name").replace("    version", "      version").replace("    urls", "      urls"),
        // Text of all kinds, with lines that look like others.
        with("|\n      - name: no\n\n      version: 9.9.9\n    \n      # no comment"),
        with("|2-\n      - name: no"),
        with(">+\n      a\n\n\n"),
        with("plain text\n      over lines\n      - and a dash"),
        with("\"quoted\n  - name: no\n  no: yes\n      end\""),
        with("'quoted\n\n  web:\n  - x'"),
        with("\"a # b: c\" # d"),
        with("{a: b}"),
        with("!!str x"),
        with("&a x"),
        with("\"\\u00e9\\n\""),
        with("caf\u{e9} \u{1f600}"),
        with("a\u{85}b"),
        with("|\n\u{2028}     x"),
        with("? x"),
        with("- x"),
        with("a: b"),
        with("\tx"),
        // Values of all kinds.
        usual.replace("1.0.0\n    urls", "1.0\n    urls"),
        usual.replace("version: 1.0.0", "version: \"1.0.0\""),
        usual.replace("version: 1.0.0", "version: v1.0.0"),
        usual.replace("version: 1.0.0", "version: 0x10"),
        usual.replace("version: 1.0.0", "version: !!str 1.0.0"),
        usual.replace("version: 1.0.0", "version: 1.0.0+build.1"),
        usual.replace("    version: 1.0.0", "    deprecated: yes\n    version: 1.0.0"),
        usual.replace("    version: 1.0.0", "    VERSION: 1.0.0"),
        usual.replace("    version: 1.0.0", "    annotations:\n      version: 9.9.9\n    version: 1.0.0"),
        usual.replace("    version: 1.0.0", "    dependencies:\n    - name: no\n      version: 9.9.9\n    version: 1.0.0"),
        // Lists and maps in other forms.
        usual.replace("  - apiVersion", "  -\n    apiVersion"),
        usual.replace("  - apiVersion: v2\n    name: web", "  - {}\n  - apiVersion: v2\n    name: web"),
        usual.replace("  api:\n", "  empty: []\n  none:\n  api:\n"),
        usual.replace("  api:\n", "  api:\n  # a comment\n\n#another\n"),
        usual.replace(API, "  api: [{name: api, version: 0.1.0,\nurls: [a]}]\n"),
        usual.replace(API, "  api:\n    [{name: api, version: 0.1.0, urls: [a]}]\n"),
        usual.replace("  - apiVersion", "  - &a\n    apiVersion").replace(API, "  api:\n  - *a\n"),
        usual.replace("  - apiVersion: v2\n    name: api", "  - <<: {name: api}"),
        usual.replace("entries:", "entries: &e"),
        usual.replace("entries:\n", "entries:\n  ? first\n  : - name: first\n      version: 1.0.0\n      urls: [a]\n"),
        usual.replace("generated", "serverInfo: {}\ngenerated"),
        format!("{usual}public: true\n"),
        usual.replace(HEAD, "entries:\n"),
        HEAD.to_owned(),
        "apiVersion: v1\n".to_owned(),
        "{\"apiVersion\":\"v1\",\"entries\":{\"web\":[{\"name\":\"web\",\"version\":\"1.0.0\",\"urls\":[\"a\"]}]}}".to_owned(),
        "{\"apiVersion\":\"v1\",\"entries\":{\"web\":[{\"name\":\"web\",\"version\":\"1.0.0\",\"urls\":[\"a\",]}]}}".to_owned(),
        "{apiVersion: v1, entries: {web: [{name: web, version: 1.0.0, urls: [a]}]}}".to_owned(),
    ] {
        let site = Site::new(Manner::default());
        site.set("index.yaml", text.clone());
        let Some(helm) = by_helm(&home, &helm, &site.url()) else { continue };
        taken += 1;
        let args = ["--dry-run", "-o", "json"];
        let run = migrate(&home, &site.url(), registry.address(), &args);
        assert!(run.code == Some(0), "Helm reads {helm:?} of\n{text}\n{run}");
        let document: Value = serde_json::from_str(&run.stdout).unwrap();
        let row = |row: &Value| format!("{}/{}", row["name"].as_str().unwrap(), row["version"].as_str().unwrap());
        let rows = document["charts"].as_array().unwrap().iter();
        let ours: Listed = rows.filter(|row| row["status"] != "invalid").map(row).collect();
        assert_eq!(ours, helm, "{text}");
    }
    assert!(taken > 30, "{taken}");
}
