//! `helm-chart-show`: Helm's bytes for Helm's words, and what is beside them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::counter::Counter;
use crate::common::mock::{Mock, Step, on};
use crate::common::{EmbeddedRegistry, Home, Output, corpus, note, snapshot, tool, write_chart};

const CHART_YAML: &str = "apiVersion: v2\nname: web\nversion: 1.2.0\nappVersion: 1.10\ndescription: 'a: <b>'\n\
    dependencies:\n- {name: db, version: ^1, repository: https://charts.example.com}\n\
    - {name: old, version: 2.x, repository: ''}\n- {name: gone, version: '1', repository: ''}\n\
    annotations: {z: 'yes', a10: x, a9: x, long: a very long line that has to be folded because go-yaml folds what is \
    longer than eighty columns}\n";

/// A chart with all parts, in `web`.
fn home() -> Home {
    let home = Home::new();
    let files = [
        ("Chart.yaml", CHART_YAML),
        ("values.yaml", "a: 1 # one\nb: [yes, 0777]\nno: end"),
        ("values.schema.json", "{\"type\": \"object\"}\n"),
        ("readme.txt", "not this one"),
        ("README.md", "# web\n\u{1b}[31mred\n"),
        ("templates/t.yaml", "kind: {{ .Values.a }}\n"),
        ("crds/z.yaml", "z: 1\n"),
        ("crds/a.json", "---\n{}"),
        ("crds/none.txt", "no\n"),
        ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.4.0\n"),
        ("charts/db/crds/db.yml", "db: 1\n"),
        ("charts/old/Chart.yaml", "apiVersion: v2\nname: old\nversion: 1.0.0\n"),
    ];
    write_chart(&home.path().join("web"), &files);
    home
}

fn show(home: &Home, words: &[&str]) -> Output {
    home.command("helm-chart-show").args(words).run()
}

const WORDS: [&str; 5] = ["all", "chart", "values", "readme", "crds"];

#[test]
fn helms_words_print_helms_bytes() {
    let Some(helm4) = tool("helm4") else { return };
    let home = home();
    home.command("helm-chart-save").args(["-q", "web", "localhost:5000/web"]).run().succeeds();
    home.command("helm-chart-export").args(["-q", "--package", "localhost:5000/web:1.2.0"]).run().succeeds();
    for word in WORDS {
        for chart in ["web", "web-1.2.0.tgz"] {
            let helms = home.program(&helm4).args(["show", word, chart]).run();
            let ours = show(&home, &[word, chart]);
            assert_eq!(ours.succeeds().bytes, helms.succeeds().bytes, "{word} {chart}");
        }
    }
    // As people type them, and without a word.
    for (word, same) in [("crd", "crds"), ("value", "values"), ("metadata", "chart"), ("README", "readme")] {
        assert_eq!(show(&home, &[word, "web"]).bytes, show(&home, &[same, "web"]).bytes, "{word}");
    }
    assert_eq!(show(&home, &["web"]).bytes, show(&home, &["all", "web"]).bytes);
}

/// What Helm 3.10.1 prints instead of ours: it has no `---` between custom resource definitions, and one before them only
/// where something else stands before that.
fn as_helm_3_prints_it(ours: &[u8], crds: &[u8], one_by_one: &[Vec<u8>]) -> Vec<u8> {
    let before = ours.strip_suffix(crds).expect("definitions at the end");
    let mut helms = before.to_vec();
    if one_by_one.first().is_some_and(|first| !first.starts_with(b"---")) {
        helms.extend(b"---\n");
    }
    for content in one_by_one {
        helms.extend(content);
        helms.push(b'\n');
    }
    helms
}

/// The definitions of a chart, as documents.
fn definitions(home: &Home, chart: &Path) -> Vec<Vec<u8>> {
    let shown =
        home.command("helm-chart-show").args(["crds".as_ref(), chart.as_os_str()]).args(["-o", "json"]);
    let rows: Vec<Value> = serde_json::from_slice(&shown.run().succeeds().bytes).unwrap();
    rows.iter().map(|row| row["content"].as_str().unwrap().as_bytes().to_vec()).collect()
}

fn is_as_helms(home: &Home, helm: &Path, chart: &Path) -> bool {
    let helms = home.program(helm).args(["show".as_ref(), "all".as_ref(), chart.as_os_str()]).run();
    let ours = home.command("helm-chart-show").args(["all".as_ref(), chart.as_os_str()]).run();
    if helms.code != Some(0) {
        ours.fails(1);
        return false;
    }
    let mut expected = ours.succeeds().bytes.clone();
    let crds = home.command("helm-chart-show").args(["crds".as_ref(), chart.as_os_str()]).run();
    if !crds.succeeds().bytes.is_empty() {
        expected = as_helm_3_prints_it(&expected, &crds.bytes, &definitions(home, chart));
    }
    assert!(helms.bytes == expected, "{}", chart.display());
    true
}

