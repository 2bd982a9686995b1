//! Downloads blobs (end-2).

use std::io;

use super::answer::RegistryAnswer as _;
use super::auth::AuthClient;
use super::endpoint;
use super::error::RegistryError;
use super::repository::RepositoryClient;
use super::request::{RegistryRequest, RequestScope};
use crate::digest::{Digest, Hasher};
use crate::http::{self, Asks, HttpResponse, Sink, WantedBody, download};
use crate::limits::{MAX_CONFIG, MAX_PROVENANCE};
use crate::manifest::Descriptor;

impl RepositoryClient {
    /// Downloads a blob, and verifies it. On success the sink holds what the descriptor says and nothing else; after an
    /// error it may hold a beginning of it.
    pub fn fetch_blob(&self, descriptor: &Descriptor, sink: &mut dyn Sink) -> Result<(), RegistryError> {
        let location = self.endpoint(endpoint::blob(&self.registry, &self.repository, &descriptor.digest))?;
        let RegistryRequest { http, scope } = self.pull("GET", location);
        // A registry's entity tag of a blob is usually its digest; the storage behind it has tags of its own.
        let etag = format!("\"{}\"", descriptor.digest);
        let (digest, size) = (&descriptor.digest, descriptor.size);
        let wanted = WantedBody { digest, size: Some(size), limit: size, etag: &etag };
        download(&self.auth.transport, &BlobRequester { auth: &self.auth, scope }, http, wanted, sink)
    }

    /// Downloads a small blob into memory: a config or a provenance file. A larger one is an error.
    pub fn get_small_blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        const LIMIT: u64 = if MAX_CONFIG > MAX_PROVENANCE { MAX_CONFIG } else { MAX_PROVENANCE };
        // Checked before the request, and before the size is used for anything else.
        if descriptor.size > LIMIT {
            let what = format!("the content {}", descriptor.digest);
            return Err(http::HttpError::TooLarge { what, limit: LIMIT }.into());
        }
        let mut memory = BlobInMemory { bytes: Vec::new(), hasher: descriptor.digest.hasher() };
        self.fetch_blob(descriptor, &mut memory)?;
        Ok(memory.bytes)
    }
}

/// Sends the requests of a download.
struct BlobRequester<'a> {
    auth: &'a AuthClient,
    scope: RequestScope<'a>,
}

impl Asks for BlobRequester<'_> {
    type Error = RegistryError;

    fn send(&self, request: &http::HttpRequest<'_>) -> Result<HttpResponse, RegistryError> {
        self.auth.send(&RegistryRequest { http: request.clone(), scope: self.scope })
    }

    fn refused(&self, response: HttpResponse) -> RegistryError {
        response.refused()
    }
}

/// The destination of a download that stays in memory.
struct BlobInMemory {
    bytes: Vec<u8>,
    hasher: Hasher,
}

impl Sink for BlobInMemory {
    fn held(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        self.hasher.update(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.hasher = self.digest().hasher();
        self.bytes.clear();
        Ok(())
    }

    fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }
}
