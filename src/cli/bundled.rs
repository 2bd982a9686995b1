//! Prints the result of writing a bundle, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::size_and_age;
use crate::digest::Digest;
use crate::verbs::Bundled;

/// A bundle, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleDocument {
    /// The path of the file; `-` is standard output.
    pub file: String,
    /// The digest of the whole file, as `sha256sum` prints it.
    pub sha256: String,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The charts that were asked for.
    pub charts: Vec<BundledRow>,
    /// How many blobs are in it.
    pub blobs: usize,
    /// How many blobs were left out, because an older bundle has them.
    pub omitted: usize,
}

/// A chart that was asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundledRow {
    #[serde(rename = "ref")]
    reference: String,
    digest: Digest,
    attached: usize,
    /// Whether the attached manifests are known to be all: a registry was asked, now or when the chart was pulled.
    attached_known: bool,
    /// Whether it was left out because an older bundle has all of it.
    omitted: bool,
}

impl BundleDocument {
    /// The document about a bundle that was written to `file`.
    pub fn of(file: &str, bundled: &Bundled) -> Self {
        let charts = bundled.charts.iter().map(|chart| BundledRow {
            reference: chart.reference.to_string(),
            digest: chart.digest.clone(),
            attached: chart.attached,
            attached_known: chart.looked,
            omitted: !chart.is_new,
        });
        Self {
            file: file.to_owned(),
            sha256: bundled.digest.hex().to_owned(),
            bytes: bundled.size,
            charts: charts.collect(),
            blobs: bundled.blobs,
            omitted: bundled.left_out,
        }
    }
}

/// Prints one line about a bundle: `charts.tar: 12 charts, 31 attached, 118 blobs, 4.1 MiB`. If signatures were not
/// looked for, of all charts or of some, the line says so.
pub fn print_bundled(
    out: &mut dyn Write,
    file: &str,
    bundled: &Bundled,
    without_attached: bool,
) -> io::Result<()> {
    let charts = bundled.charts.len();
    let unknown = bundled.charts.iter().filter(|chart| !chart.looked).count();
    let attached: usize = bundled.charts.iter().map(|chart| chart.attached).sum();
    let attached = match unknown {
        _ if without_attached => "what is attached left behind".to_owned(),
        0 => format!("{attached} attached"),
        all if all == charts => "signatures not looked for".to_owned(),
        some => format!("{attached} attached, signatures of {some} not looked for"),
    };
    let new = bundled.charts.iter().filter(|chart| chart.is_new).count();
    let mut parts = vec![count(charts, "chart", "charts")];
    if new < charts {
        parts.push(format!("{new} new"));
    }
    parts.push(attached);
    parts.push(count(bundled.blobs, "blob", "blobs"));
    if bundled.left_out > 0 {
        parts.push(format!("{} left out", count(bundled.left_out, "blob", "blobs")));
    }
    parts.push(size_and_age::bytes(bundled.size));
    let shown = if file == "-" { "standard output" } else { file };
    writeln!(out, "{shown}: {}", parts.join(", "))?;
    writeln!(out, "Digest: {}", bundled.digest)
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
