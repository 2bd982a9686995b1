//! What can go wrong with a migration.

use crate::chart::ChartError;
use crate::chart_index::IndexError;
use crate::chart_repository::RepositoryError;
use crate::digest::Digest;
use crate::disk::PathError;
use crate::limits::OverBudget;
use crate::reference::ReferenceError;
use crate::registry;
use crate::verbs::copy::CopyError;

/// Why a version of a chart was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The source did not give it.
    #[error("{0}")]
    Source(#[from] RepositoryError),
    /// A file of the source cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The index cannot be read.
    #[error("{0}")]
    Index(#[from] IndexError),
    /// The destination refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// The index points to another registry, and it could not be copied from there.
    #[error("{0}")]
    Copy(#[source] Box<CopyError>),
    /// What the source gives is no chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The chart's name cannot be a repository's, or its version no tag.
    #[error("{0}")]
    Reference(#[from] ReferenceError),
    /// A URL that means nothing to anybody but the server that wrote it.
    #[error("the scheme of {0} is none that charts are fetched by")]
    Scheme(String),
    /// What came has not the digest that the index has.
    #[error("the package has the digest {found}, and the index says {}", expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))]
    Mismatch {
        /// Those of the index.
        expected: Vec<Digest>,
        /// That of what came.
        found: Digest,
    },
    /// The provenance file is about something else.
    #[error("the provenance file does not name the package's digest {0}")]
    Provenance(Digest),
    /// The package is of another chart, or of another version.
    #[error("the package is of {found}, and the index calls it {expected}")]
    Misnamed {
        /// What the index says.
        expected: String,
        /// What Chart.yaml says.
        found: String,
    },
    /// The destination has something else under that name.
    #[error("the registry has {there}, and the source another chart{}", of(source_digest.as_ref()))]
    Differs {
        /// The manifest that is there.
        there: Digest,
        /// The chart's digest at the source, if the index says it.
        source_digest: Option<Digest>,
    },
    /// What was looked at once more is not what the index says.
    #[error("the registry has no chart under that name, or another one than the index says")]
    Recheck,
    /// The manifest could not be written down.
    #[error("cannot write the manifest")]
    Json(#[from] serde_json::Error),
    /// It takes too much memory.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// No room for what is on its way.
    #[error("no place for what is on its way")]
    Temporary(#[source] std::io::Error),
}

impl MigrateError {
    /// Whether nobody is there to be asked, after all that was waited for: the connection was refused.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Registry(registry::RegistryError::Http(error))
            | Self::Source(RepositoryError::Http(error)) => error.is_refused(),
            _ => false,
        }
    }
}

fn of(digest: Option<&Digest>) -> String {
    digest.map(|digest| format!(", {digest}")).unwrap_or_default()
}

impl From<CopyError> for MigrateError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Registry(error) => Self::Registry(error),
            CopyError::Differs(there) => Self::Differs { there, source_digest: None },
            error => Self::Copy(Box::new(error)),
        }
    }
}
