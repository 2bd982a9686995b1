//! Several references pushed or pulled by one command: at once, their results in the order in which they were given, and
//! one that fails stops no other.

use std::error::Error;
use std::io::{self, Write};

use super::documents::ChartDocument;
use super::failure::{CommandFailure, Failures};
use super::output::{Output, write_document};
use super::reference_hints;
use crate::reference::Reference;
use crate::threads::in_parallel;
use crate::verbs::Transferred;

/// What the flags of a command say about how its results are told.
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    /// `-o`
    pub output: Output,
    /// `-q`
    pub quiet: bool,
    /// `--concurrency`
    pub at_once: usize,
}

/// Does `work` for every reference. `verb` is what it is called in an error, `print` how a result is told to people.
pub fn transfer<E: Error + Send + 'static>(
    out: &mut dyn Write,
    verb: &str,
    references: &[Reference],
    telling: Telling,
    work: impl Fn(&Reference) -> Result<Transferred, E> + Sync,
    print: impl Fn(&mut dyn Write, &Transferred) -> io::Result<()>,
) -> Result<(), Failures> {
    let as_documents = telling.output != Output::Table;
    let (mut documents, mut failures, mut printed) = (Vec::new(), Vec::new(), Ok(()));
    let finished = |(reference, result): (&Reference, Result<Transferred, E>)| match result {
        Err(error) => failures.push(CommandFailure::new(&format!("cannot {verb} {reference}"), &error)),
        Ok(done) if as_documents => documents.push(ChartDocument::of_transferred(&done)),
        // The reader of our output has gone, or the disk that it goes to is full: the transfers go on.
        Ok(_) if printed.is_err() => {}
        Ok(done) if telling.quiet => printed = print_pinned(out, &done),
        Ok(done) => {
            // In one piece: another process may write to the same place.
            let mut text = Vec::new();
            printed = print(&mut text, &done).and_then(|()| out.write_all(&text));
        }
    };
    let references: Vec<_> = references.iter().collect();
    in_parallel(&references, telling.at_once, |reference| (*reference, work(reference)), finished);
    // Where all have failed there is an empty list.
    let printed = match as_documents {
        true => write_document(out, telling.output, &documents),
        false => printed.map_err(CommandFailure::from),
    };
    // The last one: a reader that has gone is no failure of a transfer, and does not cover up one.
    failures.extend(printed.err());
    Failures::of(failures)
}

/// The reference with its digest: what pipelines pin.
fn print_pinned(out: &mut dyn Write, done: &Transferred) -> io::Result<()> {
    let reference = Reference { digest: None, ..done.reference.clone() };
    writeln!(out, "{reference}@{}", done.manifest.digest)
}

/// The references of a command line. None at all is a wrong call.
pub fn references(name: &str, texts: &[String]) -> Result<Vec<Reference>, CommandFailure> {
    if texts.is_empty() {
        return Err(
            CommandFailure::usage("which reference? none is given").hint(super::misused::help_hint(name))
        );
    }
    let reference = |text: &String| {
        let advice = || reference_hints::of_argument(name, text, texts);
        super::given::reference(text).map_err(|failure| match advice() {
            Some(advice) => failure.hint(advice),
            None => failure,
        })
    };
    texts.iter().map(reference).collect()
}
