//! How programs read packages: each gives the files that it finds, by their paths as they would be unpacked.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::read::MultiGzDecoder;
use oci::chart;
use oci::limits::Budget;

use crate::common::{Home, tool, write_chart};

/// The content of files by path.
pub type Files = BTreeMap<String, String>;

/// What a reader makes of a package, or why it refuses it.
pub type Reading = Result<Files, String>;

/// Ours: what an export would write, of what a pull would take.
pub fn ours(package: &[u8], scratch: &Path) -> Reading {
    let budget = Budget::default();
    chart::inspect(package, &budget).map_err(|error| error.to_string())?;
    let directory = tempfile::tempdir_in(scratch).unwrap();
    chart::unpack(package, directory.path(), &budget).map_err(|error| error.to_string())?;
    Ok(files_in(directory.path()))
}

/// All files below a directory.
fn files_in(directory: &Path) -> Files {
    let (mut files, mut pending) = (Files::new(), vec![directory.to_path_buf()]);
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                pending.push(path);
                continue;
            }
            let content = if kind.is_file() { fs::read(&path).unwrap() } else { b"no file".to_vec() };
            let path = path.strip_prefix(directory).unwrap().to_string_lossy().into_owned();
            files.insert(path, String::from_utf8_lossy(&content).into_owned());
        }
    }
    files
}

/// A path without what means nothing in it.
fn plain(path: &str) -> String {
    let path = if path.contains('/') { path.to_owned() } else { path.replace('\\', "/") };
    path.split('/').filter(|component| !matches!(*component, "" | ".")).collect::<Vec<_>>().join("/")
}

/// What is found file by file. The same file twice is one too many.
fn collect(found: impl Iterator<Item = (String, String)>) -> Files {
    let mut files = Files::new();
    for (path, content) in found {
        let path = plain(&path);
        if let Some(before) = files.insert(path.clone(), content) {
            files.insert(format!("{path} (before)"), before);
        }
    }
    files
}

/// The tar crate.
pub fn tar_crate(package: &[u8]) -> Reading {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(package));
    let mut found = Vec::new();
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        // As its own `unpack` decides it.
        let is_directory = kind.is_dir() || (entry.header().as_ustar().is_none() && path.ends_with('/'));
        if is_directory || kind.is_pax_global_extensions() {
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        found.push((path, String::from_utf8_lossy(&content).into_owned()));
    }
    Ok(collect(found.into_iter()))
}

/// A program that unpacks `$1` where it stands.
pub fn unpacked_by(program: &Path, arguments: &[&str], package: &Path, scratch: &Path) -> Reading {
    let directory = tempfile::tempdir_in(scratch).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).arg(package).current_dir(directory.path()).env("LC_ALL", "C.UTF-8");
    let output = command.stdin(Stdio::null()).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(collect(files_in(directory.path()).into_iter()))
}

/// Python's tarfile, of many packages.
const TARFILE: &str = "
import json, sys, tarfile
for line in sys.stdin:
    files = []
    try:
        with tarfile.open(line.rstrip('\\n'), 'r:gz') as tar:
            for member in tar:
                if member.isreg():
                    files.append([member.name, tar.extractfile(member).read().decode('utf-8', 'replace')])
                elif not member.isdir():
                    files.append([member.name, 'no file'])
        print(json.dumps({'files': files}))
    except Exception as error:
        print(json.dumps({'error': repr(error)}))
";

/// What a program says of each package, a line of JSON.
fn ask(program: &Path, arguments: &[&str], packages: &[PathBuf]) -> Vec<serde_json::Value> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = packages.iter().map(|path| format!("{}\n", path.display())).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), packages.len(), "{}", program.display());
    answers
}

fn error_in(answer: &serde_json::Value) -> Result<(), String> {
    answer["error"].as_str().map_or(Ok(()), |error| Err(error.to_owned()))
}

pub fn python(program: &Path, packages: &[PathBuf]) -> Vec<Reading> {
    let pair = |pair: &serde_json::Value| {
        (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned())
    };
    let reading = |answer: &serde_json::Value| {
        error_in(answer)?;
        Ok(collect(answer["files"].as_array().unwrap().iter().map(pair)))
    };
    ask(program, &["-c", TARFILE], packages).iter().map(reading).collect()
}

/// What Helm loads of a chart, in the form that both generations give it.
#[derive(Debug, PartialEq)]
pub struct Loaded {
    pub description: String,
    /// The `id` in the values.
    pub values: String,
    /// Files and templates.
    pub files: Files,
    pub subcharts: Vec<String>,
}

impl Loaded {
    /// What Helm has to load of these files.
    pub fn of(files: &Files) -> Self {
        let line = |path: &str, key: &str| {
            let text = files.get(path).map_or("", String::as_str);
            text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
        };
        let is_other = |path: &&String| {
            !matches!(path.as_str(), "Chart.yaml" | "values.yaml") && !path.starts_with("charts/")
        };
        let subcharts =
            files.keys().filter_map(|path| path.strip_prefix("charts/")?.strip_suffix("/Chart.yaml"));
        Self {
            description: line("Chart.yaml", "description:"),
            values: line("values.yaml", "id:"),
            files: files.keys().filter(is_other).map(|path| (path.clone(), files[path].clone())).collect(),
            subcharts: subcharts.map(str::to_owned).collect(),
        }
    }
}

