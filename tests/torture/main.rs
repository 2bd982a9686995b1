//! What no crash, no faulty disk, no rotten bit and no crowd of processes may do to a cache. A slice of each at every run
//! of the tests; all of it, with a table of figures, by scripts/torture.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "a panic says what failed")]

#[path = "../common/mod.rs"]
mod common;

mod attached;
mod crash;
mod crowd;
mod faults;
mod foreign;
mod oddities;
mod peers;
mod rot;
mod strace;
mod world;
