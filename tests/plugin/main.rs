//! The plugin in real Helms: the ways in, what it does there, and the way out.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod alone;
mod cached_charts;
mod completion;
mod install;
mod loader_rules;
mod man;
mod release;
mod world;
