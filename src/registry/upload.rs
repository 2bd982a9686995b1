//! Uploads blobs (end-11 or end-4a, then end-6).

use super::answer::RegistryAnswer as _;
use super::endpoint;
use super::error::RegistryError;
use super::manifests::{contradiction, given_digest};
use super::report::ErrorCode;
use super::repository::RepositoryClient;
use super::request::RegistryRequest;
use crate::http::{self, Body, BodySource, HttpFailure, HttpFault as _, HttpResponse, Location};
use crate::manifest::Descriptor;
use crate::reference::Repository;

/// How a blob came to be in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// It was there already.
    Existed,
    /// This client has sent it.
    Sent,
}

/// The URL at which an upload continues. It is for one PUT: after that, successful or not, the registry does not know
/// it any more.
#[must_use]
struct UploadSession {
    location: Location,
}

/// Which requests are still made that only save work. One that breaks the connection is not made again.
struct Saving {
    mounts: bool,
    asks: bool,
}

impl RepositoryClient {
    /// Uploads a blob unless it is there. `progress` is called with the number of its bytes that have been sent; the
    /// number starts again if the upload does.
    pub fn push_blob(
        &self,
        descriptor: &Descriptor,
        source: &dyn BodySource,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Uploaded, RegistryError> {
        let (mut saving, mut sent) = (Saving { mounts: true, asks: true }, false);
        let result: Result<_, RegistryError> = self.auth.transport.retrying(|retries| {
            // Retries use new connections only, so that a closed one counts as a failed attempt and not as one that was
            // idle.
            let client = if retries > 0 { self.clone().on_fresh_connections() } else { self.clone() };
            // The PUT of an earlier attempt may have succeeded though its answer was lost.
            if retries > 0 && client.has_blob(descriptor, &mut saving)? {
                return Ok(Uploaded::Sent);
            }
            let Some(session) = client.begin_upload(descriptor, &mut saving)? else {
                return Ok(Uploaded::Existed);
            };
            sent = true;
            client.finish_upload(session, descriptor, source, progress)?;
            Ok(Uploaded::Sent)
        });
        match result {
            // The last attempt may have succeeded as well.
            Err(error) if sent && error.is_transient() => {
                let client = self.clone().on_fresh_connections();
                let there = client.has_blob(descriptor, &mut saving).unwrap_or(false);
                if there { Ok(Uploaded::Sent) } else { Err(error) }
            }
            result => result,
        }
    }

    /// end-2: `HEAD`, as part of a push. It can save an upload; if it is refused, the blob is uploaded.
    fn has_blob(&self, descriptor: &Descriptor, saving: &mut Saving) -> Result<bool, RegistryError> {
        if !saving.asks {
            return Ok(false);
        }
        let location = self.endpoint(endpoint::blob(&self.registry, &self.repository, &descriptor.digest))?;
        let request = self.push("HEAD", location, Body::None);
        match self.auth.send(&request) {
            Ok(response) => {
                let found = response.status == 200;
                response.drain();
                Ok(found)
            }
            Err(error) if error.is_an_answer_to(&request.http) => Ok(false),
            Err(error) => {
                saving.asks &= !error.is_transient() && !error.is_cut_short();
                if error.is_cut_short() { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Opens an upload session, or returns `None` if the blob is there.
    ///
    /// To mount the blob from this same repository (end-11) asks and opens in one request: the answer is 201 if the
    /// blob is there, or 202 with a session. If the registry does not support this, the plain request (end-4a) follows,
    /// and mounting is not tried again.
    fn begin_upload(
        &self,
        descriptor: &Descriptor,
        saving: &mut Saving,
    ) -> Result<Option<UploadSession>, RegistryError> {
        if saving.mounts
            && let Some(response) = self.mount(descriptor, &self.repository, saving)?
        {
            return self.begun(response, descriptor);
        }
        saving.mounts = false;
        let location = self.endpoint(endpoint::upload(&self.registry, &self.repository))?;
        let response = self.auth.send(&self.post(location))?;
        self.begun(response, descriptor)
    }

    /// Asks to mount; `None` if the answer is of no use. A demand to wait is returned as an error, because it applies
    /// to all requests. If there is no answer at all, the next attempt does not ask.
    fn mount(
        &self,
        descriptor: &Descriptor,
        from: &Repository,
        saving: &mut Saving,
    ) -> Result<Option<HttpResponse>, RegistryError> {
        let mount = endpoint::mount(&self.registry, &self.repository, &descriptor.digest, from);
        let request = self.post(self.endpoint(mount)?);
        match self.auth.send(&request) {
            Ok(response) if response.status == 201 => Ok(Some(response)),
            Ok(response) if response.status == 202 && response.points_to().is_some() => Ok(Some(response)),
            Ok(response) => {
                log::debug!("{}: {}; again without mount", response.request, response.status);
                response.drain();
                Ok(None)
            }
            Err(error) if error.is_an_answer_to(&request.http) && !error.is_too_many_requests() => {
                log::debug!("{error}; again without mount");
                Ok(None)
            }
            // The server may not speak HTTP: the plain request will show.
            Err(error) if error.is_cut_short() && !error.is_transient() => Ok(None),
            Err(error) => {
                saving.mounts &= !error.is_transient() || error.is_too_many_requests();
                Err(error)
            }
        }
    }

    /// Mounts a blob from another repository of the same registry, without sending its bytes (end-11). Returns whether
    /// it is there now: a registry need not support that, and may want the right to read the other repository, which
    /// this client's token does not have.
    pub fn mount_blob(&self, descriptor: &Descriptor, from: &Repository) -> Result<bool, RegistryError> {
        let mut saving = Saving { asks: false, mounts: true };
        self.auth.transport.retrying(|_| {
            if !saving.mounts {
                return Ok(false);
            }
            match self.mount(descriptor, from, &mut saving)? {
                Some(response) if response.status == 201 => Ok(self.begun(response, descriptor)?.is_none()),
                // A session that is not used expires.
                Some(response) => {
                    response.drain();
                    Ok(false)
                }
                None => Ok(false),
            }
        })
    }

    fn begun(
        &self,
        response: HttpResponse,
        descriptor: &Descriptor,
    ) -> Result<Option<UploadSession>, RegistryError> {
        match response.status {
            201 => {
                contradiction(&response.request, Some(&descriptor.digest), given_digest(&response).as_ref())?;
                response.drain();
                Ok(None)
            }
            202 => self.session(response).map(Some),
            _ => Err(response.refused()),
        }
    }

    fn post(&self, location: Location) -> RegistryRequest<'_> {
        self.push("POST", location, Body::Bytes(b""))
    }

    fn session(&self, response: HttpResponse) -> Result<UploadSession, RegistryError> {
        let Some(to) = response.points_to() else {
            let how = "202 without a Location".to_owned();
            return Err(http::HttpError::Protocol { request: response.request, how }.into());
        };
        let hosts = &self.auth.options.http.allowed_hosts;
        let location = http::upload(&self.registry, &response.location, &to, hosts)
            .map_err(|source| http::HttpError::elsewhere(&response.request, &to, source))?;
        response.drain();
        Ok(UploadSession { location })
    }

    /// end-6: sends the whole content in one request. Some registries lose all chunks but the first.
    fn finish_upload(
        &self,
        session: UploadSession,
        descriptor: &Descriptor,
        source: &dyn BodySource,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), RegistryError> {
        let location = endpoint::finish_upload(&session.location, &descriptor.digest);
        let (digest, size) = (&descriptor.digest, descriptor.size);
        let mut request = self.push("PUT", location, Body::Content { digest, size, source, progress });
        request.http.headers.push(("Content-Type", "application/octet-stream".to_owned()));
        let error = match self.auth.send(&request) {
            // 204 comes from docker before the OCI specification, and some registries answer 202 although they are
            // done.
            Ok(response) if matches!(response.status, 200 | 201 | 202 | 204) => {
                contradiction(&response.request, Some(&descriptor.digest), given_digest(&response).as_ref())?;
                response.drain();
                return Ok(());
            }
            Ok(response) => lost_session(response.refused()),
            Err(error) => error,
        };
        if !error.is_transient() {
            self.abort(session);
        }
        Err(error)
    }

    /// Cancels a session, if the registry still has it. Otherwise it would expire some time later.
    fn abort(&self, session: UploadSession) {
        match self.auth.send(&self.push("DELETE", session.location, Body::None)) {
            Ok(response) => response.drain(),
            Err(error) => log::debug!("{error}: the upload session is left behind"),
        }
    }
}

/// Converts the error of a session that is gone, or that another machine of the registry has: it becomes one to retry
/// with a new session.
fn lost_session(error: RegistryError) -> RegistryError {
    if !error.has_code(&ErrorCode::BlobUploadUnknown) && !error.has_code(&ErrorCode::BlobUploadInvalid) {
        return error;
    }
    let (request, status, report) = match error {
        RegistryError::NotFound { request, report } => (request, 404, report),
        RegistryError::Refused { request, status, report } => (request, status, report),
        error => return error,
    };
    let source = HttpFailure::Status { status, retry_after: None, said: report.to_string() };
    http::HttpError::Unreachable { request, source }.into()
}
