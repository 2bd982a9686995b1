//! Manifests: end-3 and end-7.

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

const CONDITION: &str = "If-None-Match";
/// What a registry that lists referrers answers with when it has taken one.
const SUBJECT: &str = "OCI-Subject";

impl RepositoryClient {
    /// The manifest that a tag or digest stands for, without its content; `None` if there is none. A registry that
    /// does not tell by `HEAD` is asked by `GET`.
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
                Ok(ManifestAnswer::NotModified) | Err(RegistryError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Which manifest a tag or digest stands for, as far as the registry tells: to know it saves work, so that of a registry
    /// that does not tell, one whose users may push and not pull, it is none; nor is it where something on the way breaks the
    /// connection instead, to the last attempt. An error means that the registry was not reached, or that it does not let us
    /// in at all.
    pub fn manifest_there(&self, target: Target<'_>) -> Result<Option<Digest>, RegistryError> {
        let asked = target.digest();
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let mut request = self.pull("HEAD", location);
        request.http.opening = self.first;
        request.http.headers.push(accept());
        let head = self.auth.transport.retrying(|_| match self.auth.send(&request) {
            Ok(response) => match response.status {
                200 => Ok(Some(given_digest(&response).or_else(|| asked.cloned()))),
                // Not allowed, or refused without saying why: a HEAD has no body to say it in.
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

    /// The manifest that a tag or digest stands for, unless it is the one known already.
    pub fn get_manifest(
        &self,
        target: Target<'_>,
        known: Option<&Digest>,
    ) -> Result<ManifestAnswer, RegistryError> {
        // Content that fails verification may have been damaged on its way: once more, and only once.
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
            // The condition only saves an answer, and may be what the registry cannot do.
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
            // Never the header alone: the bytes have to agree with all that is said about them.
            for expected in asked.into_iter().chain(&given) {
                compare(&response.request, expected, &bytes)?;
            }
            let digest = asked.cloned().unwrap_or_else(|| Digest::of(&bytes));
            let content_type = response.header("content-type").unwrap_or_default().to_owned();
            Ok(ManifestAnswer::Manifest(RawManifest { bytes, digest, content_type }))
        })
    }

    /// end-7: puts a manifest under a tag or its digest. Blobs go first.
    pub fn put_manifest(
        &self,
        target: Target<'_>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        self.put_and_hear(target, media_type, bytes).map(drop)
    }

    /// The same, and whether the registry says that it lists the manifest with those that are about its subject (distribution
    /// spec, "Pushing Manifests with Subject"). Where the answer was lost, that is not known.
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
        // Whether an attempt may have done its work though its answer was lost.
        let mut unsure = false;
        let there = || self.manifest_there(target).is_ok_and(|found| found == Some(Digest::of(bytes)));
        let result =
            self.auth.transport.retrying(|_| match self.put_once(&request, bytes) {
                Err(error) if error.is_transient() => {
                    unsure |= !error.http().is_some_and(http::HttpError::is_refused);
                    Err(error)
                }
                // A tag that stands for what it should is none that cannot be set: where an earlier attempt has set it, or
                // somebody else just now.
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

/// Whether a registry refuses all of our requests: it wants a credential and there is none, or it does not accept the
/// password. One that has given a token does know us, and only what that is good for is in question.
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

/// Whether a registry says that the tag stands for something already, and stays so: docker's and Amazon's 400 TAG_INVALID,
/// Harbor's 412, others' 409.
fn is_taken(error: &RegistryError) -> bool {
    let RegistryError::Refused { status, report, .. } = error else { return false };
    let says =
        |text: &str| ["immutable", "already exist", "tag_invalid"].iter().any(|known| text.contains(known));
    matches!(status, 409 | 412) || says(&report.to_string().to_ascii_lowercase())
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
pub(super) fn given_digest(response: &HttpResponse) -> Option<Digest> {
    response.header("docker-content-digest")?.trim().parse().ok()
}

fn compare(request: &RequestLine, expected: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let mut hasher = expected.hasher();
    hasher.update(bytes);
    contradiction(request, Some(expected), Some(&hasher.finish()))
}

/// Two digests of the same content, if they are of the same algorithm, are the same.
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

/// A registry that lacks blobs of the manifest says so with 400 or 404 (distribution spec, "Pushing Manifests").
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
