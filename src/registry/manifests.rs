//! Reads and writes manifests (end-3 and end-7).

use super::answer::RegistryAnswer as _;
use super::challenge::{self, Challenge};
use super::endpoint;
use super::error::RegistryError;
use super::report::{ErrorCode, Report};
use super::repository::RepositoryClient;
use super::request::RegistryRequest;
use crate::digest::{Digest, Mismatch};
use crate::http::{self, Body, HttpFault as _, HttpResponse, RequestLine};
use crate::limits::MAX_MANIFEST;
use crate::media_type;
use crate::reference::Target;

/// The answer to `HEAD manifests/<reference>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// The digest of the manifest that the tag or digest stands for.
    pub digest: Digest,
}

/// A manifest or an index, byte for byte as the registry sent it. Its digest is computed from these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    /// The content.
    pub bytes: Vec<u8>,
    /// The digest of the content: by the algorithm of the digest that was asked for, or SHA-256 for a tag.
    pub digest: Digest,
    /// The `Content-Type` of the answer; empty if it has none.
    pub content_type: String,
}

/// The answer to a conditional `GET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestAnswer {
    /// The manifest is the one that the caller knows.
    NotModified,
    /// This is the manifest.
    Manifest(RawManifest),
}

const CONDITION: &str = "If-None-Match";
/// The header by which a registry says that it lists a manifest among the referrers of its subject.
const SUBJECT: &str = "OCI-Subject";

