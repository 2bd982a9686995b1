//! The project's own sources and dependencies: which may use which.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic says what failed")]

#[path = "../common/mod.rs"]
mod common;

mod dependencies;
mod layering;
mod names;
mod promises;
