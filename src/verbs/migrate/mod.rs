//! A classic chart repository becomes OCI, and its packages keep their bytes.
//!
//! `source` says where packages come from, and `directory` reads those of a directory without an index; `select` says which are
//! meant, `plan` makes tasks of an index; `package` holds one while it is on its way, `migrating` has what all have in common, and
//! `one` does one task.

mod directory;
mod error;
mod migrating;
mod one;
mod package;
mod plan;
mod select;
mod source;

pub use directory::read_directory;
pub use error::MigrateError;
pub use migrating::{Migrated, Migrating, MigrationOptions, MigrationStatus, OnMismatch, SourceRegistries};
pub use plan::{Candidate, MigrationPlan, MigrationTask, Planner};
pub use select::{MigrationSelection, Renames};
pub use source::{ChartSource, PackageDirectory};
