//! Results for people: the original's summary, and columns.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

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

/// Rows under their header, every column as wide as its widest cell. What files and other programs brought into a cell
/// can neither break it nor drive the terminal.
///
/// Where a terminal is too narrow, the first cell of each row has a line of its own, and the others stand below it.
#[derive(Debug, Default)]
pub struct Table {
    /// All rows, each ended by a newline, with a tab between two cells: there may be a hundred thousand.
    text: String,
    widths: Vec<usize>,
}

impl Table {
    /// A table without rows.
    pub fn new(header: &[&str]) -> Self {
        let mut table = Self::default();
        table.push(header);
        table
    }

    /// Adds a row.
    pub fn push<S: AsRef<str>>(&mut self, cells: &[S]) {
        for (column, cell) in cells.iter().enumerate() {
            let cell = printable(cell.as_ref());
            if column > 0 {
                self.text.push('\t');
            }
            self.text.push_str(&cell);
            match self.widths.get_mut(column) {
                Some(width) => *width = cell.width().max(*width),
                None => self.widths.push(cell.width()),
            }
        }
        self.text.push('\n');
    }

    /// Writes it down.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        // Standard output is written line by line, and each cell would be a call of its own.
        let mut out = BufWriter::with_capacity(64 << 10, out);
        let widest = self.widths.iter().sum::<usize>() + GAP * self.widths.len().saturating_sub(1);
        let is_narrow = super::columns::of_output().is_some_and(|width| width < widest);
        for row in self.text.lines() {
            match row.split_once('\t').filter(|_| is_narrow) {
                Some((first, below)) => {
                    write!(out, "{first}\n    ")?;
                    columns(&mut out, below, &self.widths[1..])?;
                }
                None => columns(&mut out, row, &self.widths)?,
            }
        }
        out.flush()
    }
}

/// Between two columns.
const GAP: usize = 2;

fn columns(out: &mut impl Write, row: &str, widths: &[usize]) -> io::Result<()> {
    let mut cells = row.split('\t').zip(widths).peekable();
    while let Some((cell, width)) = cells.next() {
        let padding = if cells.peek().is_some() { width + GAP - cell.width() } else { 0 };
        write!(out, "{cell}{:padding$}", "")?;
    }
    writeln!(out)
}

/// The same, of rows that are few.
pub fn table<R: AsRef<[String]>>(out: &mut dyn Write, header: &[&str], rows: &[R]) -> io::Result<()> {
    let mut table = Table::new(header);
    rows.iter().for_each(|row| table.push(row.as_ref()));
    table.print(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let mut table = Table::new(&["REF", "NAME", "SIZE"]);
        table.push(&["localhost:5000/a:1", "ä", "1 B"]);
        table.push(&["b", "中文字", "100 B"]);
        table.push(&["", "x\ty\n", "10.0 KiB"]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        let expected = "\
REF                 NAME          SIZE
localhost:5000/a:1  ä             1 B
b                   中文字        100 B
                    x\\u{9}y\\u{a}  10.0 KiB
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
