//! The width of the terminals that a command writes to.

use std::io;

use terminal_size::{Height, Width, terminal_size_of};

/// The number of columns of the terminal on standard output, if it is one.
pub(super) fn of_output() -> Option<usize> {
    known(terminal_size_of(io::stdout()))
}

/// The number of columns of the terminal on standard error, if it is one.
pub(super) fn of_errors() -> Option<usize> {
    known(terminal_size_of(io::stderr()))
}

fn known(size: Option<(Width, Height)>) -> Option<usize> {
    let (Width(columns), _) = size?;
    (columns > 0).then_some(columns.into())
}
