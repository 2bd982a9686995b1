//! How the connection of a request may be obtained.

/// How the connection of a request may be obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It may be one that was opened earlier.
    #[default]
    Alone,
    /// It may be one that was opened earlier; if there is none, a second one is opened at the same time for the next
    /// request.
    Paired,
    /// It must be a new one.
    Fresh,
}
