//! Real charts, all the way round: the 282 charts of the archived `stable` repository. What Helm 3.10.1 packages we
//! save, push, pull and export whole; what it refuses we refuse.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{EmbeddedRegistry, Home, corpus, note, read_tgz, tool};
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

/// A chart that went into the cache, and the package that Helm made of the same directory.
struct Whole {
    name: String,
    archive: PathBuf,
    saved: Value,
}

impl Whole {
    fn text(&self, field: &str) -> &str {
        self.saved[field].as_str().expect("a text")
    }

    /// The files of Helm's package, below the chart's directory.
    fn helms_files(&self) -> BTreeMap<String, Vec<u8>> {
        let top = self.text("name").len() + 1;
        read_tgz(&self.archive).into_iter().map(|(path, content)| (path[top..].to_owned(), content)).collect()
    }

    /// Exports `reference` from the cache of `home`, and compares.
    fn assert_exported(&self, home: &Home, reference: &str) {
        let to = format!("out-{}", self.name);
        home.command("helm-chart-export").args([reference, "-d", &to, "--force"]).run().succeeds();
        let ours = files(&home.path().join(to).join(self.text("name")));
        assert_same_files(&self.name, &ours, &self.helms_files());
    }
}

/// Saves every chart and packages it with Helm: what one takes the other takes, too.
fn save_all(home: &Home, helm: &Path, host: &str, charts: &[PathBuf]) -> Vec<Whole> {
    let mut whole = Vec::new();
    for chart in charts {
        let name = name(chart);
        let reference = format!("{host}/ours/{name}");
        let args = [chart.as_os_str(), reference.as_ref(), "-o".as_ref(), "json".as_ref()];
        let saved = home.command("helm-chart-save").args(args).run();
        match package(helm, home, chart) {
            // Helm wants the dependencies in charts/ before it packages; we warn, and that is the only difference.
            Packaged::Refused(why) if why.contains("missing in charts/ directory") => {
                let expected = format!("Warning: {name} declares dependencies that are missing in charts/: ");
                assert!(saved.succeeds().stderr.starts_with(&expected), "{saved}");
            }
            Packaged::Refused(why) => {
                saved.fails(1);
                assert!(saved.stderr.starts_with("Error: "), "{name}: Helm says {why}, we say {saved}");
            }
            Packaged::Archive(archive) => {
                let saved = json(&saved.succeeds().bytes)[0].take();
                whole.push(Whole { name: name.to_owned(), archive, saved });
            }
        }
    }
    whole
}

/// Does `work` for all charts, on both cores.
fn on_both_cores(charts: &[Whole], work: impl Fn(&Whole) + Sync) {
    std::thread::scope(|scope| {
        for half in charts.chunks(charts.len().div_ceil(2)) {
            scope.spawn(|| half.iter().for_each(&work));
        }
    });
}

#[test]
fn every_chart_goes_round_whole_or_is_refused_as_helm_refuses_it() {
    let (Some(charts), Some(helm), Some(helm4)) = (corpus(), tool("helm"), tool("helm4")) else { return };
    let (home, empty) = (Home::new(), Home::new());
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    let whole = save_all(&home, &helm, host, &charts);

    // There and back: the same digests, the same files.
    let references: Vec<_> = whole.iter().map(|chart| chart.text("ref")).collect();
    home.command("helm-chart-push").args(&references).run().succeeds();
    let pulled = empty.command("helm-chart-pull").args(["-o", "json"]).args(&references).run();
    let pulled = json(&pulled.succeeds().bytes);
    for (chart, pulled) in whole.iter().zip(pulled.as_array().expect("a list")) {
        for field in ["ref", "digest", "manifest", "meta", "content"] {
            assert_eq!(pulled[field], chart.saved[field], "{}: {field}", chart.name);
        }
        chart.assert_exported(&empty, chart.text("ref"));
    }

    on_both_cores(&whole, |chart| {
        let (name, version) = (chart.text("name"), chart.text("version"));
        let ours = format!("oci://{host}/ours/{}", chart.name);
        // Helm 3 and Helm 4 pull and load what we pushed.
        let home = Home::new();
        home.program(&helm).args(["pull", &ours, "--version", version]).run().succeeds();
        let archive = home.path().join(format!("{name}-{version}.tgz"));
        assert_eq!(files_of(&archive), files_of(&chart.archive), "{name}");
        let shown = home.program(&helm).args(["show", "chart"]).args([&archive]).run();
        let helms = home.program(&helm).args(["show", "chart"]).args([&chart.archive]).run();
        assert_eq!(shown.succeeds().stdout, helms.succeeds().stdout, "{name}");
        let shown = home.program(&helm4).args(["show", "chart", &ours, "--version", version]).run();
        assert!(shown.succeeds().stdout.contains(&format!("name: {name}\n")), "{shown}");
        // We pull and export what they pushed, and the config is the one that we made.
        let tag = version.replace('+', "_");
        for (helm, repository) in [(&helm, "helm-3"), (&helm4, "helm-4")] {
            let to = format!("oci://{host}/{repository}");
            home.program(helm)
                .args(["push".as_ref(), chart.archive.as_os_str(), to.as_ref()])
                .run()
                .succeeds();
            let theirs = format!("{host}/{repository}/{name}:{tag}");
            let pulled = home.command("helm-chart-pull").args(["-o", "json", &theirs]).run();
            let pulled = json(&pulled.succeeds().bytes);
            let config = pushed_config(&empty, host, chart, &tag);
            assert_eq!(pulled[0]["config"]["digest"], Digest::of(&config).to_string(), "{repository}/{name}");
            chart.assert_exported(&home, &theirs);
        }
    });
    note(&format!(
        "{} charts: {} go round whole with their configs equal to Helm's, {} are refused as Helm refuses them",
        charts.len(),
        whole.len(),
        charts.len() - whole.len()
    ));
    assert!(whole.len() > charts.len() / 2);
}

/// The paths in a package, and its contents but for Chart.yaml.
fn files_of(archive: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let content = |(path, content): (String, Vec<u8>)| {
        let written_anew = path.ends_with("/Chart.yaml");
        (path, (!written_anew).then_some(content))
    };
    read_tgz(archive).into_iter().map(content).collect()
}

/// The config that was pushed for a chart of ours.
fn pushed_config(home: &Home, host: &str, chart: &Whole, tag: &str) -> Vec<u8> {
    let refs = home.cache().join("refs").join(host.replace(':', "_"));
    fs::read(refs.join("ours").join(&chart.name).join("tags").join(tag).join("config")).expect("a config")
}