/// All 282: Helm 3.10.1 over directories, Helm 4 over the packages that we make of them.
#[test]
fn the_corpus_is_shown_as_helm_shows_it() {
    let (Some(charts), Some(helm), Some(helm4)) = (corpus(), tool("helm"), tool("helm4")) else { return };
    let home = Home::new();
    let halves: Vec<Vec<PathBuf>> = std::thread::scope(|scope| {
        let half = |half: Vec<PathBuf>| -> Vec<PathBuf> {
            half.into_iter().filter(|chart| is_as_helms(&home, &helm, chart)).collect()
        };
        let halves = charts.chunks(charts.len().div_ceil(2)).map(<[PathBuf]>::to_vec);
        let started: Vec<_> = halves.map(|part| scope.spawn(move || half(part))).collect();
        started.into_iter().map(|half| half.join().unwrap()).collect()
    });
    let shown: Vec<_> = halves.concat();
    note(&format!("{} of {} charts are shown byte for byte as by Helm 3.10.1", shown.len(), charts.len()));
    assert!(shown.len() > 200);

    let packages: Vec<_> = shown.iter().filter_map(|chart| package(&home, chart)).collect();
    let commands: Vec<_> =
        packages.iter().map(|path| serde_json::json!(["show", "all", path]).to_string() + "\n").collect();
    let answers = home.program(&helm4).args(["many"]).stdin(commands.concat()).run();
    let answers = answers.succeeds().stdout.clone();
    for (answer, path) in answers.lines().zip(&packages) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        let ours = home.command("helm-chart-show").args(["all", path]).run();
        assert_eq!(answer["stdout"].as_str().unwrap(), ours.succeeds().stdout, "{path}");
    }
    assert!(packages.len() > 200 && answers.lines().count() == packages.len());
}

/// A chart of the corpus as the package that it goes over the wire as.
fn package(home: &Home, chart: &Path) -> Option<String> {
    let name = chart.file_name()?.to_str()?;
    let reference = format!("localhost:5000/{name}:1");
    let saved = home.command("helm-chart-save").args(["-q".as_ref(), chart.as_os_str(), reference.as_ref()]);
    if saved.run().code != Some(0) {
        return None;
    }
    let exported = home.command("helm-chart-export").args(["-q", "--package", "-d", "packages", &reference]);
    Some(exported.run().succeeds().stdout.trim().replace("$HOME", &home.path().to_string_lossy()))
}

#[test]
fn dependencies_stand_beside_what_there_is_of_them() {
    let home = home();
    show(&home, &["deps", "web"]).prints(
        "NAME  VERSION  REPOSITORY                  STATUS         BUNDLED\n\
         db    ^1       https://charts.example.com  unpacked       1.4.0\n\
         old   2.x                                  wrong version  1.0.0\n\
         gone  1                                    missing        -\n",
    );
    show(&home, &["deps", "-q", "web"]).prints("db\nold\ngone\n");
    let strict = show(&home, &["dependencies", "web", "--strict"]);
    assert!(
        strict.fails(5).stderr.starts_with("Error: web: the dependency old: wrong version\n"),
        "{strict}"
    );
    let rows: Vec<Value> =
        serde_json::from_slice(&show(&home, &["deps", "web", "-o", "json"]).bytes).unwrap();
    assert_eq!(rows[0]["status"], "unpacked");
    assert_eq!((&rows[1]["bundled"], &rows[2]["bundled"]), (&Value::from("1.0.0"), &Value::Null));
    // A package in charts/ is what Helm calls ok, in a directory.
    let pack = home.command("helm-chart-save").args(["-q", "web/charts/db", "localhost:5000/db"]).run();
    pack.succeeds();
    fs::remove_dir_all(home.path().join("web/charts/db")).unwrap();
    let to = ["-q", "--package", "-d", "web/charts", "localhost:5000/db:1.4.0"];
    home.command("helm-chart-export").args(to).run().succeeds();
    assert!(show(&home, &["deps", "web"]).stdout.contains("  ok             1.4.0\n"));
    let listed = show(&home, &["files", "-q", "web"]);
    assert!(listed.stdout.contains("charts/db-1.4.0.tgz/crds/db.yml\n"), "{listed}");
    show(&home, &["file", "web", "charts/db-1.4.0.tgz/crds/db.yml"]).prints("db: 1\n");
}

#[test]
fn documents_hold_what_the_files_say() {
    let home = home();
    let json =
        |words: &[&str]| -> Value { serde_json::from_slice(&show(&home, words).succeeds().bytes).unwrap() };
    let values = json(&["values", "web", "-o", "json"]);
    // `no` is a boolean to Helm, and so a key called false.
    assert_eq!(values, serde_json::json!({ "a": 1, "b": [true, 511], "false": "end" }));
    assert_eq!(json(&["chart", "web", "-o", "json"])["appVersion"], "1.1");
    assert_eq!(json(&["schema", "web", "-o", "json"])["type"], "object");
    let all = json(&["all", "web", "-o", "json"]);
    assert_eq!(all["crds"][0]["path"], "crds/a.json");
    assert_eq!((&all["values"], &all["chart"]["name"]), (&values, &Value::from("web")));
    let file = json(&["file", "web", "crds/z.yaml", "-o", "json"]);
    assert_eq!(file, serde_json::json!({ "path": "crds/z.yaml", "size": 5, "content": "z: 1\n" }));
    show(&home, &["files", "web"]).succeeds();
    let files = json(&["files", "web", "-o", "json"]);
    assert_eq!(files.as_array().unwrap().len(), 12);
}

