//! Results for people: the original program's summary, and tables.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::logger::printable;
use crate::verbs::Summary;

/// Prints the four lines about one chart that several commands share.
pub fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "Name: {}", summary.name)?;
    writeln!(out, "Version: {}", summary.version)?;
    writeln!(out, "Meta: {}", summary.meta.digest)?;
    writeln!(out, "Content: {}", summary.content.digest)
}

/// Prints the path of the directory or package that a chart was exported to.
pub fn exported(out: &mut dyn Write, path: &Path) -> io::Result<()> {
    let is_directory = if path.is_dir() { "/" } else { "" };
    writeln!(out, "Exported to {}{is_directory}", path.display())
}

/// A table with a header, whose columns are as wide as their widest cells. Text from files and other programs in a cell
/// can neither break the table nor control the terminal.
///
/// If the terminal is too narrow, the first cell of each row gets a line of its own, and the others follow below it.
#[derive(Debug, Default)]
pub struct Table {
    /// All rows, each ended by a newline, with tabs between the cells. There may be a hundred thousand rows.
    text: String,
    widths: Vec<usize>,
    /// Whether cells of the last column are cut if the terminal is too narrow.
    cuts: bool,
}

/// The least width of a column that is cut.
const LEAST: usize = 16;

impl Table {
    /// A table with a header and no rows.
    pub fn new(header: &[&str]) -> Self {
        let mut table = Self::default();
        table.push(header);
        table
    }

    /// The same table, with a last column that may be cut to fit the terminal.
    #[must_use]
    pub fn cutting(self) -> Self {
        Self { cuts: true, ..self }
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

    /// Prints the table.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        // Standard output flushes at each line, so everything is collected first.
        let mut out = BufWriter::with_capacity(64 << 10, out);
        self.print_within(&mut out, super::columns::of_output())?;
        out.flush()
    }

    fn print_within(&self, out: &mut impl Write, width: Option<usize>) -> io::Result<()> {
        let widest = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut widths = self.widths.clone();
        // Narrows the last column as needed, given the indentation. Returns whether it keeps enough width.
        let fit = |widths: &mut [usize], indent: usize| {
            let Some(width) = width else { return true };
            let excess = (indent + widest(widths)).saturating_sub(width);
            let Some(last) = widths.last_mut().filter(|_| self.cuts && excess > 0) else {
                return excess == 0;
            };
            let whole = *last;
            *last = whole.saturating_sub(excess).max(1);
            whole >= excess + LEAST.min(whole)
        };
        let is_narrow = !fit(&mut widths, 0) && widths.len() > 1;
        if is_narrow {
            widths.clone_from(&self.widths);
            fit(&mut widths[1..], INDENT);
        }
        for row in self.text.lines() {
            match row.split_once('\t').filter(|_| is_narrow) {
                Some((first, below)) => {
                    write!(out, "{first}\n{:INDENT$}", "")?;
                    columns(out, below, &widths[1..], self.cuts)?;
                }
                None => columns(out, row, &widths, self.cuts)?,
            }
        }
        Ok(())
    }
}

/// The space between two columns.
const GAP: usize = 2;
/// The indentation of the cells below the first one of a row.
const INDENT: usize = 4;

fn columns(out: &mut impl Write, row: &str, widths: &[usize], cuts: bool) -> io::Result<()> {
    let mut cells = row.split('\t').zip(widths).peekable();
    while let Some((cell, width)) = cells.next() {
        if cells.peek().is_some() {
            let padding = width + GAP - cell.width();
            write!(out, "{cell}{:padding$}", "")?;
        } else if cuts && cell.width() > *width {
            out.write_all(cut(cell, *width).as_bytes())?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    writeln!(out)
}

/// A line, cut to the width of the terminal if it is longer.
pub(super) fn fitted(line: &str, width: usize) -> String {
    if line.width() <= width { line.to_owned() } else { cut(line, width) }
}

/// The beginning of a text that fits into this width, with a mark where it was cut.
fn cut(text: &str, width: usize) -> String {
    let mut kept = String::new();
    let mut room = width.saturating_sub(1);
    for character in text.chars() {
        let wide = character.width().unwrap_or_default();
        if wide > room {
            break;
        }
        room -= wide;
        kept.push(character);
    }
    kept.truncate(kept.trim_end().len());
    kept + "…"
}

/// Prints a table of a few rows.
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

    #[test]
    fn a_table_that_may_be_cut_fits_the_terminal() {
        let mut table = Table::new(&["NAME", "VERSION", "DESCRIPTION"]).cutting();
        table.push(&["web", "1.0.0", "what a web server needs to be one, and 中文字 besides"]);
        let printed = |width| {
            let mut out = Vec::new();
            table.print_within(&mut out, Some(width)).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
            text
        };
        assert!(
            printed(80).ends_with("web   1.0.0    what a web server needs to be one, and 中文字 besides\n")
        );
        assert_eq!(printed(40), "NAME  VERSION  DESCRIPTION\nweb   1.0.0    what a web server needs…\n");
        assert_eq!(printed(22), "NAME\n    VERSION  DESCRIPT…\nweb\n    1.0.0    what a w…\n");
        assert_eq!(printed(30), "NAME\n    VERSION  DESCRIPTION\nweb\n    1.0.0    what a web serve…\n");
    }
}
