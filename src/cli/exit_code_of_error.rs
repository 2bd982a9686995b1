//! The exit code and hint for each error. Those for registries and credentials are in modules of their own.
//!
//! The library's errors only state facts. What a user can do about them, and by which flag, is decided here.

use std::error::Error;
use std::io;
use std::path::Path;

use super::exit_code::{EXISTS, FAILED, MISMATCH, NOT_FOUND, UNAUTHORIZED, USAGE};
use super::version_hints::{absent, instead_of_constraint, instead_of_range, instead_of_tag};
use super::{credential_hints, reference_hints, registry_hints, repository_hints};
use crate::bundle::BundleError;
use crate::cache::CacheError;
use crate::causes::causes;
use crate::chart::ChartError;
use crate::chart_repository::RepositoryError;
use crate::credentials::stores::CredentialStoreError;
use crate::credentials::{HelperError, LookupError};
use crate::digest::Mismatch;
use crate::disk::{FileKind, Foreign, PathError};
use crate::environment::NoHome;
use crate::reference::ReferenceError;
use crate::registry;
use crate::verbs::{
    AttachedError, BrowseError, BundlingError, ClassicError, CopyError, DiffError, ExportError, FsckError,
    GetError, ImagesError, ImportError, LoadError, LookError, MigrateError, Misnamed, PullError, PushError,
    RemoteError, SaveError,
};

/// The hint if the registry has signatures that ours would replace.
const BOTH_SIGNED: &str =
    "neither is given up for the other: take away the tag, or sign there what is to be signed";

/// The hint if a registry does not say what is attached to a chart of the cache.
const UNASKED: &str = "--offline takes what the cache has, and says that signatures were not looked for";

