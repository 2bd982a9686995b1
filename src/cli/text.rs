//! Results for people: the original's summary, and columns.

use std::io::{self, Write};
use std::path::Path;

use super::logger::printable;
use crate::verbs::Summary;

/// The four lines that every command about one chart prints.
pub fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "Name: {}", summary.name)?;
    writeln!(out, "Version: {}", summary.version)?;
    writeln!(out, "Meta: {}", summary.meta.digest)?;
    writeln!(out, "Content: {}", summary.content.digest)
}

/// Where a chart was exported to: a directory, or a package.
pub fn exported(out: &mut dyn Write, path: &Path) -> io::Result<()> {
    let is_directory = if path.is_dir() { "/" } else { "" };
    writeln!(out, "Exported to {}{is_directory}", path.display())
}

/// How many columns the terminal has that standard output is, if it is one.
pub(super) fn width() -> Option<usize> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(io::stdout())?;
    (columns > 0).then_some(columns.into())
}

/// Rows under their header, every column as wide as its widest cell. What files and other programs brought into a cell
/// can neither break it nor drive the terminal.
///
/// Where a terminal is too narrow, the first cell of each row has a line of its own, and the others stand below it.
pub fn table<R: AsRef<[String]>>(out: &mut dyn Write, header: &[&str], rows: &[R]) -> io::Result<()> {
    let header: Vec<_> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rows = rows.iter().map(|row| row.as_ref().iter().map(|cell| printable(cell)).collect());
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let text = columns(&rows)?;
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    if width().is_none_or(|width| widest <= width) {
        return out.write_all(text.as_bytes());
    }
    let below: Vec<_> = rows.iter().map(|row| row[1..].to_vec()).collect();
    let below = columns(&below)?;
    for (row, below) in rows.iter().zip(below.lines()) {
        writeln!(out, "{}\n    {below}", row[0])?;
    }
    Ok(())
}

fn columns(rows: &[Vec<String>]) -> io::Result<String> {
    // Standard output is written line by line, and each cell would be a call of its own.
    let mut columns = tabwriter::TabWriter::new(Vec::new()).padding(2).minwidth(0);
    for row in rows {
        writeln!(columns, "{}", row.join("\t"))?;
    }
    let text = columns.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(text).map_err(io::Error::other)
}
