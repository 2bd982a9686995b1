//! Every exit code and every hint that the program can give, on one page.
//!
//! The library's errors know facts; what a user can do about them, and with which flag, is known here.

use std::error::Error;
use std::io;
use std::path::Path;

use super::exit_code::{EXISTS, FAILED, MISMATCH, NOT_FOUND, UNAUTHORIZED, UNREACHABLE, USAGE};
use super::reference_hints;
use super::version_hints::{absent, instead_of_constraint, instead_of_range, instead_of_tag};
use crate::bundle::BundleError;
use crate::cache::CacheError;
use crate::causes::causes;
use crate::chart::ChartError;
use crate::credential::{CredentialOrigin, CredentialPlace, Owner};
use crate::credentials::stores::CredentialStoreError;
use crate::credentials::{Account, FileError, HelperError, LookupError};
use crate::digest::Mismatch;
use crate::disk::{FileKind, Foreign, PathError};
use crate::environment::{self, NoHome};
use crate::http::{self, RedirectRefusal, TlsFailure};
use crate::reference::{Host, ReferenceError};
use crate::registry;
use crate::verbs::{
    AttachedError, BrowseError, BundlingError, CopyError, DiffError, ExportError, FsckError, GetError,
    ImagesError, ImportError, LoadError, LookError, Misnamed, PullError, PushError, RemoteError, SaveError,
};

/// Where a credential can be instead. Nothing is ever written in clear text that somebody has not asked for.
const IN_A_FILE: &str = "--store=file keeps it in Helm's file, in clear text unless that has a credsStore";

/// And where it need not be kept.
const NOWHERE: &str = "HELM_OCI_USERNAME and HELM_OCI_PASSWORD keep it nowhere";

/// Where a registry has signatures that ours would take the place of.
const BOTH_SIGNED: &str =
    "neither is given up for the other: take away the tag, or sign there what is to be signed";

/// Where a registry does not say what is attached to a chart of the cache.
const UNASKED: &str = "--offline takes what the cache has, and says that signatures were not looked for";

/// The keyring that needs nothing to run, where it is not the one that fails.
fn kernels_keyring() -> &'static str {
    match environment::keyring().as_deref() {
        Some("keyutils") => "",
        _ if cfg!(target_os = "linux") => "HELM_OCI_KEYRING=keyutils in the kernel's, until the next start; ",
        _ => "",
    }
}

/// The exit code of an error, and what to do about it. The outermost cause that is known decides.
pub(super) fn verdict(error: &(dyn Error + 'static)) -> (u8, Option<String>) {
    let (code, hint) = causes(error).find_map(known).unwrap_or((FAILED, None));
    // The code is that of what is behind it.
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
        return registry(error);
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
    if let Some(BundlingError::NoTarget(_)) = error.downcast_ref() {
        return Some((USAGE, hint("add a tag: host[:port]/repository:tag")));
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
                    let registry = registry(source)?;
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
            let code = match refused.as_deref().and_then(registry) {
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
        return lookup(error);
    }
    if let Some(error) = error.downcast_ref::<CredentialStoreError>() {
        return store(error);
    }
    if let Some(error) = error.downcast_ref::<HelperError>() {
        return helper(error);
    }
    if error.downcast_ref::<NoHome>().is_some() {
        return Some((FAILED, hint("set HELM_HOME to where the cache should be")));
    }
    if let Some(error) = error.downcast_ref::<PathError>() {
        return match error.source.kind() {
            // What was asked for. Where something is to be written, a script would look for it in vain.
            io::ErrorKind::NotFound if error.verb == "read" => Some((NOT_FOUND, None)),
            _ => inner_mismatch(&error.source),
        };
    }
    error.downcast_ref::<io::Error>().and_then(inner_mismatch)
}

fn inner_mismatch(error: &io::Error) -> Option<(u8, Option<String>)> {
    Mismatch::in_error(error).map(|_| (MISMATCH, None))
}

/// Typed, and not as any error, so that executables that look at no charts know nothing of those that do.
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

/// What to do about something that lies in the cache and is not the cache's.
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
        // A link in the chart that leads nowhere: what was asked for is there.
        ChartError::Disk(error) if error.source.kind() == io::ErrorKind::NotFound => Some((FAILED, None)),
        _ => None,
    }
}

