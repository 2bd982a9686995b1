//! The plugin in real Helms: the ways in, what it does there, and the way out.

mod alone;
mod cached_charts;
mod completion;
mod install;
mod loader_rules;
mod man;
mod release;
mod world;
