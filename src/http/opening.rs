//! What the connection of a request may be.

/// What the connection of a request may be and bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It may have been opened earlier.
    #[default]
    Alone,
    /// The same, and another one is opened beside it, for the next request that needs one.
    Paired,
    /// It has to be a new one.
    Fresh,
}
