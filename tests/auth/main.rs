//! Who asks: challenges, tokens, hints and what they cost.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod budgets;
mod canary;
mod check;
mod flows;
mod identity;
mod registries;
mod world;
