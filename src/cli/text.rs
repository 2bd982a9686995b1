//! Results for people: the original's summary, and columns.

use std::io::{self, Write};

use super::logger::printable;
use crate::verbs::Summary;

/// The four lines that every command about one chart prints.
pub fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "Name: {}", summary.name)?;
    writeln!(out, "Version: {}", summary.version)?;
    writeln!(out, "Meta: {}", summary.meta.digest)?;
    writeln!(out, "Content: {}", summary.content.digest)
}

/// Rows under their header, every column as wide as its widest cell. What files and other programs brought into a cell
/// can neither break it nor drive the terminal.
pub fn table<R: AsRef<[String]>>(out: &mut dyn Write, header: &[&str], rows: &[R]) -> io::Result<()> {
    // Standard output is written line by line, and each cell would be a call of its own.
    let mut columns = tabwriter::TabWriter::new(Vec::new()).padding(2).minwidth(0);
    writeln!(columns, "{}", header.join("\t"))?;
    for row in rows {
        let cells: Vec<_> = row.as_ref().iter().map(|cell| printable(cell)).collect();
        writeln!(columns, "{}", cells.join("\t"))?;
    }
    out.write_all(&columns.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}
