//! Pulls a chart from a registry into the cache, in the form of any generation of Helm.

mod arrival;
mod attached;
mod available;
mod charts;
mod download;
mod error;
mod explained;
mod fetch;
mod resolve;

pub(super) use attached::attached;
pub use available::Available;
pub use charts::{PullOptions, pull};
pub(super) use charts::{fetch_attached_again, pull_it};
pub use error::PullError;
pub(super) use explained::explained;
pub use resolve::resolve;
