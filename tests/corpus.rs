//! Real charts, all the way round: the 282 charts of the archived `stable` repository. What Helm 3.10.1 packages we
//! save, push, pull and export whole; what it refuses we refuse.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{EmbeddedRegistry, Home, corpus, read_tgz, tool};
use oci::digest::Digest;
use serde_json::Value;

/// A chart that Helm packages, and one that it does not.
enum Packaged {
    Archive(PathBuf),
    Refused(String),
}

fn package(helm: &Path, home: &Home, chart: &Path) -> Packaged {
    let to = home.directory("packages");
    let output =
        home.program(helm).args(["package".as_ref(), chart.as_os_str(), "-d".as_ref(), to.as_os_str()]).run();
    match output.stdout.rsplit_once("saved it to: ") {
        Some((_, path)) => {
            Packaged::Archive(path.trim().replace("$HOME", &home.path().to_string_lossy()).into())
        }
        None => Packaged::Refused(output.stderr.clone()),
    }
}

fn name(chart: &Path) -> &str {
    chart.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// All files below a directory, by path.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).expect("a directory of the export") {
            let path = entry.expect("an entry of the export").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let below =
                    path.strip_prefix(root).expect("a path below the root").to_string_lossy().into_owned();
                found.insert(below, fs::read(&path).expect("a file of the export"));
            }
        }
    }
    found
}

/// Chart.yaml is written anew, by Helm and by us: what counts is what it says.
fn assert_same_files(name: &str, ours: &BTreeMap<String, Vec<u8>>, helms: &BTreeMap<String, Vec<u8>>) {
    let paths = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(ours), paths(helms), "{name}");
    for (path, content) in ours {
        if path.ends_with("Chart.yaml") {
            continue;
        }
        assert_eq!(content, &helms[path], "{name}: {path}");
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("a JSON document")
}

#[test]
fn every_chart_goes_round_whole_or_is_refused_as_helm_refuses_it() {
    let (Some(charts), Some(helm)) = (corpus(), tool("helm")) else { return };
    let home = Home::new();
    let empty = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    let (mut whole, mut refused) = (Vec::new(), 0);
    for chart in &charts {
        let name = name(chart);
        let reference = format!("{host}/ours/{name}:{name}");
        let saved = home
            .command("helm-chart-save")
            .args([chart.as_os_str(), reference.as_ref(), "-o".as_ref(), "json".as_ref()])
            .run();
        match package(&helm, &home, chart) {
            // Helm wants the dependencies in charts/ before it packages; we warn, and that is the only difference.
            Packaged::Refused(why) if why.contains("missing in charts/ directory") => {
                let expected = format!("Warning: {name} declares dependencies that are missing in charts/: ");
                assert!(saved.succeeds().stderr.starts_with(&expected), "{saved}");
                refused += 1;
            }
            Packaged::Refused(why) => {
                saved.fails(1);
                assert!(saved.stderr.starts_with("Error: "), "{name}: Helm says {why}, we say {saved}");
                refused += 1;
            }
            Packaged::Archive(archive) => {
                saved.succeeds();
                whole.push((name, reference, archive, json(&saved.bytes)));
            }
        }
    }

    let references = |charts: &[(&str, String, PathBuf, Value)]| -> Vec<String> {
        charts.iter().map(|(_, reference, ..)| reference.clone()).collect()
    };
    home.command("helm-chart-push").args(references(&whole)).run().succeeds();
    let pulled = empty.command("helm-chart-pull").args(["-o", "json"]).args(references(&whole)).run();
    let pulled = json(&pulled.succeeds().bytes);
    for ((name, reference, archive, saved), pulled) in whole.iter().zip(pulled.as_array().expect("a list")) {
        assert_eq!(pulled["ref"], *reference);
        assert_eq!(pulled["manifest"], saved["manifest"], "{name}: what save foretold");
        assert_eq!((&pulled["meta"], &pulled["content"]), (&saved["meta"], &saved["content"]), "{name}");
        empty.command("helm-chart-export").args([reference, "-d", "out", "--force"]).run().succeeds();
        let chart = saved["name"].as_str().expect("a name");
        let helms = read_tgz(archive).into_iter();
        let helms = helms.map(|(path, content)| (path[chart.len() + 1..].to_owned(), content)).collect();
        assert_same_files(name, &files(&empty.path().join("out").join(chart)), &helms);
    }

    // The config blob is the one that `helm push` makes of its own package.
    let mut equal = 0;
    for (name, _, archive, saved) in &whole {
        let to = format!("oci://{host}/helms");
        home.program(&helm).args(["push".as_ref(), archive.as_os_str(), to.as_ref()]).run().succeeds();
        let (chart, version) = (&saved["name"], &saved["version"]);
        let helms = format!(
            "{host}/helms/{}:{}",
            chart.as_str().expect("a name"),
            version.as_str().expect("a version")
        );
        let theirs = empty.command("helm-chart-pull").args(["-o", "json", &helms.replace('+', "_")]).run();
        let theirs = json(&theirs.succeeds().bytes);
        let ours = empty.cache().join("refs").join(host.replace(':', "_"));
        let ours =
            fs::read(ours.join("ours").join(name).join("tags").join(name).join("config")).expect("a config");
        assert_eq!(theirs["config"]["digest"], Digest::of(&ours).to_string(), "{name}");
        equal += 1;
    }
    eprintln!(
        "corpus: {} charts, {} whole, {refused} refused as Helm refuses them, {equal} configs equal",
        charts.len(),
        whole.len()
    );
    assert_eq!(whole.len() + refused, charts.len());
}
