//! Prints the parts of a chart, for `show`.

use std::io::Write;
use std::str::FromStr;

use serde_json::{Value, json};

use super::failure::{CommandFailure, Failures};
use super::looking::write_file;
use super::output::{Output, write_document};
use super::{size_and_age, text};
use crate::chart::{ChartError, ChartView, Metadata, ViewedFile};
use crate::verbs::DependencyRow;

/// A part of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartPart {
    /// Chart, values, readme and custom resource definitions together.
    All,
    /// The contents of Chart.yaml.
    Chart,
    /// values.yaml.
    Values,
    /// The readme file.
    Readme,
    /// Custom resource definitions.
    Crds,
    /// values.schema.json.
    Schema,
    /// The paths and sizes of all files.
    Files,
    /// One file, byte for byte.
    File,
    /// The dependencies and whether the chart contains them.
    Deps,
    /// The manifest of the chart in its registry.
    Manifest,
}

impl FromStr for ChartPart {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "all" => Self::All,
            "chart" | "metadata" | "Chart.yaml" => Self::Chart,
            "values" | "value" | "values.yaml" => Self::Values,
            "readme" | "README" | "README.md" => Self::Readme,
            "crds" | "crd" => Self::Crds,
            "schema" | "values.schema.json" => Self::Schema,
            "files" | "ls" => Self::Files,
            "file" | "cat" => Self::File,
            "deps" | "dep" | "dependency" | "dependencies" => Self::Deps,
            "manifest" => Self::Manifest,
            _ => {
                return Err(format!(
                    "`{word}` is no part of a chart: all, chart, values, readme, crds, schema, files, file, deps, manifest"
                ));
            }
        })
    }
}

/// How parts are printed.
#[derive(Clone, Copy, Debug)]
pub struct Showing {
    /// `-o`
    pub output: Output,
    /// `-q`
    pub quiet: bool,
}

/// Prints the metadata of a chart, as `helm show chart` does.
pub fn show_metadata(out: &mut dyn Write, metadata: &Metadata, output: Output) -> Result<(), Failures> {
    match output {
        Output::Table => {
            let text = metadata.to_helm_yaml().map_err(CommandFailure::from)? + "\n";
            Ok(write_file(out, text.as_bytes())?)
        }
        _ => Ok(write_document(out, output, &metadata.to_json().map_err(CommandFailure::from)?)?),
    }
}

/// Prints a part that consists of files. Returns whether the chart has it.
pub fn show_files(
    out: &mut dyn Write,
    view: &ChartView<'_>,
    part: ChartPart,
    output: Output,
) -> Result<bool, Failures> {
    let file = match part {
        ChartPart::Values => view.values(),
        ChartPart::Readme => view.readme(),
        ChartPart::Schema => view.schema(),
        ChartPart::Crds => return show_crds(out, view, output),
        _ => return show_all(out, view, output).map(|()| true),
    };
    if output != Output::Table {
        let document =
            file.map_or(Ok(Value::Null), |file| parsed(view, part, file)).map_err(CommandFailure::from)?;
        write_document(out, output, &document)?;
    } else if let Some(file) = file {
        write_with_end(out, view, file)?;
    }
    Ok(file.is_some())
}

/// The content of a file: YAML and JSON as values, anything else as text.
fn parsed(view: &ChartView<'_>, part: ChartPart, file: &ViewedFile) -> Result<Value, ChartError> {
    match part {
        // JSON is a subset of YAML.
        ChartPart::Values | ChartPart::Schema => view.read_yaml(file),
        _ => Ok(String::from_utf8_lossy(&view.read(file)?).into()),
    }
}

/// Writes a file as Helm prints it, with a line break behind it.
fn write_with_end(
    out: &mut dyn Write,
    view: &ChartView<'_>,
    file: &ViewedFile,
) -> Result<(), CommandFailure> {
    write_file(out, &view.read(file)?)?;
    Ok(out.write_all(b"\n")?)
}

