//! What is attached to a chart: signatures, attestations, SBOMs, by all the ways in which they are found.

mod bombs;
mod cache;
pub mod carried;
mod peers;
mod registry;
pub mod signed;
mod traps;
pub mod world;
