//! What Helm makes of many documents at once.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What Helm makes of a document, or what it says against it.
pub type Answer = Result<Value, String>;

/// A template that reads a file of documents, one a line, as values.yaml is read, and writes JSON, or Helm's error. All in
/// base64, of which nothing is special to Helm.
const TEMPLATE: &str = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n\
    {{- range .Files.Lines \"documents\" }}{{ if . }}\n\
    # {{ . | trimPrefix \"-\" | b64dec | fromYaml | toJson | b64enc }}{{ end }}{{ end }}\n";

/// Reads each document with a Helm as if it were values.yaml.
pub fn values(helm: &Path, documents: &[Vec<u8>]) -> Vec<Answer> {
    let mut lines = Vec::new();
    for document in documents {
        // Helm strips it from every file that it loads, and this is none.
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        writeln!(lines, "-{}", STANDARD.encode(document)).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, content: &[u8]| fs::write(directory.path().join(path), content).unwrap();
    fs::create_dir(directory.path().join("templates")).unwrap();
    write("Chart.yaml", b"apiVersion: v2\nname: c\nversion: 1.0.0\n");
    write("templates/x.yaml", TEMPLATE.as_bytes());
    write("documents", &lines);
    let output = Command::new(helm).arg("template").arg(directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = String::from_utf8(output.stdout).unwrap();
    let answers = rendered.lines().filter_map(|line| STANDARD.decode(line.strip_prefix("# ")?).ok());
    let answers: Vec<Value> = answers.map(|json| serde_json::from_slice(&json).unwrap()).collect();
    assert_eq!(answers.len(), documents.len());
    let error =
        |value: &Value| Some(value.as_object().filter(|map| map.len() == 1)?.get("Error")?.to_string());
    answers.into_iter().map(|value| error(&value).map_or(Ok(value), Err)).collect()
}

/// What a Helm makes of the Chart.yaml of each of these packages.
pub fn charts(helm: &Path, packages: &[&[u8]]) -> Vec<Answer> {
    let file = tempfile::NamedTempFile::with_suffix(".tgz").unwrap();
    let show = |package: &&[u8]| {
        fs::write(file.path(), package).unwrap();
        let output = Command::new(helm).args(["show", "chart"]).arg(file.path()).output().unwrap();
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(output.stdout) } else { Err(said()) }
    };
    let shown: Vec<_> = packages.iter().map(show).collect();
    // It is YAML that other readers take for something else: `7e89012`.
    let texts: Vec<_> = shown.iter().flatten().cloned().collect();
    let mut read = values(helm, &texts).into_iter();
    shown.into_iter().map(|shown| shown.and_then(|_| read.next().unwrap())).collect()
}

/// What Helm 4 makes of packages, in one process.
pub fn metadata(helm4: &Path, packages: &[Vec<u8>]) -> Vec<Answer> {
    let mut helm = Command::new(helm4)
        .arg("metadata")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for package in packages {
        writeln!(lines, "{}", STANDARD.encode(package)).unwrap();
    }
    let mut stdin = helm.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&lines));
    let output = helm.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answer = |line: &str| {
        let mut answer: Value = serde_json::from_str(line).unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["metadata"].take()),
        }
    };
    String::from_utf8(output.stdout).unwrap().lines().map(answer).collect()
}
