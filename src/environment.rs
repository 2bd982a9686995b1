//! The environment: the only place that reads it.
