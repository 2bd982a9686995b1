//! The TLS settings that the user's options ask for.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;

use super::client_certificate::{self, ShownCertificate};
use super::session::TlsSession;
use super::verifier::Credulous;
use super::{algorithms, files, roots};
use crate::http::error::HttpError;
use crate::http::options::HttpOptions;
use crate::http::stream::{Stream, StreamError};
use crate::http::tls_failure::TlsFailure;

/// Secures connections with TLS.
pub(in crate::http) struct Tls {
    provider: Arc<CryptoProvider>,
    /// The verifier that the options ask for; `None` to trust what the system trusts.
    given: Option<Arc<dyn ServerCertVerifier>>,
    certificate: Option<Arc<CertifiedKey>>,
    /// Built at the first use: reading all of the system's certificates takes longer than a request that needs none.
    config: OnceLock<Option<Arc<ClientConfig>>>,
}

impl Tls {
    /// Reads all files that the options name. An error if one of them cannot be used.
    pub(in crate::http) fn new(options: &HttpOptions) -> Result<Self, HttpError> {
        let provider = algorithms::provider();
        let given: Option<Arc<dyn ServerCertVerifier>> = match &options.ca_file {
            // The certificates of the file replace the system's, as with Helm's --ca-file.
            Some(path) => match roots::of(files::authorities(path)?, Some(path), &provider) {
                Some(verifier) => Some(verifier),
                None => return files::unusable(path, "one of its certificates is broken"),
            },
            None => None,
        };
        let given = match options.insecure {
            true => Some(Arc::new(Credulous { algorithms: provider.signature_verification_algorithms }) as _),
            false => given,
        };
        let certificate = client_certificate::read(options, &provider)?;
        Ok(Self { provider, given, certificate, config: OnceLock::new() })
    }

    /// Starts TLS over a connection to a host, which is a name, or an address without brackets.
    pub(in crate::http) fn begin(
        &self,
        host: &str,
        below: Box<dyn Stream>,
        until: Instant,
    ) -> Result<TlsSession, StreamError> {
        let failed = |failure| StreamError::Tls(Box::new(failure));
        // In certificates names have no dot at the end (RFC 6066 3).
        let bare = host.strip_suffix('.').unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned());
        let name = name.map_err(|_| failed(TlsFailure::HostName(host.to_owned())))?;
        let Some(config) = self.config.get_or_init(|| self.config()) else {
            return Err(failed(TlsFailure::System("there are no certificates to trust")));
        };
        let asked = Arc::new(AtomicBool::new(false));
        let mut config = ClientConfig::clone(config);
        config.client_auth_cert_resolver =
            Arc::new(ShownCertificate { certificate: self.certificate.clone(), asked: Arc::clone(&asked) });
        TlsSession::begin(config, name, below, asked, self.certificate.is_some(), until)
    }

    fn config(&self) -> Option<Arc<ClientConfig>> {
        let verifier = match &self.given {
            Some(verifier) => Arc::clone(verifier),
            None => roots::of_the_system(&self.provider)?,
        };
        // rustls offers TLS 1.2 and 1.3.
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions();
        let builder = builder.ok()?.dangerous().with_custom_certificate_verifier(verifier);
        Some(Arc::new(builder.with_no_client_auth()))
    }
}
