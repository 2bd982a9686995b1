//! The exit codes and hints for classic chart repositories.

use super::exit_code::{FAILED, NOT_FOUND, UNAUTHORIZED, USAGE};
use super::registry_hints;
use crate::chart_repository::RepositoryError;

/// The exit code and hint for an error of a repository; `None` if its cause decides.
pub(super) fn of(error: &RepositoryError) -> Option<(u8, Option<String>)> {
    use RepositoryError as E;
    let hint = |text: &str| Some(text.to_owned());
    Some(match error {
        E::NotFound { .. } => (NOT_FOUND, None),
        E::Unauthorized { from_repository: true, shown: false, .. } => {
            (UNAUTHORIZED, hint("--from-username with --from-password-stdin logs in there"))
        }
        E::Unauthorized { from_repository: true, .. } => {
            (UNAUTHORIZED, hint("the login is wrong, or may not do this: --from-username gives another one"))
        }
        E::Unauthorized { .. } => (
            UNAUTHORIZED,
            hint("it is another host than the repository's: --pass-credentials shows it the login"),
        ),
        E::Http(error) => return registry_hints::of_http(error),
        E::Address { .. } => (USAGE, hint("a repository is https://HOST/PATH, as helm repo add takes it")),
        E::Kept { .. } | E::Url { .. } | E::Refused { .. } | E::Compressed { .. } => (FAILED, None),
    })
}
