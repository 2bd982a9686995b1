//! Reports how far a long job has come when a signal ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::failure::CommandFailure;
use super::journal::Journal;
use crate::process;

/// Counts the charts that a job has done. On SIGINT and SIGTERM the process ends by the signal as usual, after a
/// message with the count.
#[derive(Debug)]
pub struct Tally(Arc<AtomicUsize>);

impl Tally {
    /// Counts up to `all` charts, and sets the message for a signal. `done_to` says what is done to them: `copied`.
    /// The message's hint is that the same command goes on, from where `journal` ends if there is one.
    pub fn of(
        done_to: &'static str,
        all: usize,
        is_dry_run: bool,
        journal: Option<&Journal>,
    ) -> Result<Self, CommandFailure> {
        let done = Arc::new(AtomicUsize::new(0));
        let tally = Self(Arc::clone(&done));
        let hint = match journal {
            Some(journal) => {
                format!("the same command goes on behind what {} has", journal.path().display())
            }
            None => "the same command goes on: what is there is not sent again".to_owned(),
        };
        let tell = move || {
            let done = done.load(Ordering::SeqCst);
            if is_dry_run {
                log::error!("interrupted: {done} of {all} charts were looked at");
                return;
            }
            log::error!(
                "interrupted: {done} of {all} charts were {done_to}, and no tag stands for half of one"
            );
            log::error!(target: "hint", "{hint}");
        };
        process::before_interruption(tell)
            .map_err(|error| CommandFailure::new("cannot catch signals", &error))?;
        Ok(tally)
    }

    /// Counts one more chart as done.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
