//! Loads charts with everything that is attached to them from a layout into the cache or into registries.

mod contents;
mod entry;
mod error;
mod graph;
mod inventory;
mod join;
mod loading;
mod needs;
mod send;
mod stage;
mod take;
mod task;
mod turns;

pub use error::LoadError;
pub use inventory::inventory;
pub use loading::{LayoutLoading, LoadOptions, LoadStatus, LoadedChart, OpenedLayout};
pub use task::LoadTask;
pub use turns::{LoadTurn, LoadTurns};
