//! How far a long job is, when a signal ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::failure::CommandFailure;
use super::journal::Journal;
use crate::process;

/// Counts the charts of a copy that are done. SIGINT and SIGTERM end the command as they always do, with a word about that.
#[derive(Debug)]
pub struct Tally(Arc<AtomicUsize>);

impl Tally {
    /// Of so many charts, none is done; `done_to` says what is done to them: `copied`. `journal` is where the next run finds those that are; without one it asks for each.
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

    /// One more is done.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
