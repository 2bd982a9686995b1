//! Man pages: one for each executable of a directory, from what it says about itself with `--describe`, which is what its
//! `--help` is made of, too; and one for each topic, from the Markdown beside this file.
//!
//!     man EXECUTABLES PAGES
//!
//! PAGES is `…/man/man1`; the topics go into `man7` beside it.

// Nobody runs this but scripts/release, and there it says what is wrong.
#![allow(clippy::print_stderr)]

mod topic;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use oci::cli::Description;
use roff::{Inline, Roff, bold, italic, roman};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [executables, pages] = words.as_slice() else {
        eprintln!("Usage: man EXECUTABLES PAGES");
        return ExitCode::from(2);
    };
    match write_all(Path::new(executables), Path::new(pages)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(executables: &Path, pages: &Path) -> Result<()> {
    let mut descriptions = Vec::new();
    for source in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/bin"))? {
        let path = source?.path();
        let name = path.file_stem().unwrap_or_default();
        let output = Command::new(executables.join(name)).arg("--describe").output()?;
        let description: Description = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{} --describe: {error}", name.to_string_lossy()))?;
        descriptions.push(description);
    }
    fs::create_dir_all(pages)?;
    let names: Vec<_> = descriptions.iter().map(|description| description.name.clone()).collect();
    let topics = pages.with_file_name("man7");
    fs::create_dir_all(&topics)?;
    for source in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/man"))? {
        let source = source?.path();
        if source.extension().is_some_and(|extension| extension == "md") {
            let name = source.file_stem().unwrap_or_default();
            fs::write(topics.join(name), topic::page(&fs::read_to_string(&source)?)?)?;
        }
    }
    for description in &descriptions {
        let page = page(description, &names);
        fs::write(pages.join(format!("{}.1", description.name)), page)?;
    }
    Ok(())
}

fn page(description: &Description, names: &[String]) -> String {
    let mut page = Roff::new();
    let name = &description.name;
    let version = concat!("helm-oci ", env!("CARGO_PKG_VERSION"));
    page.control("TH", [name.to_uppercase().as_str(), "1", "", version, "Helm charts over OCI registries"]);
    page.control("SH", ["NAME"]);
    let (summary, rest) = match description.description.split_once([':', '.']) {
        Some((summary, rest)) => (summary, rest.trim()),
        None => (description.description.as_str(), ""),
    };
    page.text([roman(format!("{name} - {summary}"))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text(synopsis(description));
    if !rest.is_empty() {
        page.control("SH", ["DESCRIPTION"]);
        page.text([roman(&description.description)]);
    }
    if !description.positionals.is_empty() {
        page.control("SH", ["ARGUMENTS"]);
        for positional in &description.positionals {
            item(&mut page, [italic(&positional.name)], &positional.description);
        }
    }
    if !description.commands.is_empty() {
        page.control("SH", ["COMMANDS"]);
        for command in &description.commands {
            let alias = if command.alias.is_empty() { String::new() } else { format!(", {}", command.alias) };
            let head = [bold(format!("{}{alias}", command.words))];
            item(&mut page, head, &format!("{}: {}(1)", command.description, command.executable));
        }
    }
    if !description.flags.is_empty() {
        page.control("SH", ["OPTIONS"]);
        for flag in &description.flags {
            let short = flag.short.map(|short| format!("-{short}, ")).unwrap_or_default();
            let mut head = vec![bold(format!("{short}{}", flag.long))];
            if let Some(value) = &flag.value {
                head.extend([roman(" "), italic(value)]);
            }
            item(&mut page, head, &flag.description);
        }
    }
    if !description.notes.is_empty() {
        page.control("SH", ["NOTES"]);
        for note in &description.notes {
            page.text([roman(note)]);
            page.control("PP", []);
        }
    }
    if !description.examples.is_empty() {
        page.control("SH", ["EXAMPLES"]);
        for example in &description.examples {
            page.control("PP", []);
            page.control("nf", []);
            page.text([roman(example)]);
            page.control("fi", []);
        }
    }
    if !description.exit_codes.is_empty() {
        page.control("SH", ["EXIT STATUS"]);
        for code in &description.exit_codes {
            item(&mut page, [bold(code.code.to_string())], &code.meaning);
        }
    }
    if !description.environment.is_empty() {
        page.control("SH", ["ENVIRONMENT"]);
        for variable in &description.environment {
            item(&mut page, [bold(&variable.name)], &variable.meaning);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    let others: Vec<_> =
        names.iter().filter(|other| *other != name).map(|other| format!("{other}(1)")).collect();
    let topics = ["cache", "credentials", "formats", "networks", "plugin", "security"]
        .map(|topic| format!("helm-oci-{topic}(7)"));
    page.text([roman([others, topics.to_vec()].concat().join(", "))]);
    page.render()
}

fn synopsis(description: &Description) -> Vec<Inline> {
    let mut line = vec![bold(&description.name)];
    if !description.flags.is_empty() {
        line.push(roman(" [options]"));
    }
    for positional in &description.positionals {
        let more = if positional.repeats { "..." } else { "" };
        let (open, close) = if positional.optional && !positional.repeats { ("[", "]") } else { ("", "") };
        line.extend([roman(format!(" {open}")), italic(&positional.name), roman(format!("{more}{close}"))]);
    }
    line
}

fn item(page: &mut Roff, head: impl IntoIterator<Item = Inline>, text: &str) {
    page.control("TP", []);
    page.text(head.into_iter().collect::<Vec<_>>());
    page.text([roman(text)]);
}
