//! YAML is read as Helm reads it: what go-yaml refuses is refused, what it takes is taken, and the values are the same; but
//! for the limits that the README names. Real Helm 3.10 and 4 are asked, over documents that are made from a seed.
//!
//! A slice runs with the tests; `scripts/differential yaml` runs as many as it is told.

mod charts;
mod documents;
mod helm;
mod metadata;
mod words;

use std::io::Write as _;

use oci::limits::Budget;
use serde_json::{Map, Value};

use self::documents::Chance;
use self::helm::Answer;
use crate::common::tool;

/// How many documents go to Helm at once. It reads no file of more than 5 MiB.
const BATCH: usize = 5_000;

/// What makes a Chart.yaml of a map that does not say so.
const CHART_YAML: &str = "apiVersion: v2\nname: generated\nversion: 1.0.0\n";

/// A package of these files.
fn package(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("generated/{path}")).unwrap();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        packed.write_all(header.as_bytes()).unwrap();
        packed.write_all(content).unwrap();
        packed.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).unwrap();
    }
    packed.write_all(&[0; 1024]).unwrap();
    packed.finish().unwrap()
}

/// What we say against a package; nothing if we take it.
fn refusal(package: &[u8]) -> Option<String> {
    let error = oci::chart::inspect(package, &Budget::default()).err()?;
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    Some(format!("{error}: {}", cause.unwrap_or_default()))
}

/// Whether the README names this limit.
fn is_a_limit(refusal: &str) -> bool {
    let limits = ["it holds more than", "it is nested more than", "%TAG directives"];
    limits.iter().any(|limit| refusal.contains(limit))
}

/// With all numbers as floats, which is what they are to Helm's templates.
fn as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(list) => list.iter().map(as_floats).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), as_floats(value))).collect(),
        other => other.clone(),
    }
}

/// What a Chart.yaml with this document in it says beside what makes it one, as we keep it. Nothing where it is none.
fn ours(document: &[u8]) -> Option<Map<String, Value>> {
    let packed = package(&[("Chart.yaml", document)]);
    let metadata = oci::chart::inspect(packed.as_slice(), &Budget::default()).ok()?;
    Some(metadata.unknown.iter().map(|(key, value)| (key.clone(), as_floats(value))).collect())
}

/// The same of what Helm makes of the document. We leave out what is null.
fn theirs(answer: &Value) -> Option<Map<String, Value>> {
    let map = answer.as_object()?;
    let is_chart =
        map.get("name")? == "generated" && map.get("version")? == "1.0.0" && map.get("apiVersion")? == "v2";
    let others = map.iter().filter(|(key, value)| {
        !matches!(key.as_str(), "name" | "version" | "apiVersion") && !value.is_null()
    });
    is_chart.then(|| others.map(|(key, value)| (key.clone(), as_floats(value))).collect())
}

/// What a run counted.
#[derive(Debug, Default)]
struct Counts {
    documents: usize,
    taken: usize,
    /// Taken, and the values compared.
    compared: usize,
    /// Refused for a limit of ours.
    limits: usize,
    differences: Vec<String>,
}

impl Counts {
    fn compare(&mut self, helm: &std::path::Path, document: &[u8], answer: &Answer) {
        self.documents += 1;
        let shown = String::from_utf8_lossy(document);
        let refused = refusal(&package(&[("Chart.yaml", CHART_YAML.as_bytes()), ("values.yaml", document)]));
        let value = match (&refused, answer) {
            (Some(refusal), Ok(_)) if is_a_limit(refusal) => {
                self.limits += 1;
                return;
            }
            (Some(refusal), Ok(value)) => {
                return self
                    .differences
                    .push(format!("{shown:?}\n  Helm makes {value} of it\n  we say {refusal}"));
            }
            (None, Err(error)) => {
                return self.differences.push(format!("{shown:?}\n  Helm says {error}\n  we take it"));
            }
            (Some(_), Err(_)) => return,
            (None, Ok(value)) => value,
        };
        self.taken += 1;
        let (Some(ours), Some(theirs)) = (ours(document), theirs(value)) else { return };
        self.compared += 1;
        // Of the keys 1 and "1" Helm takes the one or the other by chance, because Go goes through a map in any order.
        let again = || (0..20).any(|_| helm::values(helm, &[document.to_vec()])[0] != *answer);
        if ours != theirs && !again() {
            self.differences.push(format!("{shown:?}\n  Helm {theirs:?}\n  we   {ours:?}"));
        }
    }

