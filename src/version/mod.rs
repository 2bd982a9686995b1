//! Semantic versions as Helm reads them, with the Go package github.com/Masterminds/semver/v3.
//!
//! The package is laxer than the specification where it reads the version of a chart (`v1`, `01.0`) and strict where it
//! reads tags. Its constraints are a language of its own, so no crate serves. Where releases of the package differ,
//! this follows v3.5, which Helm 4.2 has.

mod constraint;
mod newest;
mod semantic;

pub use constraint::{Constraint, ConstraintError};
pub use newest::Newest;
pub use semantic::{DEVEL, Version, VersionError};
