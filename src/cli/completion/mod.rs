//! Completion: what may follow the words of a command line. Shells ask by the scripts of scripts/completion, Helm by
//! plugin.complete; the answer is in Helm's own form, one candidate a line with its description behind a tab, then `:`
//! and what else may be completed (cobra's ShellCompDirective).

mod answers;
mod files;

pub(super) use answers::{Sources, complete};
pub(super) use files::file;
