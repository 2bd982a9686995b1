//! The formats of results, and documents for programs.

use std::io::{self, BufWriter, Write};

use super::failure::CommandFailure;
use crate::yaml_text;

/// The format of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum Output {
    /// Print a table for people.
    #[default]
    Table,
    /// Print one JSON document.
    Json,
    /// Print one YAML document.
    Yaml,
}

/// The format of a result that may be a very long list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum ListOutput {
    /// Print a table for people.
    #[default]
    Table,
    /// Print one JSON document.
    Json,
    /// Print a JSON document in each line, as soon as it is known.
    Jsonl,
    /// Print one YAML document.
    Yaml,
}

/// A usage error if `-q` is combined with a document: a result is printed in one format.
pub fn one_form(output: Output, quiet: bool) -> Result<(), CommandFailure> {
    match output {
        Output::Json | Output::Yaml if quiet => {
            Err(CommandFailure::usage("-q and -o are two ways to print a result, and only one can be had"))
        }
        _ => Ok(()),
    }
}

/// Writes a result for programs as one document.
pub fn write_document(
    out: &mut dyn Write,
    output: Output,
    document: &impl serde::Serialize,
) -> Result<(), CommandFailure> {
    let text = match output {
        Output::Yaml => yaml_text::document(&serde_json::to_value(document).map_err(io::Error::other)?),
        Output::Json | Output::Table => {
            serde_json::to_string_pretty(document).map_err(io::Error::other)? + "\n"
        }
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// Writes a result that is a list, one item at a time. The output is the same as that of [`write_document`] for the
/// whole list.
pub fn write_list<T: serde::Serialize>(
    out: &mut dyn Write,
    output: Output,
    items: impl Iterator<Item = Result<T, CommandFailure>>,
) -> Result<(), CommandFailure> {
    let mut out = BufWriter::with_capacity(64 << 10, out);
    let mut is_empty = true;
    for item in items {
        let item = item?;
        let mut text = String::new();
        if output == Output::Yaml {
            yaml_text::item(&mut text, 0, &serde_json::to_value(item).map_err(io::Error::other)?);
        } else {
            text.push_str(if is_empty { "[" } else { "," });
            // JSON strings contain no line breaks.
            for line in serde_json::to_string_pretty(&item).map_err(io::Error::other)?.lines() {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        out.write_all(text.as_bytes())?;
        is_empty = false;
    }
    match (output, is_empty) {
        (_, true) => out.write_all(b"[]\n")?,
        (Output::Yaml, false) => {}
        (_, false) => out.write_all(b"\n]\n")?,
    }
    Ok(out.flush()?)
}
