//! Every Helm from 3.6 to 4.2 loads our plugins: its loaders' rules, on our plugin.yaml files.
//!
//! Helm 3 reads strictly: one key that it does not know, and it loads no plugin at all (pkg/plugin/plugin.go). Helm 4 reads
//! a file without `apiVersion` as that of Helm 3, and is stricter about what stands in it (internal/plugin/loader.go,
//! metadata_legacy.go).

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::world::root;

/// The fields of `plugin.Metadata` in v3.6.2. Later ones would break earlier Helms.
const FIELDS: [&str; 10] = [
    "name",
    "version",
    "usage",
    "description",
    "platformCommand",
    "command",
    "ignoreFlags",
    "hooks",
    "downloaders",
    "useTunnel",
];

/// Helm's own commands, 3.6.2 to 4.2. Helm 4 stops loading plugins at one that is called so.
const COMMANDS: [&str; 34] = [
    "completion",
    "create",
    "dependency",
    "dep",
    "dependencies",
    "docs",
    "env",
    "fetch",
    "get",
    "help",
    "history",
    "hist",
    "inspect",
    "install",
    "lint",
    "list",
    "ls",
    "package",
    "plugin",
    "pull",
    "push",
    "registry",
    "repo",
    "rollback",
    "search",
    "show",
    "status",
    "template",
    "test",
    "uninstall",
    "del",
    "delete",
    "upgrade",
    "verify",
];

/// Our plugins, each with its file.
fn manifests() -> Vec<(String, Value)> {
    ["plugin.yaml", "scripts/plugins/chart.yaml", "scripts/plugins/chart-cache.yaml"]
        .map(|path| {
            let text = fs::read_to_string(root().join(path)).unwrap();
            (path.to_owned(), serde_yaml::from_str(&text).unwrap())
        })
        .into()
}

/// What the loaders have against a plugin.
fn objections(manifest: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let fields = manifest.as_object().unwrap();
    found.extend(
        fields.keys().filter(|key| !FIELDS.contains(&key.as_str())).map(|key| format!("unknown {key}")),
    );
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        found.push(format!("invalid name {name}"));
    }
    if COMMANDS.contains(&name) {
        found.push(format!("{name} is a command of Helm"));
    }
    if oci::version::Version::parse_strict(text("version")).is_err() {
        found.push("the version is not strict SemVer".to_owned());
    }
    // "both command and platformCommand are set"
    if fields.contains_key("command") == fields.contains_key("platformCommand") {
        found.push("command or platformCommand: one of them".to_owned());
    }
    for (event, hook) in fields.get("hooks").and_then(Value::as_object).into_iter().flatten() {
        if !["install", "update", "delete"].contains(&event.as_str()) || !hook.is_string() {
            found.push(format!("invalid hook {event}"));
        }
    }
    for downloader in fields.get("downloaders").and_then(Value::as_array).into_iter().flatten() {
        let command = downloader["command"].as_str().unwrap_or_default();
        // It is joined to the plugin's directory, and Helm 3 expands no variable in it.
        if command.is_empty() || command.starts_with('/') || command.contains('$') {
            found.push(format!("invalid command of a downloader: {command}"));
        }
        let protocols = downloader["protocols"].as_array().into_iter().flatten().filter_map(Value::as_str);
        found.extend(
            protocols
                .filter(|p| ["http", "https", "oci", "file"].contains(p))
                .map(|p| format!("{p} is Helm's own")),
        );
    }
    found
}

#[test]
fn no_loader_objects_to_our_plugins() {
    let mut names = BTreeSet::new();
    for (path, manifest) in manifests() {
        assert_eq!(objections(&manifest), Vec::<String>::new(), "{path}");
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"), "{path}");
        assert!(names.insert(manifest["name"].as_str().unwrap().to_owned()), "{path}: two of one name");
        // In Helm 4 a plugin with downloaders is a getter and nothing else: its command would be gone.
        let is_getter = manifest.get("downloaders").is_some();
        assert_eq!(is_getter, manifest["name"] == "chart-cache", "{path}");
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["chart", "chart-cache", "oci"]);
}

#[test]
fn the_rules_find_what_breaks_them() {
    for (text, expected) in [
        ("name: a b\nversion: 1.0.0\ncommand: x", "invalid name a b"),
        ("name: push\nversion: 1.0.0\ncommand: x", "push is a command of Helm"),
        ("name: a\nversion: v1.0\ncommand: x", "the version is not strict SemVer"),
        ("name: a\nversion: 1.0.0\ncommand: x\nplatformHooks: {}", "unknown platformHooks"),
        ("apiVersion: v1\nname: a\nversion: 1.0.0\ncommand: x", "unknown apiVersion"),
        (
            "name: a\nversion: 1.0.0\ncommand: x\nplatformCommand: []",
            "command or platformCommand: one of them",
        ),
        ("name: a\nversion: 1.0.0\ncommand: x\nhooks: {upgrade: x}", "invalid hook upgrade"),
        (
            "name: a\nversion: 1.0.0\ncommand: x\ndownloaders: [{command: $X, protocols: [oci]}]",
            "invalid command of a downloader: $X",
        ),
    ] {
        let found = objections(&serde_yaml::from_str(text).unwrap());
        assert_eq!(found.first().map(String::as_str), Some(expected), "{text}");
    }
}

#[test]
fn the_hook_that_runs_last_needs_nothing_of_ours() {
    let (_, manifest) = manifests().swap_remove(0);
    let hook = manifest["hooks"]["delete"].as_str().unwrap();
    let home = super::world::home();
    // Nothing there, nothing set: it does not fail, and touches nothing.
    home.program("sh").args(["-c", hook]).run().prints("").stderr_is("");
    let gone = home.path().join("plugins/oci");
    home.program("sh").args(["-c", hook]).env("HELM_PLUGIN_DIR", &gone).run().prints("").stderr_is("");
    // Somebody has put something of theirs into a directory of ours.
    home.write("plugins/chart/.belongs-to-oci", "");
    home.write("plugins/chart/plugin.yaml", "");
    home.write("plugins/chart/mine", "");
    home.write("plugins/chart-cache/plugin.yaml", "theirs");
    home.program("sh").args(["-c", hook]).env("HELM_PLUGIN_DIR", &gone).run().succeeds();
    assert_eq!(super::world::names(&home.path().join("plugins/chart")), ["mine"]);
    assert_eq!(super::world::names(&home.path().join("plugins/chart-cache")), ["plugin.yaml"]);
}
