//! Semantic versions as Helm reads them: the Go package github.com/Masterminds/semver/v3.
//!
//! It is laxer than the specification where a chart says its version (`v1`, `01.0`), strict where tags are listed, and
//! its constraints are its own language; hence no crate for it. Where its releases differ this is v3.5, of Helm 4.2.

mod constraint;
mod newest;
mod semantic;

pub use constraint::{Constraint, ConstraintError};
pub use newest::Newest;
pub use semantic::{DEVEL, Version, VersionError};
