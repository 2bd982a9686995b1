//! What the tests share: a home directory of their own, the tools they compare us with, registries, and charts.

// Every test file compiles this anew and uses a part of it; and a helper may fail as a test does, by a panic that says
// what it wanted.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::print_stderr)]

pub mod archives;
mod charts;
pub mod counter;
pub mod errno;
pub mod faults;
mod home;
mod keyring;
pub mod log_lines;
pub mod mock;
pub mod namespace;
mod registry;
pub mod stopwatch;
pub mod table;
pub mod target;
pub mod tls;
mod tools;
mod trees;
pub mod wire;

pub use charts::{copy_directory, corpus, read_tgz, write_chart};
pub use home::{Home, Output, Run};
pub use keyring::Keyring;
pub use registry::{DockerRegistry, EmbeddedRegistry};
pub use tools::{note, tool};
pub use trees::{files, snapshot};
