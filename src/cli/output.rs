//! In which form a result is printed, and documents for programs.

use std::io::{self, BufWriter, Write};

use super::failure::CommandFailure;
use crate::yaml_text;

/// How a result is to be printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// As one JSON document.
    Json,
    /// As one YAML document.
    Yaml,
}

/// The same for what may be a list without an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum ListOutput {
    /// For people.
    #[default]
    Table,
    /// As one JSON document.
    Json,
    /// As one JSON document a line, each as soon as there is something to tell.
    Jsonl,
    /// As one YAML document.
    Yaml,
}

/// A result is printed in one form. `-q` is one of its own.
pub fn one_form(output: Output, quiet: bool) -> Result<(), CommandFailure> {
    match output {
        Output::Json | Output::Yaml if quiet => {
            Err(CommandFailure::usage("-q and -o are two ways to print a result, and only one can be had"))
        }
        _ => Ok(()),
    }
}

/// Writes a result for programs: one document.
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

/// Writes a result for programs that is a list, item by item, as [`write_document`] writes it whole.
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
            // No string of JSON has a line break in it.
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
