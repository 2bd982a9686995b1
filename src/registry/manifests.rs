//! Manifests: end-3 and end-7.

use super::answer::Answer as _;
use super::endpoint;
use super::error::Error;
use super::report::{ErrorCode, Report};
use super::repository::RepositoryClient;
use crate::digest::{Digest, Mismatch};
use crate::http::{self, Body, Fault as _, RequestLine, Response};
use crate::limits::MAX_MANIFEST;
use crate::media_type;
use crate::reference::Tag;

/// What `HEAD manifests/<reference>` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// Which manifest the tag or digest stands for.
    pub digest: Digest,
}

/// A manifest or an index, byte for byte as the registry has it. Its digest is of these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    /// The content.
    pub bytes: Vec<u8>,
    /// Its digest, in the algorithm it was asked for by, else SHA-256.
    pub digest: Digest,
    /// The Content-Type it came under.
    pub content_type: String,
}

/// What a conditional GET brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestAnswer {
    /// It is still the known one.
    NotModified,
    /// It is this one.
    Manifest(RawManifest),
}

impl RepositoryClient {
    /// The manifest that a tag or digest stands for, without its content; `None` if there is none. A registry that
    /// does not tell by `HEAD` is asked by `GET`.
    pub fn head_manifest(&self, target: &str) -> Result<Option<ManifestHead>, Error> {
        let asked = checked(target)?;
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let mut request = self.pull("HEAD", location);
        request.http.opening = self.first;
        request.http.headers.push(accept());
        let head = self.auth.transport.retrying(|_| {
            let response = self.auth.send(&request)?;
            match response.status {
                200 => {
                    let digest = given_digest(&response);
                    contradiction(&response.request, asked.as_ref(), digest.as_ref())?;
                    Ok(Some(digest.or_else(|| asked.clone())))
                }
                404 => Ok(None),
                // Not allowed, or refused without saying why: a HEAD has no body to say it in.
                400 | 405 | 501 => Ok(Some(None)),
                _ => Err(response.refused()),
            }
        })?;
        match head {
            None => Ok(None),
            Some(Some(digest)) => Ok(Some(ManifestHead { digest })),
            Some(None) => match self.get_manifest(target, None) {
                Ok(ManifestAnswer::Manifest(manifest)) => Ok(Some(ManifestHead { digest: manifest.digest })),
                Ok(ManifestAnswer::NotModified) | Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The manifest that a tag or digest stands for, unless it is the one known already.
    pub fn get_manifest(&self, target: &str, known: Option<&Digest>) -> Result<ManifestAnswer, Error> {
        // Content that fails verification may have been damaged on its way: once more, and only once.
        match self.get_manifest_once(target, known) {
            Err(error) if error.is_mismatch() => self.get_manifest_once(target, known),
            result => result,
        }
    }

    fn get_manifest_once(&self, target: &str, known: Option<&Digest>) -> Result<ManifestAnswer, Error> {
        let asked = checked(target)?;
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let mut request = self.pull("GET", location);
        request.http.opening = self.first;
        request.http.headers.push(accept());
        if let Some(known) = known {
            request.http.headers.push(("If-None-Match", format!("\"{known}\"")));
        }
        self.auth.transport.retrying(|_| {
            let mut response = self.auth.send(&request)?;
            match response.status {
                200 => {}
                304 if known.is_some() => return Ok(ManifestAnswer::NotModified),
                _ => return Err(response.refused()),
            }
            let bytes = response.read(MAX_MANIFEST, "the manifest")?;
            let given = given_digest(&response);
            // Never the header alone: the bytes have to agree with all that is said about them.
            for expected in asked.iter().chain(&given) {
                compare(&response.request, expected, &bytes)?;
            }
            let digest = asked.clone().unwrap_or_else(|| Digest::of(&bytes));
            let content_type = response.header("content-type").unwrap_or_default().to_owned();
            Ok(ManifestAnswer::Manifest(RawManifest { bytes, digest, content_type }))
        })
    }

    /// end-7: puts a manifest under a tag or its digest. Blobs go first.
    pub fn put_manifest(&self, target: &str, media_type: &str, bytes: &[u8]) -> Result<(), Error> {
        let asked = checked(target)?;
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let line = RequestLine::new("PUT", &location);
        if bytes.len() as u64 > MAX_MANIFEST {
            let what = format!("{line}: the manifest");
            return Err(http::Error::TooLarge { what, limit: MAX_MANIFEST }.into());
        }
        if let Some(asked) = &asked {
            compare(&line, asked, bytes)?;
        }
        let mut request = self.push("PUT", location, Body::Bytes(bytes));
        request.http.headers.push(("Content-Type", media_type.to_owned()));
        self.auth.transport.retrying(|_| {
            let response = self.auth.send(&request)?;
            if !matches!(response.status, 200 | 201 | 204) {
                return Err(blobs_unknown(response.refused()));
            }
            if let Some(given) = given_digest(&response) {
                compare(&response.request, &given, bytes)?;
            }
            response.drain();
            Ok(())
        })
    }
}

/// Takes tags and digests only: a target becomes a part of the path.
fn checked(target: &str) -> Result<Option<Digest>, Error> {
    match target.parse() {
        Ok(digest) => Ok(Some(digest)),
        Err(_) if target.parse::<Tag>().is_ok() => Ok(None),
        Err(_) => Err(Error::Target(target.chars().take(160).collect())),
    }
}

/// Without this, docker-registry 2.8 has no OCI manifests: 404 MANIFEST_UNKNOWN.
fn accept() -> (&'static str, String) {
    let types = [
        media_type::MANIFEST,
        media_type::INDEX,
        media_type::DOCKER_MANIFEST,
        media_type::DOCKER_MANIFEST_LIST,
    ];
    ("Accept", types.join(", "))
}

/// The digest that the registry gives, if it is one.
pub(super) fn given_digest(response: &Response) -> Option<Digest> {
    response.header("docker-content-digest")?.trim().parse().ok()
}

fn compare(request: &RequestLine, expected: &Digest, bytes: &[u8]) -> Result<(), Error> {
    let mut hasher = expected.hasher();
    hasher.update(bytes);
    contradiction(request, Some(expected), Some(&hasher.finish()))
}

/// Two digests of the same content, if they are of the same algorithm, are the same.
pub(super) fn contradiction(
    request: &RequestLine,
    expected: Option<&Digest>,
    found: Option<&Digest>,
) -> Result<(), Error> {
    match (expected, found) {
        (Some(expected), Some(found)) if expected.algorithm() == found.algorithm() && expected != found => {
            let source = Mismatch::Digest { expected: expected.clone(), found: found.clone() };
            Err(http::Error::Mismatch { request: request.clone(), source }.into())
        }
        _ => Ok(()),
    }
}

/// A registry that lacks blobs of the manifest says so with 400 or 404 (distribution spec, "Pushing Manifests").
fn blobs_unknown(error: Error) -> Error {
    let lacks =
        |report: &Report| report.has(&ErrorCode::ManifestBlobUnknown) || report.has(&ErrorCode::BlobUnknown);
    match error {
        Error::Refused { request, report, .. } | Error::NotFound { request, report } if lacks(&report) => {
            Error::BlobsUnknown { request, digests: report.digests(), report }
        }
        error => error,
    }
}
