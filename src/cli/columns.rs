//! How wide the terminals are that a command writes to.

use std::io;

use terminal_size::{Height, Width, terminal_size_of};

/// How many columns the terminal has that standard output is, if it is one.
pub(super) fn of_output() -> Option<usize> {
    known(terminal_size_of(io::stdout()))
}

/// The same of standard error.
pub(super) fn of_errors() -> Option<usize> {
    known(terminal_size_of(io::stderr()))
}

fn known(size: Option<(Width, Height)>) -> Option<usize> {
    let (Width(columns), _) = size?;
    (columns > 0).then_some(columns.into())
}