fn registry(error: &registry::RegistryError) -> Option<(u8, Option<String>)> {
    use registry::RegistryError as E;
    Some(match error {
        E::NotFound { request, .. } => (NOT_FOUND, absent(request, "without a tag the newest is pulled")),
        E::Unauthorized { from_registry: true, shown: Some(origin), unfit: true, .. } => {
            (UNAUTHORIZED, Some(format!("it wants a user and a password, and {origin} is a token")))
        }
        E::Unauthorized { from_registry: true, request, shown: None, .. } => {
            (UNAUTHORIZED, Some(format!("helm oci registry login {}", host_of(request.url()))))
        }
        E::Unauthorized { from_registry: true, shown: Some(origin), .. } => {
            (UNAUTHORIZED, Some(refused(origin, "is wrong, has expired, or may not do this")))
        }
        E::Unauthorized { .. } => (UNAUTHORIZED, None),
        E::ForeignRealm { realm, .. } => {
            let trust = format!("if that is where its passwords belong: --trust-realm {realm}");
            (UNAUTHORIZED, Some(format!("{trust}, which login remembers")))
        }
        E::Forbidden { from_registry: true, request, shown: None, .. } => {
            let login = format!("helm oci registry login {}", host_of(request.url()));
            (UNAUTHORIZED, Some(format!("it was asked for without a login: {login}")))
        }
        E::Forbidden { from_registry: true, shown: Some(origin), .. } => {
            (UNAUTHORIZED, Some(refused(origin, "may not do this")))
        }
        E::Forbidden { .. } => (UNAUTHORIZED, None),
        // The cause may be a store of credentials that cannot be read.
        E::Credentials(_) => return None,
        E::Http(error) => return http(error),
        _ => (FAILED, None),
    })
}

fn http(error: &http::HttpError) -> Option<(u8, Option<String>)> {
    use http::HttpError as E;
    let hint = |text: &str| Some(text.to_owned());
    Some(match error {
        E::Unreachable { source, .. } => (UNREACHABLE, unreachable(error, source)),
        E::Mismatch { .. } => {
            (MISMATCH, hint("nothing was kept; the registry or something on the way changes content"))
        }
        E::SpeaksPlainHttp { .. } => (UNREACHABLE, hint("--plain-http speaks plain HTTP")),
        E::SpeaksTls { request } => match host_of(request.url()).parse::<Host>() {
            Ok(host) if host.is_loopback() => {
                let default = "this machine is spoken to in plain HTTP by default";
                (UNREACHABLE, Some(format!("{default}: --ca-file FILE or --insecure makes it TLS")))
            }
            _ => (UNREACHABLE, hint("it is spoken to over TLS without --plain-http")),
        },
        E::Tls { source, .. } => (UNREACHABLE, tls(source)),
        E::Elsewhere { to, source: RedirectRefusal::InternalRealm, .. } => {
            let trust = format!("if that is where its passwords belong: --trust-realm {}", host_of(to));
            (UNAUTHORIZED, Some(format!("{trust}, which login remembers")))
        }
        E::Elsewhere { to, source, .. } => (FAILED, elsewhere(to, *source)),
        E::Inside { host, place: http::NetworkPlace::Private, .. } => (FAILED, Some(allow(host))),
        E::Redirected { .. } => (
            FAILED,
            hint(
                "name the host that it points to, or the scheme that the registry speaks (--plain-http or not)",
            ),
        ),
        E::Proxy { how, .. } if how.contains("this user") => {
            (FAILED, hint("in a proxy's URL, characters like @ and : of a password are written %40 and %3A"))
        }
        E::Proxy { how, .. } if how.contains("a user") => {
            (FAILED, hint("a proxy's user and password stand in its URL: http://USER:PASSWORD@HOST:PORT"))
        }
        E::Proxy { how, .. } if how.contains("behind a /") => (
            FAILED,
            hint("in a proxy's URL, the characters / ? # @ of a password are written %2F %3F %23 %40"),
        ),
        E::Proxy { how, .. } if how.contains("we speak Basic") => {
            (FAILED, hint("a proxy of your own in front of it, like px or cntlm, can speak these"))
        }
        E::Proxy { .. } | E::RefusedByProxy { .. } => {
            (FAILED, hint("HTTP_PROXY and HTTPS_PROXY name proxies, NO_PROXY the hosts without one"))
        }
        // The cause may be damage in the cache, or a full disk.
        E::Source { .. } | E::Sink { .. } => return None,
        _ => (FAILED, None),
    })
}

