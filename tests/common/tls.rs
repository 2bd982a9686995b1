//! A server behind TLS, and the certificates for it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// A certificate authority, with the files that a user would have.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

/// A certificate that the authority has issued, and its key.
pub struct Issued {
    pub certificate: CertificateDer<'static>,
    pub key: KeyPair,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, dir: TempDir::new().unwrap() }
    }

    /// A file in the directory of this authority.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn ca_file(&self) -> PathBuf {
        self.file("ca.pem", &self.issuer.pem())
    }

    /// A certificate for this host name or address.
    pub fn issue(&self, name: &str, expired: bool) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if expired {
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let cert_file = self.file(&format!("{name}.pem"), &certificate.pem());
        let key_file = self.file(&format!("{name}.key"), &key.serialize_pem());
        Issued { certificate: certificate.der().clone(), key, cert_file, key_file }
    }
}

/// Answers every request with the same bytes.
pub struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Shows `issued`, and demands a certificate of `clients` if that is given.
    pub fn start(issued: &Issued, clients: Option<&Authority>, answer: Vec<u8>) -> Self {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
        let config = Arc::new(builder.with_single_cert(vec![issued.certificate.clone()], key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        // It ends with the test program: nothing here outlives a loopback connection.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (config, answer) = (Arc::clone(&config), answer.clone());
                thread::spawn(move || serve(config, stream, &answer).ok());
            }
        });
        Self { port, connections }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(config: Arc<ServerConfig>, stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    loop {
        let mut more = [0; 4096];
        let read = stream.read(&mut more)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&more[..read]);
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            stream.write_all(answer)?;
            stream.flush()?;
        }
    }
}
