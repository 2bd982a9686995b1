//! Completion of command lines. Shells ask by the scripts in scripts/completion, and Helm by plugin.complete. The
//! answer has Helm's form: one candidate in each line, with its description behind a tab, then `:` and a number that
//! says what else may be completed (cobra's ShellCompDirective).

mod answers;
mod files;

pub(super) use answers::{Sources, complete};
pub(super) use files::file;
