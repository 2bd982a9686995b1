//! The errors of reading YAML.

use crate::limits::OverBudget;

/// Why a text is not YAML that Helm could read.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The text is not YAML, or not as go-yaml reads it.
    #[error("{problem} at line {line} column {column}")]
    Syntax {
        /// What is wrong. It is said in Helm's words if Helm has any, because people search for these.
        problem: &'static str,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The document has more than this many levels.
    #[error("it is nested more than {0} deep")]
    Depth(usize),
    /// The document has more than this many values, those counted that aliases stand for.
    #[error("it holds more than {0} values")]
    Values(usize),
    /// The document has more than this many bytes of text, that counted which aliases stand for.
    #[error("it holds more than {} MiB, with what its aliases stand for", .0 >> 20)]
    Size(u64),
    /// The document has a number that JSON does not have, and Helm converts YAML to JSON.
    #[error("{0} is not a number that a chart can hold")]
    NotFinite(f64),
    /// The document has a key that JSON does not have. Holds the type of the key.
    #[error("{0} cannot be the key of a map")]
    Key(&'static str),
    /// The document takes more memory than the budget has left.
    #[error("{0}")]
    Memory(#[from] OverBudget),
}

/// What is wrong, and where in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct YamlProblem {
    pub(super) what: &'static str,
    /// The line, from 1.
    pub(super) line: usize,
    /// The column, from 1.
    pub(super) column: usize,
}

impl From<YamlProblem> for YamlError {
    fn from(problem: YamlProblem) -> Self {
        let YamlProblem { what, line, column } = problem;
        Self::Syntax { problem: what, line, column }
    }
}