/// Helm 4's loader, of many packages.
pub fn helm4(program: &Path, packages: &[PathBuf]) -> Vec<Result<Loaded, String>> {
    let loaded = |answer: &serde_json::Value| {
        error_in(answer)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let files = answer["files"].as_object().unwrap().iter().flat_map(|(path, contents)| {
            contents.as_array().unwrap().iter().map(|content| (path.clone(), text(content)))
        });
        Ok(Loaded {
            description: text(&answer["description"]),
            values: text(&answer["values"]["id"]),
            files: collect(files),
            subcharts: answer["subcharts"].as_array().unwrap().iter().map(text).collect(),
        })
    };
    ask(program, &["files"], packages).iter().map(loaded).collect()
}

/// Helm 3.10, of many packages at once: as subcharts of one chart, which tells what Helm has loaded of each. Where it refuses
/// one it refuses all, and they are halved until it is alone.
pub fn helm3(program: &Path, packages: &[(String, PathBuf)]) -> Vec<Result<Loaded, String>> {
    match helm3_at_once(program, packages) {
        Ok(all) => all.into_iter().map(Ok).collect(),
        Err(error) if packages.len() == 1 => vec![Err(error)],
        Err(_) => {
            let (first, second) = packages.split_at(packages.len() / 2);
            helm3(program, first).into_iter().chain(helm3(program, second)).collect()
        }
    }
}

fn helm3_at_once(program: &Path, packages: &[(String, PathBuf)]) -> Result<Vec<Loaded>, String> {
    const REPORT: &str = r#"
{{- range $name, $chart := .Subcharts }}
{{- $files := dict }}
{{- range $path, $bytes := $chart.Files }}{{ $_ := set $files $path (toString $bytes) }}{{ end }}
{{- $subcharts := list }}
{{- range $sub, $_ := $chart.Subcharts }}{{ $subcharts = append $subcharts $sub }}{{ end }}
"{{ $name }}": {{ dict "description" (default "" $chart.Chart.Description) "id" (default "" $chart.Values.id) "files" $files "subcharts" $subcharts | toJson }}
{{- end }}
"#;
    let home = Home::new();
    let chart = home.path().join("p");
    write_chart(
        &chart,
        &[("Chart.yaml", "apiVersion: v2\nname: p\nversion: 1.0.0\n"), ("templates/report.yaml", REPORT)],
    );
    fs::create_dir(chart.join("charts")).unwrap();
    for (name, package) in packages {
        fs::copy(package, chart.join(format!("charts/{name}.tgz"))).unwrap();
    }
    let output = home.program(program).args(["template", "p"]).run();
    if output.code != Some(0) {
        return Err(output.stderr);
    }
    let (mut reports, mut templates) = (BTreeMap::new(), BTreeMap::<String, Files>::new());
    for document in output.stdout.split("---\n# Source: p/").skip(1) {
        let (path, text) = document.split_once('\n').unwrap();
        if path == "templates/report.yaml" {
            for line in text.lines().filter(|line| !line.is_empty()) {
                let (name, report) = line.split_once(": ").unwrap();
                let report: serde_json::Value = serde_json::from_str(report).unwrap();
                reports.insert(name.trim_matches('"').to_owned(), report);
            }
            continue;
        }
        let (name, path) = path.strip_prefix("charts/").and_then(|path| path.split_once('/')).unwrap();
        templates.entry(name.to_owned()).or_default().insert(path.to_owned(), text.to_owned());
    }
    let loaded = |(name, _): &(String, PathBuf)| {
        let report = reports.get(name).ok_or_else(|| format!("there is no chart {name}"))?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let files =
            report["files"].as_object().unwrap().iter().map(|(path, content)| (path.clone(), text(content)));
        let own = templates.remove(name).unwrap_or_default();
        let own = own.into_iter().filter(|(path, _)| !path.starts_with("charts/"));
        Ok(Loaded {
            description: text(&report["description"]),
            values: text(&report["id"]),
            files: collect(files.chain(own)),
            subcharts: report["subcharts"].as_array().unwrap().iter().map(text).collect(),
        })
    };
    let mut loaded = loaded;
    packages.iter().map(&mut loaded).collect()
}

/// A difference as a person would want to see it.
pub fn show(name: &str, reader: &str, ours: &impl Debug, theirs: &impl Debug) -> String {
    // What fills blocks says nothing.
    let plain =
        |value: String| value.split('x').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("x");
    let (ours, theirs) = (plain(format!("{ours:?}")), plain(format!("{theirs:?}")));
    format!("{name}: {reader} reads it differently\n  ours:   {ours}\n  theirs: {theirs}\n")
}

/// Programs that unpack as well, where they are.
pub fn unpackers() -> Vec<(&'static str, PathBuf, Vec<&'static str>)> {
    let mut found = Vec::new();
    for (name, arguments) in
        [("tar", vec!["-xzf"]), ("bsdtar", vec!["--no-xattrs", "-xf"]), ("busybox", vec!["tar", "-xzf"])]
    {
        if let Some(program) = tool(name) {
            found.push((name, program, arguments));
        }
    }
    found
}