/// What to do about a credential that a registry has refused. A user who has just given one is not told to give one.
fn refused(origin: &CredentialOrigin, why: &str) -> String {
    let login = format!("helm oci registry login {}", origin.account);
    let login = match &origin.place {
        CredentialPlace::CommandLine => return format!("{origin} {why}"),
        CredentialPlace::Environment | CredentialPlace::SourceEnvironment => {
            return format!("{origin} {why}; without it, what is stored is used");
        }
        CredentialPlace::Keyring
        | CredentialPlace::Helper { owner: Owner::Helm, .. }
        | CredentialPlace::File { owner: Owner::Helm, .. } => format!("{login} replaces it"),
        CredentialPlace::Helper { .. } | CredentialPlace::File { .. } | CredentialPlace::DockerAuthConfig => {
            format!("{login} comes before it")
        }
    };
    let logout = origin.logout().map(|logout| format!(", {logout} forgets it")).unwrap_or_default();
    format!("{origin} {why}: {login}{logout}")
}

fn lookup(error: &LookupError) -> Option<(u8, Option<String>)> {
    let helper = match error {
        LookupError::HelperOf { place, source: HelperError::NotInstalled(program) } => {
            return Some((FAILED, Some(format!("put {program} on the PATH, or take it out of {place}"))));
        }
        LookupError::HelperOf { source, .. } | LookupError::Helper(source) => source,
        LookupError::Half { .. } | LookupError::File(_) => return None,
    };
    let without = "HELM_OCI_KEYRING=none goes on without it; HELM_OCI_USERNAME and HELM_OCI_PASSWORD, or -u USER \
                   --password-stdin, need none";
    Some((FAILED, helper.is_locked().then(|| without.to_owned())))
}

fn helper(error: &HelperError) -> Option<(u8, Option<String>)> {
    if let HelperError::NotInstalled(program) = error
        && error.is_absence()
    {
        return Some((FAILED, Some(beside(program))));
    }
    if error.is_absence() {
        let kernels = kernels_keyring().trim_end_matches("; ");
        return (!kernels.is_empty()).then(|| (FAILED, Some(kernels.replace(" in the", " is the"))));
    }
    let more = "sysctl kernel.keys.maxbytes and kernel.keys.maxkeys raise it";
    let hint = || format!("helm oci registry logout makes room, and {more}; {IN_A_FILE}; {NOWHERE}");
    error.is_full().then(|| (FAILED, Some(hint())))
}

/// What to do about our own helper, which is not there.
fn beside(program: &str) -> String {
    format!("{program} belongs beside this executable, or on the PATH: install both")
}

/// What somebody who logs in can do about a keyring that is not there, or does not open.
pub fn keyring_choices(error: &CredentialStoreError) -> Option<String> {
    let CredentialStoreError::Helper(error) = error else { return None };
    let choices = format!("{IN_A_FILE}; {}{NOWHERE}", kernels_keyring());
    match error {
        HelperError::NotInstalled(program) if error.is_absence() => {
            Some(format!("{}; without it: {IN_A_FILE}; {NOWHERE}", beside(program)))
        }
        error if error.is_absence() => Some(choices),
        error if error.is_locked() => Some(format!(
            "unlock it where it can ask for its password, which it cannot over SSH; or {choices}"
        )),
        _ => None,
    }
}

