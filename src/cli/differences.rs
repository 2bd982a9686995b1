//! Prints the differences between charts: for people, for programs, and for a comment on a pull request.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;

use super::columns::of_output;
use super::failure::Failures;
use super::logger::printable;
use super::output::{Output, write_document};
use super::text::fitted;
use crate::environment;
use crate::verbs::{ChartChange, ChartDifference};

/// The format in which differences are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum DiffOutput {
    /// Print text for people.
    #[default]
    Text,
    /// Print one JSON document.
    Json,
    /// Print one YAML document.
    Yaml,
    /// Print Markdown for a comment on GitHub.
    Github,
}

/// How many characters of a value are shown in a line.
const VALUE: usize = 80;
/// How many characters of a value are shown in a cell of a Markdown table.
const CELL: usize = 200;

/// Prints the differences between two charts.
pub fn print_differences(
    out: &mut dyn Write,
    old: &str,
    new: &str,
    difference: &ChartDifference,
    output: DiffOutput,
) -> Result<(), Failures> {
    let changes = &difference.changes;
    match output {
        DiffOutput::Json => write_document(out, Output::Json, changes)?,
        DiffOutput::Yaml => write_document(out, Output::Yaml, changes)?,
        DiffOutput::Github => out.write_all(markdown(old, new, changes).as_bytes())?,
        DiffOutput::Text => print_text(out, changes)?,
    }
    Ok(())
}

/// How many of the differences are breaking, and how many are not.
pub fn count_changes(changes: &[ChartChange]) -> String {
    let breaking = changes.iter().filter(|change| change.breaking).count();
    format!("{breaking} breaking, {} other", changes.len() - breaking)
}

fn print_text(out: &mut dyn Write, changes: &[ChartChange]) -> io::Result<()> {
    let is_coloured = io::stdout().is_terminal() && environment::variable("NO_COLOR").is_none();
    let column = changes.iter().map(|change| change.section.name().len()).max().unwrap_or_default() + 2;
    let mut text = String::new();
    for change in changes {
        let line = format!("{:column$}{}", change.section.name(), printable(&line(change)));
        // On a terminal the line is cut to its width.
        let line = of_output().map_or_else(|| line.clone(), |width| fitted(&line, width));
        let colour = match (change.breaking, change.change) {
            (true, _) => "31",
            (_, "added") => "32",
            (_, "removed") => "33",
            _ => "36",
        };
        let _ = match is_coloured {
            true => writeln!(text, "\u{1b}[{colour}m{line}\u{1b}[0m"),
            false => writeln!(text, "{line}"),
        };
    }
    if !changes.is_empty() {
        let _ = writeln!(text, "{}", count_changes(changes));
    }
    out.write_all(text.as_bytes())
}

/// One difference as a line: `image.tag: "1.4.0" -> "1.5.0"`, `+ busybox:1.36`, `- auth.legacy: true (removed; you set
/// it)`.
fn line(change: &ChartChange) -> String {
    use crate::verbs::ChartSection as S;
    let ChartChange { section, path, old, new, note, .. } = change;
    let shown =
        |value: &Option<Value>| value.as_ref().map_or_else(String::new, |value| shortened(value, VALUE));
    let mark = match change.change {
        "added" => "+ ",
        "removed" => "- ",
        _ if matches!(section, S::Crds | S::Templates | S::Files) => "~ ",
        _ => "",
    };
    let mut line = match (section, change.change) {
        (S::Crds | S::Templates | S::Files, _) => format!("{mark}{path}"),
        (S::Images, "changed") => format!("{} -> {}", plain(old), plain(new)),
        (S::Images, "added") => format!("{mark}{}", plain(new)),
        (S::Images, _) => format!("{mark}{}", plain(old)),
        (_, "added") => format!("{mark}{path}: {}", shown(new)),
        (_, "removed") => format!("{mark}{path}: {}", shown(old)),
        _ => format!("{path}: {} -> {}", shown(old), shown(new)),
    };
    if !note.is_empty() {
        let _ = match section {
            S::Crds => write!(line, ": {note}"),
            _ => write!(line, " ({note})"),
        };
    }
    line
}

fn plain(value: &Option<Value>) -> String {
    value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A value as JSON on one line, cut to `most` characters.
fn shortened(value: &Value, most: usize) -> String {
    let text = value.to_string();
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Markdown with a table for each section.
fn markdown(old: &str, new: &str, changes: &[ChartChange]) -> String {
    let mut text = format!("### {} → {}\n\n", escaped(old), escaped(new));
    if changes.is_empty() {
        return text + "No differences.\n";
    }
    let _ = writeln!(text, "**{}**", count_changes(changes));
    for section in crate::verbs::ChartSection::ALL {
        let of_section: Vec<_> = changes.iter().filter(|change| change.section == section).collect();
        if of_section.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "\n<details><summary>{section} ({})</summary>\n\n| | path | old | new | |\n|---|---|---|---|---|",
            of_section.len()
        );
        for change in of_section {
            let cell = |value: &Option<Value>| {
                value.as_ref().map_or_else(String::new, |value| code(&shortened(value, CELL)))
            };
            let mark = match (change.breaking, change.change) {
                (true, _) => ":warning:",
                (_, "added") => "+",
                (_, "removed") => "-",
                _ => "~",
            };
            let (path, note) = (code(&change.path), escaped(&change.note));
            let _ = writeln!(
                text,
                "| {mark} | {path} | {} | {} | {note} |",
                cell(&change.old),
                cell(&change.new)
            );
        }
        text.push_str("\n</details>\n");
    }
    text
}

/// A text as code in HTML, so that it contains no markup and does not end a table's cell.
fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' | '@' | '!' => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out
}