/// The exit code and hint for an error. The outermost cause that is known decides.
pub(super) fn of(error: &(dyn Error + 'static)) -> (u8, Option<String>) {
    let (code, hint) = causes(error).find_map(known).unwrap_or((FAILED, None));
    // The exit code comes from the cause of this error.
    let is_unasked =
        |cause: &(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(BundlingError::Unasked(_)));
    match causes(error).any(is_unasked) {
        true => (code, Some(UNASKED.to_owned())),
        false => (code, hint),
    }
}

fn known(error: &(dyn Error + 'static)) -> Option<(u8, Option<String>)> {
    let hint = |text: &str| Some(text.to_owned());
    if let Some(error) = error.downcast_ref::<CacheError>() {
        return cache(error);
    }
    if let Some(error) = error.downcast_ref::<registry::RegistryError>() {
        return registry_hints::of(error);
    }
    if let Some(ClassicError::Twice(_)) = error.downcast_ref() {
        return Some((EXISTS, hint("index the two repositories into directories of their own")));
    }
    if let Some(ClassicError::SameVersion(_)) = error.downcast_ref() {
        return Some((EXISTS, None));
    }
    match error.downcast_ref::<RemoteError>() {
        Some(RemoteError::Missing) => return Some((NOT_FOUND, None)),
        Some(RemoteError::NoTarget(_)) => {
            return Some((USAGE, hint("add a tag: host[:port]/repository:tag")));
        }
        Some(RemoteError::OtherDigest(_) | RemoteError::Differs(_)) => return Some((EXISTS, None)),
        Some(RemoteError::Shared(_)) => return Some((EXISTS, hint("--all-tags removes all of them"))),
        Some(RemoteError::DeletionOff(_)) => return Some((FAILED, None)),
        _ => {}
    }
    match error.downcast_ref::<CopyError>() {
        Some(CopyError::NoTarget(_)) => {
            return Some((USAGE, hint("add a tag: host[:port]/repository:tag")));
        }
        Some(CopyError::Differs(_)) => {
            return Some((EXISTS, hint("--force gives the tag to the copy; or copy it under another name")));
        }
        Some(CopyError::NoneSelected) => return Some((NOT_FOUND, None)),
        Some(CopyError::Registry(registry::RegistryError::NotFound { request, .. })) => {
            return Some((NOT_FOUND, absent(request, "without a tag, --all copies all that there are")));
        }
        Some(CopyError::Attached(error)) => {
            if let AttachedError::Differs { .. } = **error {
                return Some((EXISTS, hint(BOTH_SIGNED)));
            }
        }
        _ => {}
    }
    if let Some(PushError::Differs(_)) = error.downcast_ref() {
        return Some((EXISTS, hint("without --no-clobber the tag is given to the chart of the cache")));
    }
    match error.downcast_ref::<MigrateError>() {
        Some(MigrateError::Differs { .. }) => {
            return Some((EXISTS, hint("--force gives the tag to the source's; --keep makes it no failure")));
        }
        Some(MigrateError::Mismatch { .. }) => {
            return Some((
                MISMATCH,
                hint("--on-mismatch=skip leaves such out, --on-mismatch=take takes what there is"),
            ));
        }
        Some(MigrateError::Provenance(_)) => {
            return Some((MISMATCH, hint("--no-prov leaves provenance files behind")));
        }
        Some(MigrateError::Recheck) => return Some((MISMATCH, None)),
        Some(MigrateError::Scheme(_)) => {
            return Some((
                FAILED,
                hint("sync the files to a directory, and migrate that; or --replace-url OLD=NEW"),
            ));
        }
        Some(MigrateError::Reference(_)) => return Some((FAILED, None)),
        _ => {}
    }
    if let Some(error) = error.downcast_ref::<RepositoryError>() {
        return repository_hints::of(error);
    }
    if let Some(BundlingError::NoTarget(reference)) = error.downcast_ref() {
        let name = reference.name();
        let all =
            format!("add a tag, or for all versions: helm oci bundle $(helm oci versions -q --all {name})");
        return Some((USAGE, Some(all)));
    }
    match error.downcast_ref::<LoadError>() {
        Some(LoadError::Differs(_) | LoadError::DiffersThere(_)) => {
            return Some((EXISTS, hint("--force gives the name to the one that is loaded")));
        }
        Some(LoadError::Attached(error)) => {
            if let AttachedError::Differs { .. } = **error {
                return Some((EXISTS, hint(BOTH_SIGNED)));
            }
        }
        Some(LoadError::Missing { since, .. }) => {
            let first = "it leaves out what another bundle has: load that one first";
            return Some((MISMATCH, (!since.is_empty()).then(|| first.to_owned())));
        }
        _ => {}
    }
    match error.downcast_ref::<BundleError>() {
        Some(BundleError::NoIndex) => {
            return Some((
                FAILED,
                hint("a packaged chart is saved, not loaded: helm oci save FILE HOST/REPOSITORY"),
            ));
        }
        Some(BundleError::Zstd) => return Some((FAILED, hint("zstd -dc FILE | helm oci chart load -"))),
        Some(BundleError::Spooled { .. }) => {
            return Some((
                FAILED,
                hint("as a file that is not compressed it is read where it is, and nothing waits"),
            ));
        }
        Some(error) if error.is_damage() => return Some((MISMATCH, None)),
        _ => {}
    }
    match error.downcast_ref::<ImportError>() {
        Some(ImportError::Odd(_)) => {
            return Some((FAILED, hint("--as oci://HOST/PATH says where it goes: PREFIX/NAME:VERSION")));
        }
        Some(ImportError::Reference(_)) => return Some((FAILED, None)),
        Some(ImportError::Differs(_)) => {
            return Some((EXISTS, hint("--force replaces it, --as imports it under another name")));
        }
        Some(ImportError::Missing(_) | ImportError::Damaged(_)) => return Some((MISMATCH, None)),
        _ => {}
    }
    if let Some(error) = error.downcast_ref::<ReferenceError>() {
        return Some((USAGE, reference_hints::of(error)));
    }
    if let Some(ExportError::Exists(_)) = error.downcast_ref() {
        return Some((EXISTS, hint("--force replaces it, -d DIR exports somewhere else")));
    }
    match error.downcast_ref::<SaveError>() {
        Some(SaveError::Chart(ChartError::NoChartYaml(None))) => {
            let what =
                "a chart is a directory with a Chart.yaml, or a .tgz of one; helm create NAME makes one";
            return Some((FAILED, hint(what)));
        }
        Some(SaveError::Digest(_)) => return Some((USAGE, None)),
        Some(SaveError::Stamp(_)) => {
            return Some((USAGE, hint("--version and --app-version are for directories: unpack it first")));
        }
        _ => {}
    }
    if let Some(PushError::Attached(error)) = error.downcast_ref()
        && let AttachedError::Differs { .. } = **error
    {
        return Some((EXISTS, hint(BOTH_SIGNED)));
    }
    if error.downcast_ref::<Misnamed>().is_some() {
        return Some((
            EXISTS,
            hint("PREFIX/NAME:VERSION is what Helm looks for; without --strict it is a warning"),
        ));
    }
    if let Some(error) = error.downcast_ref::<PullError>() {
        return match error {
            PullError::NoSuchTag { source, available } => match available {
                Some(available) => {
                    let request = match &**source {
                        registry::RegistryError::NotFound { request, .. } => Some(request),
                        _ => None,
                    };
                    Some((NOT_FOUND, Some(instead_of_tag(available, request))))
                }
                None => {
                    let registry = registry_hints::of(source)?;
                    Some((
                        registry.0,
                        hint("the registry lists no tags there, either: is the repository right?"),
                    ))
                }
            },
            PullError::NoMatch { available, .. } | PullError::NoVersions { available, .. } => {
                Some((NOT_FOUND, Some(instead_of_range(available))))
            }
            PullError::Constraint { text, .. } => Some((USAGE, instead_of_constraint(text))),
            _ => None,
        };
    }
    match error.downcast_ref::<BrowseError>() {
        Some(BrowseError::Constraint { text, .. }) => return Some((USAGE, instead_of_constraint(text))),
        Some(BrowseError::NoList { refused, .. }) => {
            let code = match refused.as_deref().and_then(registry_hints::of) {
                Some((UNAUTHORIZED, _)) => UNAUTHORIZED,
                _ => NOT_FOUND,
            };
            let choices =
                "name a repository: helm oci versions HOST/REPOSITORY; GHCR, Docker Hub and GitLab list none";
            return Some((code, hint(choices)));
        }
        _ => {}
    }
    if let Some(DiffError::Look(error)) = error.downcast_ref() {
        return look(error);
    }
    if let Some(ImagesError::Look(error)) = error.downcast_ref() {
        return look(error);
    }
    if let Some(verdict) = error.downcast_ref().and_then(look) {
        return Some(verdict);
    }
    if let Some(GetError::NoProvenance) = error.downcast_ref() {
        return Some((NOT_FOUND, None));
    }
    match error.downcast_ref::<FsckError>() {
        Some(FsckError::References { .. }) => {
            let choices = "--repair fetches them again; or pull or save them again, or remove them";
            return Some((MISMATCH, hint(choices)));
        }
        Some(FsckError::Places(_)) => {
            return Some((
                MISMATCH,
                hint("--repair leaves alone what the cache has not made: look at it, and take it away"),
            ));
        }
        Some(FsckError::Blobs(_)) => return Some((MISMATCH, hint("--repair removes them"))),
        _ => {}
    }
    if let Some(error) = error.downcast_ref::<ChartError>() {
        return chart(error);
    }
    if let Some(error) = error.downcast_ref::<LookupError>() {
        return credential_hints::of_lookup(error);
    }
    if let Some(error) = error.downcast_ref::<CredentialStoreError>() {
        return credential_hints::of_store(error);
    }
    if let Some(error) = error.downcast_ref::<HelperError>() {
        return credential_hints::of_helper(error);
    }
    if error.downcast_ref::<NoHome>().is_some() {
        return Some((FAILED, hint("set HELM_HOME to where the cache should be")));
    }
    if let Some(error) = error.downcast_ref::<PathError>() {
        return match error.source.kind() {
            // A missing file that was to be read was asked for. If a file is missing while writing, the code would
            // mislead a script.
            io::ErrorKind::NotFound if error.verb == "read" => Some((NOT_FOUND, None)),
            _ => inner_mismatch(&error.source),
        };
    }
    error.downcast_ref::<io::Error>().and_then(inner_mismatch)
}

fn inner_mismatch(error: &io::Error) -> Option<(u8, Option<String>)> {
    Mismatch::in_error(error).map(|_| (MISMATCH, None))
}

/// The code and hint for this type of error. It takes the concrete type, so that executables that do not read charts do
/// not contain it.
fn look(error: &LookError) -> Option<(u8, Option<String>)> {
    let hint = match error {
        LookError::NotInCache(_) => "without --offline the registry is asked; helm oci list shows the cache",
        LookError::NoManifest(_) | LookError::NotPushed(_) => {
            "helm oci push gives it one, and prints its digest"
        }
        _ => return None,
    };
    Some((NOT_FOUND, Some(hint.to_owned())))
}

fn cache(error: &CacheError) -> Option<(u8, Option<String>)> {
    let pull = Some("pull the reference again, or save it again".to_owned());
    match error {
        CacheError::NotFound(reference) => Some((NOT_FOUND, Some(reference_hints::instead_of(reference)))),
        CacheError::NoTag(_) => Some((USAGE, Some("add a tag: host[:port]/repository:tag".to_owned()))),
        CacheError::OtherDigest { .. } => Some((EXISTS, Some("pull the reference again".to_owned()))),
        CacheError::BrokenEntry { .. } | CacheError::Missing(_) | CacheError::Damaged { .. } => {
            Some((MISMATCH, pull))
        }
        CacheError::Foreign(error) => {
            Some((MISMATCH, Foreign::in_error(error).map(|what| foreign(what, &error.path))))
        }
        CacheError::InUse(_) => Some((FAILED, Some("--wait takes a longer time".to_owned()))),
        CacheError::Disk(_) | CacheError::Tag(_) => None,
    }
}

/// The hint for something in the cache that the cache has not made.
fn foreign(foreign: &Foreign, path: &Path) -> String {
    let path = path.display();
    match foreign.found {
        FileKind::Link => format!(
            "the cache makes no such link, and has touched nothing behind it: look where it leads, then rm '{path}'"
        ),
        FileKind::Directory | FileKind::File => {
            format!(
                "the cache makes no such thing there, and has not touched it: move '{path}' out of the cache"
            )
        }
        FileKind::Fifo | FileKind::Socket | FileKind::Device => {
            format!("the cache makes no such thing, and has not touched it: rm '{path}'")
        }
    }
}

fn chart(error: &ChartError) -> Option<(u8, Option<String>)> {
    match error {
        ChartError::LinkLeaves { .. } => {
            Some((FAILED, Some("copy the file into the chart, or name it in .helmignore".to_owned())))
        }
        ChartError::Dot => Some((
            FAILED,
            Some("tar -czf NAME.tgz NAME, or helm package NAME, packs it so that Helm finds it".to_owned()),
        )),
        // A link in the chart leads nowhere: the path that was asked for exists.
        ChartError::Disk(error) if error.source.kind() == io::ErrorKind::NotFound => Some((FAILED, None)),
        _ => None,
    }
}
