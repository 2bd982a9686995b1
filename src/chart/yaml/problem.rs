//! What may be wrong with a document.

use crate::limits::OverBudget;

/// Why a text is not YAML that Helm reads.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Not YAML, or not go-yaml's.
    #[error("{problem} at line {line} column {column}")]
    Syntax {
        /// What is wrong, as far as Helm has words for it in these: they are what people look for.
        problem: &'static str,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Nested beyond reason.
    #[error("it is nested more than {0} deep")]
    Depth(usize),
    /// More values than any chart needs, or aliases that stand for so many.
    #[error("it holds more than {0} values")]
    Values(usize),
    /// Aliases that stand for more text than any chart needs.
    #[error("it holds more than {} MiB, with what its aliases stand for", .0 >> 20)]
    Size(u64),
    /// A number that JSON, which Helm turns YAML into, does not have.
    #[error("{0} is not a number that a chart can hold")]
    NotFinite(f64),
    /// A key that JSON does not have.
    #[error("{0} cannot be the key of a map")]
    Key(&'static str),
    /// More than the command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
}

/// What is wrong at a place of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct YamlProblem {
    pub(super) what: &'static str,
    /// From 1.
    pub(super) line: usize,
    /// From 1.
    pub(super) column: usize,
}

impl From<YamlProblem> for YamlError {
    fn from(problem: YamlProblem) -> Self {
        let YamlProblem { what, line, column } = problem;
        Self::Syntax { problem: what, line, column }
    }
}
