//! A look at everything in the cache: what is damaged, what is missing, what is not the cache's, and what no reference needs.
//! It changes nothing, and hardly holds up other processes: the lock is held only while some hundred links are read.

mod findings;
mod judge;
mod see;
mod steps;

pub use findings::{CacheFault, CacheProblem, Checked, Sound};
