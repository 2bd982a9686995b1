//! The exit codes and hints for registries that refuse, cannot be reached, or redirect elsewhere.

use super::credential_hints::refused;
use super::exit_code::{FAILED, MISMATCH, NOT_FOUND, UNAUTHORIZED, UNREACHABLE};
use super::version_hints::absent;
use crate::credentials::Account;
use crate::http::{self, RedirectRefusal, TlsFailure};
use crate::reference::Host;
use crate::registry;

/// The exit code and hint for an error of a registry; `None` if its cause decides.
pub(super) fn of(error: &registry::RegistryError) -> Option<(u8, Option<String>)> {
    use registry::RegistryError as E;
    Some(match error {
        E::NotFound { request, .. } => {
            let hint = absent(request, "without a tag the newest is pulled").or_else(|| unmade(request));
            (NOT_FOUND, hint)
        }
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
        // The cause may be a credential store that cannot be read.
        E::Credentials(_) => return None,
        E::Http(error) => return of_http(error),
        _ => (FAILED, None),
    })
}

/// The hint about a repository that has to be made before anything is sent to it. Amazon's ECR does not say so: it refuses
/// the upload, or breaks off the connection.
fn unmade(request: &http::RequestLine) -> Option<String> {
    let host = host_of(request.url());
    let is_ecr = host.contains(".dkr.ecr.")
        && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"));
    let (_, path) = request.url().split_once("/v2/")?;
    let (repository, _) = path.split_once("/blobs/").or_else(|| path.split_once("/manifests/"))?;
    let writes = matches!(request.method(), "POST" | "PUT" | "PATCH");
    (is_ecr && writes).then(|| {
        format!("ECR takes nothing into a repository that is not there: aws ecr create-repository --repository-name {repository}")
    })
}

/// The exit code and hint for an error of HTTP; `None` if its cause decides.
pub(super) fn of_http(error: &http::HttpError) -> Option<(u8, Option<String>)> {
    use http::HttpError as E;
    let hint = |text: &str| Some(text.to_owned());
    Some(match error {
        E::Unreachable { request, source } => {
            (UNREACHABLE, unmade(request).or_else(|| unreachable(error, source)))
        }
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
        // The cause may be a damaged cache or a full disk.
        E::Source { .. } | E::Sink { .. } => return None,
        _ => (FAILED, None),
    })
}

/// The hint for a server that cannot be reached.
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

/// The hint for a TLS connection that fails.
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

/// The hint for a redirect that is not followed.
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

/// The hint to allow redirects to a host.
fn allow(host: &str) -> String {
    format!("if that is where the registry keeps its content: --allow-host {host}")
}

/// The registry in a URL, as `login` takes it.
fn host_of(url: &str) -> String {
    Account::from_server(url).host().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Location;

    #[test]
    fn a_repository_of_ecr_has_to_be_made() {
        let hint = |method, url: &str| {
            unmade(&http::RequestLine::new(method, &Location::parse(url).expect("a URL")))
        };
        let ecr = "https://1.dkr.ecr.eu-west-1.amazonaws.com/v2/charts/web/blobs/uploads/";
        let said = hint("POST", ecr).expect("a hint");
        assert!(said.ends_with("aws ecr create-repository --repository-name charts/web"), "{said}");
        assert_eq!(hint("GET", ecr), None);
        assert_eq!(hint("POST", "https://r.example/v2/charts/web/blobs/uploads/"), None);
    }
}
