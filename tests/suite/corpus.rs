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

/// Does `work` for all of them, on both cores, and has the results in their order.
fn on_both_cores<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let work = &work;
    std::thread::scope(|scope| {
        let halves = all.chunks(all.len().div_ceil(2));
        let halves: Vec<_> =
            halves.map(|half| scope.spawn(move || half.iter().map(work).collect::<Vec<_>>())).collect();
        halves.into_iter().flat_map(|half| half.join().expect("a half that succeeds")).collect()
    })
}

/// Has Helm 4 do all these commands, in one process: it takes longer to start than for most of them.
fn all_by_helm4(home: &Home, helm4: &Path, commands: &[Vec<&str>]) -> Vec<Value> {
    let lines: Vec<_> = commands.iter().map(|words| serde_json::json!(words).to_string() + "\n").collect();
    let output = home.program(helm4).args(["many"]).stdin(lines.concat()).run();
    let answers: Vec<Value> = output.succeeds().stdout.lines().map(|line| json(line.as_bytes())).collect();
    assert_eq!(answers.len(), commands.len());
    for (answer, words) in answers.iter().zip(commands) {
        assert_eq!(answer["code"], 0, "helm4 {words:?}: {answer}");
    }
    answers
}

/// Saves a chart and packages it with Helm: what one takes the other takes, too.
fn save(home: &Home, helm: &Path, host: &str, chart: &Path) -> Option<Whole> {
    let name = name(chart);
    let reference = format!("{host}/ours/{name}");
    let args = [chart.as_os_str(), reference.as_ref(), "-o".as_ref(), "json".as_ref()];
    let saved = home.command("helm-chart-save").args(args).run();
    match package(helm, home, chart) {
        // Helm wants the dependencies in charts/ before it packages; we warn, and that is the only difference.
        Packaged::Refused(why) if why.contains("missing in charts/ directory") => {
            let expected = format!("Warning: {name} declares dependencies that are missing in charts/: ");
            assert!(saved.succeeds().stderr.starts_with(&expected), "{saved}");
            None
        }
        Packaged::Refused(why) => {
            saved.fails(1);
            assert!(saved.stderr.starts_with("Error: "), "{name}: Helm says {why}, we say {saved}");
            None
        }
        Packaged::Archive(archive) => {
            let saved = json(&saved.succeeds().bytes)[0].take();
            Some(Whole { name: name.to_owned(), archive, saved })
        }
    }
}

#[test]
fn every_chart_goes_round_whole_or_is_refused_as_helm_refuses_it() {
    let (Some(charts), Some(helm), Some(helm4)) = (corpus(), tool("helm"), tool("helm4")) else { return };
    let (home, empty) = (Home::new(), Home::new());
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    let saved = on_both_cores(&charts, |chart| save(&home, &helm, host, chart));
    let whole: Vec<_> = saved.into_iter().flatten().collect();

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

    // Helm 4 loads what we pushed, and pushes what Helm packaged.
    let ours: Vec<_> = whole.iter().map(|chart| format!("oci://{host}/ours/{}", chart.name)).collect();
    let shows: Vec<_> = whole
        .iter()
        .zip(&ours)
        .map(|(chart, ours)| vec!["show", "chart", ours, "--version", chart.text("version")])
        .collect();
    for (chart, shown) in whole.iter().zip(all_by_helm4(&home, &helm4, &shows)) {
        let name = format!("name: {}\n", chart.text("name"));
        assert!(shown["stdout"].as_str().is_some_and(|shown| shown.contains(&name)), "{shown}");
    }
    let to = format!("oci://{host}/helm-4");
    let archives: Vec<_> = whole.iter().map(|chart| chart.archive.to_string_lossy()).collect();
    let pushes: Vec<_> = archives.iter().map(|archive| vec!["push", archive, &to]).collect();
    all_by_helm4(&home, &helm4, &pushes);

    on_both_cores(&whole, |chart| {
        let (name, version) = (chart.text("name"), chart.text("version"));
        let ours = format!("oci://{host}/ours/{}", chart.name);
        // Helm 3 pulls and loads what we pushed.
        let home = Home::new();
        home.program(&helm).args(["pull", &ours, "--version", version]).run().succeeds();
        let archive = home.path().join(format!("{name}-{version}.tgz"));
        assert_eq!(files_of(&archive), files_of(&chart.archive), "{name}");
        let shown = home.program(&helm).args(["show", "chart"]).args([&archive]).run();
        let helms = home.program(&helm).args(["show", "chart"]).args([&chart.archive]).run();
        assert_eq!(shown.succeeds().stdout, helms.succeeds().stdout, "{name}");
        let to = format!("oci://{host}/helm-3");
        home.program(&helm).args(["push".as_ref(), chart.archive.as_os_str(), to.as_ref()]).run().succeeds();
        // We pull and export what both pushed, and the config is the one that we made.
        let tag = version.replace('+', "_");
        for repository in ["helm-3", "helm-4"] {
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