    fn settle(&self) {
        let shown: Vec<&str> = self.differences.iter().take(10).map(String::as_str).collect();
        assert!(
            self.differences.is_empty(),
            "{} of {} differ:\n{}",
            self.differences.len(),
            self.documents,
            shown.join("\n")
        );
    }
}

/// Makes documents from a seed and compares what Helm and we make of them.
fn compare(tool_name: &str, seed: u64, count: usize, make: fn(&mut Chance) -> Vec<u8>) -> Counts {
    let mut counts = Counts::default();
    let Some(helm) = tool(tool_name) else { return counts };
    let mut chance = Chance::new(seed);
    let mut left = count;
    while left > 0 {
        let documents: Vec<_> = (0..left.min(BATCH)).map(|_| make(&mut chance)).collect();
        left -= documents.len();
        for (document, answer) in documents.iter().zip(helm::values(&helm, &documents)) {
            counts.compare(&helm, document, &answer);
        }
    }
    counts
}

/// A document that is a Chart.yaml as well, if it is a map to its end.
fn document(chance: &mut Chance) -> Vec<u8> {
    let mut document = documents::document(chance);
    if document.starts_with(b"\xff\xfe") {
        document.extend(CHART_YAML.encode_utf16().flat_map(u16::to_le_bytes));
    } else if document.starts_with(b"\xfe\xff") {
        document.extend(CHART_YAML.encode_utf16().flat_map(u16::to_be_bytes));
    } else {
        document.extend(CHART_YAML.bytes());
    }
    document
}

/// A scalar, with or without a tag.
fn scalar(chance: &mut Chance) -> Vec<u8> {
    let tag = documents::tag(chance);
    format!("a: {tag} {}\n{CHART_YAML}", documents::scalar(chance)).into_bytes()
}

#[test]
fn documents_are_read_as_helm_reads_them() {
    for (helm, seed) in [("helm", 1), ("helm4", 2)] {
        let counts = compare(helm, seed, 2_000, document);
        counts.settle();
        // Were all of them refused, nothing would have been compared.
        assert!(counts.documents == 0 || counts.compared > 200, "{helm}: {counts:?}");
    }
}

#[test]
fn scalars_are_what_helm_takes_them_for() {
    for (helm, seed) in [("helm", 3), ("helm4", 4)] {
        let counts = compare(helm, seed, 2_000, scalar);
        counts.settle();
        assert!(counts.documents == 0 || counts.compared > 1_000, "{helm}: {counts:?}");
    }
}

/// For who waits for many of them.
fn report(line: &str) {
    if number("HELM_OCI_DIFFERENTIAL").is_some() {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// A number from the environment, as scripts/differential sets it.
fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// For `scripts/differential yaml`, which says how many and from where on.
#[test]
#[ignore = "it takes as long as it is told to"]
fn many_documents() {
    let count = number("HELM_OCI_DIFFERENTIAL").unwrap_or(10_000);
    let seed = number("HELM_OCI_SEED").unwrap_or(1_000_000) as u64;
    for helm in ["helm", "helm4"] {
        for (what, make) in [("documents", document as fn(&mut Chance) -> _), ("scalars", scalar)] {
            let counts = compare(helm, seed, count, make);
            let Counts { documents, taken, compared, limits, differences } = &counts;
            report(&format!(
                "{helm}: {documents} {what}, {taken} taken, {compared} compared, {limits} beyond a limit, {} differ",
                differences.len()
            ));
            counts.settle();
        }
    }
    metadata::many(seed, count / 4);
    charts::many(seed, count / 20);
}