/// Prints custom resource definitions as Helm 4 does, with `---` between them. Helm 3 leaves that out, so that several
/// are not valid YAML.
fn show_crds(out: &mut dyn Write, view: &ChartView<'_>, output: Output) -> Result<bool, Failures> {
    let mut any = false;
    let mut documents = Vec::new();
    for (chart, file) in view.crds() {
        any = true;
        let content = view.read(file).map_err(CommandFailure::from)?;
        if output != Output::Table {
            documents.push(json!({
                "path": chart.full_path(file), "content": String::from_utf8_lossy(&content)
            }));
            continue;
        }
        if !content.starts_with(b"---") {
            out.write_all(b"---\n")?;
        }
        write_file(out, &content)?;
        out.write_all(b"\n")?;
    }
    if output != Output::Table {
        write_document(out, output, &documents)?;
    }
    Ok(any)
}

fn show_all(out: &mut dyn Write, view: &ChartView<'_>, output: Output) -> Result<(), Failures> {
    if output != Output::Table {
        let part = |part, file: Option<&ViewedFile>| {
            file.map_or(Ok(Value::Null), |file| parsed(view, part, file)).map_err(CommandFailure::from)
        };
        let crds: Result<Vec<_>, ChartError> = view
            .crds()
            .map(|(chart, file)| {
                let content = view.read(file)?;
                let (path, content) = (chart.full_path(file), String::from_utf8_lossy(&content));
                Ok(json!({ "path": path, "content": content }))
            })
            .collect();
        let document = json!({
            "chart": view.metadata().to_json().map_err(CommandFailure::from)?,
            "values": part(ChartPart::Values, view.values())?,
            "readme": part(ChartPart::Readme, view.readme())?,
            "crds": crds.map_err(CommandFailure::from)?,
        });
        return Ok(write_document(out, output, &document)?);
    }
    show_metadata(out, view.metadata(), output)?;
    for file in [view.values(), view.readme()].into_iter().flatten() {
        out.write_all(b"---\n")?;
        write_with_end(out, view, file)?;
    }
    show_crds(out, view, output).map(drop)
}

/// Prints the paths and sizes of all files.
pub fn show_paths(out: &mut dyn Write, view: &ChartView<'_>, showing: Showing) -> Result<(), Failures> {
    let mut rows: Vec<_> =
        view.all_files().map(|(chart, file)| (chart.full_path(file), file.size())).collect();
    rows.sort();
    if showing.quiet {
        let text: String = rows.iter().map(|(path, _)| format!("{path}\n")).collect();
        return Ok(write_file(out, text.as_bytes())?);
    }
    if showing.output != Output::Table {
        let rows: Vec<_> = rows.iter().map(|(path, size)| json!({ "path": path, "size": size })).collect();
        return Ok(write_document(out, showing.output, &rows)?);
    }
    let rows: Vec<_> = rows.into_iter().map(|(path, size)| [path, size_and_age::bytes(size)]).collect();
    Ok(text::table(out, &["PATH", "SIZE"], &rows)?)
}

/// Prints dependencies, and whether the chart contains them.
pub fn show_dependencies(
    out: &mut dyn Write,
    rows: &[DependencyRow],
    showing: Showing,
) -> Result<(), Failures> {
    if showing.quiet {
        let text: String = rows.iter().map(|row| format!("{}\n", row.declared.name)).collect();
        return Ok(write_file(out, text.as_bytes())?);
    }
    if showing.output != Output::Table {
        return Ok(write_document(out, showing.output, &rows)?);
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|DependencyRow { declared, status, bundled }| {
            let name = match declared.alias.as_str() {
                "" => declared.name.clone(),
                alias => format!("{} ({alias})", declared.name),
            };
            let bundled = bundled.clone().unwrap_or_else(|| "-".to_owned());
            [name, declared.version.clone(), declared.repository.clone(), status.to_string(), bundled]
        })
        .collect();
    Ok(text::table(out, &["NAME", "VERSION", "REPOSITORY", "STATUS", "BUNDLED"], &rows)?)
}
