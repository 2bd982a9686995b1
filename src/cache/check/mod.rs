//! Checks everything in the cache: what is damaged, what is missing, what the cache did not make, and what no reference
//! needs. Nothing is changed, and other processes hardly wait: the lock is held for at most some hundred links at a
//! time.

mod findings;
mod judge;
mod see;
mod steps;

pub use findings::{CacheFault, CacheProblem, Checked, Sound};