#[test]
fn what_is_not_there_is_empty_or_3() {
    let home = Home::new();
    write_chart(&home.path().join("a"), &[("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n")]);
    for word in ["values", "readme", "crds", "schema"] {
        show(&home, &[word, "a"]).stderr_is("").prints("");
        let missing = show(&home, &[word, "a", "--fail-if-missing"]);
        missing.fails(3).stderr_is(&format!("Error: a has no {word}\n"));
    }
    show(&home, &["deps", "a", "--fail-if-missing"]).fails(3);
    show(&home, &["file", "a", "nothing"])
        .fails(3)
        .stderr_is("Error: a has no file nothing\nhint: helm oci show files a lists them\n");
    show(&home, &["values", "./absent"]).fails(3);
    show(&home, &["values", "localhost:1/a:1", "--offline"]).fails(3);
    show(&home, &["manifest", "a"]).fails(3);
    for words in [
        &["bogus", "a"][..],
        &["values"],
        &["file", "a"],
        &["values", "a", "b"],
        &["values", "a", "-q"],
        &["values", "a", "--version", "1"],
        &["values", "localhost:1/a:1", "--offline", "--no-cache"],
    ] {
        show(&home, words).fails(2).stdout_is("");
    }
    assert!(!home.path().join(".helm").exists());
}

#[test]
fn remote_charts_are_asked_for_what_is_needed() {
    let (home, other) = (home(), Home::new());
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let address = registry.address().to_owned();
    let reference = format!("{address}/charts/web:1.2.0");
    home.command("helm-chart-save").args(["-q", "web", &reference]).run().succeeds();
    let pinned = home.command("helm-chart-push").args(["-q", &reference]).run().succeeds().stdout.clone();
    let digest = pinned.trim().rsplit_once('@').unwrap().1.to_owned();
    let counter = Counter::start(registry.address());
    let address = counter.host().to_owned();
    let reference = format!("{address}/charts/web:1.2.0");
    let requests = |words: &[&str]| -> (Vec<u8>, Vec<String>) {
        let output = show(&other, words);
        output.succeeds();
        (output.bytes, counter.take().0.iter().map(|asked| format!("{asked:?}")).collect())
    };
    // Manifest and config, and nothing is kept.
    let (bytes, asked) = requests(&["chart", &reference]);
    assert_eq!((bytes, asked.len()), (show(&home, &["chart", "web"]).bytes, 2), "{asked:?}");
    let (bytes, asked) = requests(&["manifest", &reference]);
    assert_eq!((oci::digest::Digest::of(&bytes).to_string(), asked.len()), (digest.clone(), 1), "{asked:?}");
    assert!(!other.cache().exists());
    let (bytes, asked) = requests(&["values", "--no-cache", &reference]);
    assert_eq!((bytes, asked.len()), (show(&home, &["values", "web"]).bytes, 3), "{asked:?}");
    assert!(!other.cache().exists());
    // The whole chart, then nothing but whether it is the same, then nothing.
    assert_eq!(requests(&["values", &reference]).1.len(), 3);
    assert_eq!(requests(&["values", &reference]).1.len(), 1);
    assert_eq!(requests(&["chart", &reference]).1.len(), 1);
    let by_digest = format!("{address}/charts/web@{digest}");
    for word in ["values", "chart", "manifest", "deps"] {
        assert_eq!(requests(&[word, &by_digest]).1.len(), 0, "{word}");
    }
    assert_eq!(requests(&["readme", "--offline", &format!("{address}/charts/web")]).1.len(), 0);
    assert_eq!(show(&other, &["all", "--offline", &reference]).bytes, show(&home, &["all", "web"]).bytes);
}

#[test]
fn a_registry_that_lies_is_7_and_shows_nothing() {
    let home = Home::new();
    let mock = Mock::serve(|asked| -> Step {
        let config = serde_json::json!({ "mediaType": "application/vnd.cncf.helm.config.v1+json",
            "digest": oci::digest::Digest::of(b"{}").to_string(), "size": 2 });
        let layer = serde_json::json!({ "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "digest": oci::digest::Digest::of(b"x").to_string(), "size": 1 });
        let manifest =
            serde_json::json!({ "schemaVersion": 2, "config": config, "layers": [layer] }).to_string();
        match asked.line.contains("/manifests/") {
            true => on(&asked.line).answer(200, &[], manifest.as_bytes()),
            false => on(&asked.line).answer(200, &[], b"[]"),
        }
    });
    let reference = format!("{}/a:1", mock.host());
    show(&home, &["chart", &reference]).fails(7).stdout_is("");
    assert!(!snapshot(home.path()).keys().any(|path| path.contains("blobs/sha256/")));
}
