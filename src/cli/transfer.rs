//! Pushes or pulls several references in one command: in parallel, with results in the order of the arguments, and all
//! of them even if one fails.

use std::error::Error;
use std::io::{self, Write};

use super::documents::ChartDocument;
use super::failure::{CommandFailure, Failures};
use super::output::{Output, write_document};
use super::reference_hints;
use crate::reference::Reference;
use crate::threads::in_parallel;
use crate::verbs::Transferred;

/// The flags about how results are printed.
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    /// `-o`
    pub output: Output,
    /// `-q`
    pub quiet: bool,
    /// `--concurrency`
    pub at_once: usize,
}

/// Calls `work` for every reference. `verb` names the action in errors, and `print` prints a result for people.
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
        // The output was closed, or its disk is full: the transfers continue.
        Ok(_) if printed.is_err() => {}
        Ok(done) if telling.quiet => printed = print_pinned(out, &done),
        Ok(done) => {
            // Written at once, as another process may write to the same output.
            let mut text = Vec::new();
            printed = print(&mut text, &done).and_then(|()| out.write_all(&text));
        }
    };
    let references: Vec<_> = references.iter().collect();
    in_parallel(&references, telling.at_once, |reference| (*reference, work(reference)), finished);
    // If all have failed, an empty list is printed.
    let printed = match as_documents {
        true => write_document(out, telling.output, &documents),
        false => printed.map_err(CommandFailure::from),
    };
    // This comes last: a closed output is not a failure of a transfer, and must not hide one.
    failures.extend(printed.err());
    Failures::of(failures)
}

/// Prints the reference with its digest, by which pipelines pin it.
fn print_pinned(out: &mut dyn Write, done: &Transferred) -> io::Result<()> {
    let reference = Reference { digest: None, ..done.reference.clone() };
    writeln!(out, "{reference}@{}", done.manifest.digest)
}

/// Parses the references of a command line. A usage error if there are none.
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