impl RepositoryClient {
    /// The digest of the manifest that a tag or digest stands for; `None` if there is no such manifest. If the registry
    /// does not answer `HEAD` with a digest, the manifest is read with `GET`.
    pub fn head_manifest(&self, target: Target<'_>) -> Result<Option<ManifestHead>, RegistryError> {
        let asked = target.digest();
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let mut request = self.pull("HEAD", location);
        request.http.opening = self.first;
        request.http.headers.push(accept());
        let head = self.auth.transport.retrying(|_| {
            let response = self.auth.send(&request)?;
            match response.status {
                200 => {
                    let digest = given_digest(&response);
                    contradiction(&response.request, asked, digest.as_ref())?;
                    Ok(Some(digest.or_else(|| asked.cloned())))
                }
                404 => Ok(None),
                // `HEAD` is not allowed, or is refused for a reason that an answer without a body cannot give.
                400 | 405 | 501 => Ok(Some(None)),
                _ => Err(response.refused()),
            }
        })?;
        match head {
            None => Ok(None),
            Some(Some(digest)) => Ok(Some(ManifestHead { digest })),
            Some(None) => match self.get_manifest(target, None) {
                Ok(ManifestAnswer::Manifest(manifest)) => Ok(Some(ManifestHead { digest: manifest.digest })),
                Ok(ManifestAnswer::NotModified) | Err(RegistryError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The digest of the manifest that a tag or digest stands for, for callers that only save work by knowing it.
    /// `None` also means that the registry does not say, for example to a user who may push and not pull, or that the
    /// connection breaks at every attempt. An error means that the registry cannot be reached, or rejects all requests
    /// of this user.
    pub fn manifest_there(&self, target: Target<'_>) -> Result<Option<Digest>, RegistryError> {
        let asked = target.digest();
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let mut request = self.pull("HEAD", location);
        request.http.opening = self.first;
        request.http.headers.push(accept());
        let head = self.auth.transport.retrying(|_| match self.auth.send(&request) {
            Ok(response) => match response.status {
                200 => Ok(Some(given_digest(&response).or_else(|| asked.cloned()))),
                // `HEAD` is not allowed, or is refused for a reason that an answer without a body cannot give.
                400 | 405 | 501 => Ok(Some(None)),
                _ => Ok(None),
            },
            Err(error) if error.is_an_answer_to(&request.http) && !is_closed(&error) => {
                log::debug!("{error}; going on without knowing");
                Ok(None)
            }
            Err(error) => Err(error),
        });
        let head = match head {
            Err(error) if error.is_cut_short() => {
                log::debug!("{error}: no answer; going on without knowing");
                None
            }
            head => head?,
        };
        Ok(match head {
            None => None,
            Some(Some(found)) => Some(found),
            Some(None) => match self.get_manifest_once(target, None) {
                Ok(ManifestAnswer::Manifest(manifest)) => Some(Digest::of(&manifest.bytes)),
                Ok(ManifestAnswer::NotModified) => None,
                Err(error) => {
                    log::debug!("{error}; going on without knowing");
                    None
                }
            },
        })
    }

    /// The manifest that a tag or digest stands for, unless its digest is `known`. The bytes are verified.
    pub fn get_manifest(
        &self,
        target: Target<'_>,
        known: Option<&Digest>,
    ) -> Result<ManifestAnswer, RegistryError> {
        // Content that fails verification may have been damaged on its way: try again, once.
        match self.get_manifest_once(target, known) {
            Err(error) if error.is_mismatch() => self.get_manifest_once(target, known),
            result => result,
        }
    }

    fn get_manifest_once(
        &self,
        target: Target<'_>,
        known: Option<&Digest>,
    ) -> Result<ManifestAnswer, RegistryError> {
        let asked = target.digest();
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let mut request = self.pull("GET", location);
        request.http.opening = self.first;
        request.http.headers.push(accept());
        if let Some(known) = known {
            request.http.headers.push((CONDITION, format!("\"{known}\"")));
        }
        let mut conditional = known.is_some();
        self.auth.transport.retrying(|_| {
            let mut response = self.auth.send(&request)?;
            // The condition only saves bytes, and the registry may not support it.
            if conditional && matches!(response.status, 400 | 412 | 501) {
                response.drain();
                request.http.headers.retain(|(name, _)| *name != CONDITION);
                conditional = false;
                response = self.auth.send(&request)?;
            }
            match response.status {
                200 => {}
                304 if known.is_some() => return Ok(ManifestAnswer::NotModified),
                _ => return Err(response.refused()),
            }
            let bytes = response.read(MAX_MANIFEST.min(self.most), "the manifest")?;
            let given = given_digest(&response);
            // The bytes must match the digest that was asked for and the one in the header, if there is one.
            for expected in asked.into_iter().chain(&given) {
                compare(&response.request, expected, &bytes)?;
            }
            let digest = asked.cloned().unwrap_or_else(|| Digest::of(&bytes));
            let content_type = response.header("content-type").unwrap_or_default().to_owned();
            Ok(ManifestAnswer::Manifest(RawManifest { bytes, digest, content_type }))
        })
    }

    /// end-7: puts a manifest under a tag or its digest. Its blobs must be there already.
    pub fn put_manifest(
        &self,
        target: Target<'_>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        self.put_and_hear(target, media_type, bytes).map(drop)
    }

    /// Puts a manifest. Returns whether the registry says that it lists the manifest among the referrers of its subject
    /// (distribution spec, "Pushing Manifests with Subject"); `None` if the answer was lost.
    pub(super) fn put_and_hear(
        &self,
        target: Target<'_>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Option<bool>, RegistryError> {
        let asked = target.digest();
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let line = RequestLine::new("PUT", &location);
        if bytes.len() as u64 > MAX_MANIFEST {
            let what = format!("{line}: the manifest");
            return Err(http::HttpError::TooLarge { what, limit: MAX_MANIFEST }.into());
        }
        if let Some(asked) = asked {
            compare(&line, asked, bytes)?;
        }
        let mut request = self.push("PUT", location, Body::Bytes(bytes));
        request.http.headers.push(("Content-Type", media_type.to_owned()));
        // Whether an earlier attempt may have succeeded though its answer was lost.
        let mut unsure = false;
        let there = || self.manifest_there(target).is_ok_and(|found| found == Some(Digest::of(bytes)));
        let result =
            self.auth.transport.retrying(|_| match self.put_once(&request, bytes) {
                Err(error) if error.is_transient() => {
                    unsure |= !error.http().is_some_and(http::HttpError::is_refused);
                    Err(error)
                }
                // The tag may already stand for this manifest, set by an earlier attempt or by another client: then the
                // refusal does not matter.
                Err(error) if (unsure && error.is_an_answer_to(&request.http)) || is_taken(&error) => {
                    if there() { Ok(None) } else { Err(error) }
                }
                result => result,
            });
        match result {
            Err(error) if unsure && error.is_transient() => {
                if there() {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
            result => result,
        }
    }

    fn put_once(&self, request: &RegistryRequest<'_>, bytes: &[u8]) -> Result<Option<bool>, RegistryError> {
        let response = self.auth.send(request)?;
        if !matches!(response.status, 200 | 201 | 202 | 204) {
            return Err(blobs_unknown(response.refused()));
        }
        if let Some(given) = given_digest(&response) {
            compare(&response.request, &given, bytes)?;
        }
        let is_listed = response.header(SUBJECT).is_some();
        response.drain();
        Ok(Some(is_listed))
    }
}

/// Whether a registry rejects all of our requests: it wants a credential and there is none, or it does not accept the
/// password. If it has issued a token it knows the user, and only the token's rights are in question.
fn is_closed(error: &RegistryError) -> bool {
    match error {
        RegistryError::Unauthorized { challenges, from_registry: true, shown: Some(_), .. } => {
            let asked = challenge::parse(challenges.iter().map(String::as_str));
            !asked.iter().any(|one| matches!(one, Challenge::Bearer { .. }))
        }
        RegistryError::Unauthorized { .. } => true,
        _ => false,
    }
}

/// Whether a registry says that the tag exists and is immutable: docker's and Amazon's 400 TAG_INVALID, Harbor's 412,
/// others' 409.
fn is_taken(error: &RegistryError) -> bool {
    let RegistryError::Refused { status, report, .. } = error else { return false };
    let says =
        |text: &str| ["immutable", "already exist", "tag_invalid"].iter().any(|known| text.contains(known));
    matches!(status, 409 | 412) || says(&report.to_string().to_ascii_lowercase())
}

/// The `Accept` header for manifests. Without it docker-registry 2.8 answers 404 MANIFEST_UNKNOWN for OCI manifests.
fn accept() -> (&'static str, String) {
    let types = [
        media_type::MANIFEST,
        media_type::INDEX,
        media_type::DOCKER_MANIFEST,
        media_type::DOCKER_MANIFEST_LIST,
    ];
    ("Accept", types.join(", "))
}

/// The digest in `Docker-Content-Digest`, if it is valid.
pub(super) fn given_digest(response: &HttpResponse) -> Option<Digest> {
    response.header("docker-content-digest")?.trim().parse().ok()
}

fn compare(request: &RequestLine, expected: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let mut hasher = expected.hasher();
    hasher.update(bytes);
    contradiction(request, Some(expected), Some(&hasher.finish()))
}

/// An error if both digests use the same algorithm and differ, although they should be of the same content.
pub(super) fn contradiction(
    request: &RequestLine,
    expected: Option<&Digest>,
    found: Option<&Digest>,
) -> Result<(), RegistryError> {
    match (expected, found) {
        (Some(expected), Some(found)) if expected.algorithm() == found.algorithm() && expected != found => {
            let source = Mismatch::Digest { expected: expected.clone(), found: found.clone() };
            Err(http::HttpError::Mismatch { request: request.clone(), source }.into())
        }
        _ => Ok(()),
    }
}

/// Converts the error of a registry that lacks blobs of the manifest: 400 or 404 with a code for it (distribution spec,
/// "Pushing Manifests").
fn blobs_unknown(error: RegistryError) -> RegistryError {
    let lacks =
        |report: &Report| report.has(&ErrorCode::ManifestBlobUnknown) || report.has(&ErrorCode::BlobUnknown);
    match error {
        RegistryError::Refused { request, report, .. } | RegistryError::NotFound { request, report }
            if lacks(&report) =>
        {
            RegistryError::BlobsUnknown { request, digests: report.digests(), report }
        }
        error => error,
    }
}
