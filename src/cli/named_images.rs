//! Prints the images of charts.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::failure::Failures;
use super::output::{Output, write_document};
use super::text::Table;
use crate::environment;
use crate::verbs::{ImageName, NamedImage};

/// The Helm executable that runs this plugin, or else `helm` on the PATH.
pub fn helm() -> PathBuf {
    environment::variable("HELM_BIN").map_or_else(|| PathBuf::from("helm"), PathBuf::from)
}

/// Prints images as a table or a document, or only their names.
pub fn print_images(
    out: &mut dyn Write,
    images: &BTreeMap<ImageName, NamedImage>,
    output: Output,
    quiet: bool,
) -> Result<(), Failures> {
    if quiet {
        let text: String = images.keys().map(|name| format!("{name}\n")).collect();
        return Ok(out.write_all(text.as_bytes())?);
    }
    if output != Output::Table {
        let rows: Vec<_> = images.iter().map(|(name, image)| document(name, image)).collect();
        return Ok(write_document(out, output, &rows)?);
    }
    if images.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["IMAGE", "ORIGIN"]).cutting();
    for (name, image) in images {
        let origins: Vec<_> = image.origins.iter().map(ToString::to_string).collect();
        table.push(&[name.as_str(), &origins.join(", ")]);
    }
    Ok(table.print(out)?)
}

fn document(name: &ImageName, image: &NamedImage) -> serde_json::Value {
    let origins: Vec<_> = image.origins.iter().map(ToString::to_string).collect();
    let digests: serde_json::Map<_, _> =
        image.digests.iter().map(|(platform, digest)| (platform.clone(), json!(digest))).collect();
    json!({
        "image": name.as_str(),
        "name": image.name,
        "charts": image.charts,
        "origin": origins,
        "digests": digests,
        "platforms": image.platforms,
    })
}