/// Of a server that is not reached.
fn unreachable(error: &http::HttpError, source: &http::HttpFailure) -> Option<String> {
    let hint = match source {
        http::HttpFailure::Proxy { .. } => {
            "HTTP_PROXY and HTTPS_PROXY name proxies, NO_PROXY the hosts without one"
        }
        http::HttpFailure::HostNotFound => "is the name right, and does it resolve on this machine?",
        _ if error.is_refused() => "is the registry running, and is this its port?",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Of TLS that does not come about.
fn tls(failure: &TlsFailure) -> Option<String> {
    let hint = match failure {
        TlsFailure::UnknownAuthority { file: Some(_) } | TlsFailure::SelfSigned { file: Some(_) } => {
            "openssl s_client -showcerts -connect HOST:PORT shows who has signed it; --insecure trusts anybody"
        }
        TlsFailure::UnknownAuthority { .. } | TlsFailure::SelfSigned { .. } | TlsFailure::BadSignature => {
            "--ca-file names the authority to trust, or this very certificate; --insecure trusts any"
        }
        TlsFailure::Expired { .. } => "its owner has to renew it; --insecure trusts it all the same",
        TlsFailure::OtherName { .. } => {
            "use one of the names that it is for, or have it issued for this one; --insecure trusts it all the same"
        }
        TlsFailure::CommonNameOnly { .. } => {
            "issue it again with a subject alternative name: openssl req -x509 … -addext subjectAltName=DNS:HOST"
        }
        TlsFailure::Purpose | TlsFailure::AuthorityAsServer | TlsFailure::Constraint { .. } => {
            "issue it again for a server (extended key usage serverAuth); --insecure trusts it all the same"
        }
        TlsFailure::Algorithm { .. } => {
            "issue it again with RSA of 2048 bits or more, with ECDSA or with Ed25519, and SHA-2"
        }
        TlsFailure::ClientCertificateWanted => "--cert-file and --key-file show it one",
        TlsFailure::ClientCertificateRefused { .. } => {
            "--cert-file has to be signed by an authority that the registry trusts, followed by those in between"
        }
        TlsFailure::Version => "it has to speak TLS 1.2 or 1.3",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Of a place that is not gone to.
fn elsewhere(to: &str, why: RedirectRefusal) -> Option<String> {
    let host = to.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    match why {
        RedirectRefusal::Internal | RedirectRefusal::ForeignUpload if !host.is_empty() => Some(allow(host)),
        RedirectRefusal::ForwardedProto | RedirectRefusal::Downgrade => Some(
            "behind a proxy, the registry must be told its own address (X-Forwarded-Proto, http.host)"
                .to_owned(),
        ),
        _ => None,
    }
}

fn store(error: &CredentialStoreError) -> Option<(u8, Option<String>)> {
    let hint = |text: &str| Some(text.to_owned());
    match error {
        CredentialStoreError::NoParts { .. } => Some((
            USAGE,
            hint("log in to the registry as a whole, or without --store=file: the keyring knows parts"),
        )),
        CredentialStoreError::HelmNoParts => {
            Some((USAGE, hint("log in to the registry as a whole, or without --for-helm")))
        }
        CredentialStoreError::OtherUser { .. } => {
            Some((EXISTS, hint("--force replaces what the keyring has")))
        }
        CredentialStoreError::File(FileError::OtherHelper { .. }) => {
            Some((EXISTS, hint("take that out there, or leave --for-helm away")))
        }
        CredentialStoreError::Helper(_)
        | CredentialStoreError::File(_)
        | CredentialStoreError::NoHome
        | CredentialStoreError::NotKept => None,
    }
}

/// What follows a registry to a host.
fn allow(host: &str) -> String {
    format!("if that is where the registry keeps its content: --allow-host {host}")
}

/// The registry in a URL, as `login` takes it.
fn host_of(url: &str) -> String {
    Account::from_server(url).host().to_owned()
}
