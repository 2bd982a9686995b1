//! Writes the text of `--help` in the width of the terminal.

use super::description::Description;

/// The width of a help text without a terminal, and the largest one.
pub(super) const WIDTH: usize = 80;
/// The smallest width: on a narrower terminal almost every word would have a line of its own.
const NARROWEST: usize = 40;
/// The column where the descriptions of arguments and flags begin.
const COLUMN: usize = 20;

/// The help of an executable. `usage` is the line that the argument parser makes, and `name` is how the executable is
/// called, such as `helm oci push`.
pub(super) fn render(description: &Description, usage: &str, name: &str, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDTH);
    let mut text = fold_usage(usage, width);
    text += "\n\n";
    fold(&mut text, &description.description, 0, width);
    let positionals = description.positionals.iter().map(|one| (one.name.clone(), one.description.as_str()));
    section(&mut text, "Positional Arguments", positionals.collect(), width);
    let flags = description.flags.iter().filter(|flag| flag.long != "--help").map(|flag| {
        let short = flag.short.map(|short| format!("-{short}, ")).unwrap_or_default();
        (format!("{short}{}", flag.long), flag.description.as_str())
    });
    let help = [("-h, --help".to_owned(), "display usage information")];
    section(&mut text, "Options", flags.chain(help).collect(), width);
    let examples: Vec<_> =
        description.examples.iter().map(|line| line.replace(&description.name, name)).collect();
    lines(&mut text, "Examples", &examples, |text, line| {
        // Users copy these lines, so they are never folded.
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    });
    lines(&mut text, "Notes", &description.notes, |text, line| fold(text, line, 2, width));
    let codes = description.exit_codes.iter().map(|code| (code.code.to_string(), code.meaning.as_str()));
    narrow(&mut text, "Exit codes", codes.collect(), 3, width);
    let variables = description.environment.iter().map(|one| (one.name.clone(), one.meaning.as_str()));
    section(&mut text, "Environment", variables.collect(), width);
    text
}

fn section(text: &mut String, title: &str, rows: Vec<(String, &str)>, width: usize) {
    narrow(text, title, rows, COLUMN - 2, width);
}

/// Adds rows of a word and its meaning. The meaning has a column of its own, and starts in the next line if the word is
/// too long.
fn narrow(text: &mut String, title: &str, rows: Vec<(String, &str)>, column: usize, width: usize) {
    // On a narrow terminal that column would have room for single words only.
    let column = if width < 60 { column.min(6) } else { column };
    if !rows.is_empty() {
        *text += &format!("\n{title}:\n");
    }
    for (word, meaning) in rows {
        let mut folded = String::new();
        fold(&mut folded, meaning, column + 2, width);
        match word.len() < column {
            true => *text += &format!("  {word:column$}{}", folded.trim_start()),
            false => *text += &format!("  {word}\n{folded}"),
        }
    }
}

fn lines(text: &mut String, title: &str, lines: &[String], mut add: impl FnMut(&mut String, &str)) {
    if !lines.is_empty() {
        *text += &format!("\n{title}:\n");
        lines.iter().for_each(|line| add(text, line));
    }
}

/// Adds words to `text`, in lines of at most `width` characters that begin with `indent` blanks.
pub(super) fn fold(text: &mut String, words: &str, indent: usize, width: usize) {
    let mut column = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            column = 0;
        }
        match column {
            0 => {
                text.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            _ => {
                text.push(' ');
                column += 1;
            }
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}

/// The line `Usage: …`, folded between options.
fn fold_usage(usage: &str, width: usize) -> String {
    const INDENT: &str = "\n      ";
    let mut folded = String::new();
    let mut column = 0;
    for option in usage.split_inclusive(" [") {
        if column + option.len() > width {
            folded.truncate(folded.trim_end_matches(" [").len());
            folded += INDENT;
            folded.push('[');
            column = INDENT.len();
        }
        folded += option;
        column += option.len();
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_is_folded_between_options() {
        for (usage, folded) in [
            ("Usage: a [-q] [--] <path>".to_owned(), "Usage: a [-q] [--] <path>".to_owned()),
            (
                format!("Usage: a{} <x>", " [--b <c>]".repeat(9)),
                format!("Usage: a{}\n      {} <x>", " [--b <c>]".repeat(7), " [--b <c>]".repeat(2).trim()),
            ),
        ] {
            assert_eq!(fold_usage(&usage, 80), folded);
        }
    }

    #[test]
    fn words_are_folded_at_the_width() {
        let folded = |words, indent, width| {
            let mut text = String::new();
            fold(&mut text, words, indent, width);
            text
        };
        assert_eq!(folded("one two three", 0, 7), "one two\nthree\n");
        assert_eq!(folded("one two three", 2, 7), "  one\n  two\n  three\n");
        assert_eq!(folded("größe ab", 0, 8), "größe ab\n");
        assert_eq!(folded("", 4, 8), "\n");
    }
}
