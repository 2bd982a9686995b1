//! Deletion: end-9.

use super::answer::RegistryAnswer as _;
use super::endpoint;
use super::error::RegistryError;
use super::repository::RepositoryClient;
use crate::http::Body;
use crate::reference::Target;

/// What a registry answers to a deletion.
#[derive(Debug)]
pub enum Deletion {
    /// It has done it.
    Done,
    /// There is no such tag or manifest, or none any more.
    Absent,
    /// It does not delete such a thing, or nothing at all: 400, 405 or 501, which are no answer about who asks.
    Refused(RegistryError),
}

impl RepositoryClient {
    /// Asks to delete what stands behind `target`: of a tag the tag alone, of a digest the manifest with all of its tags
    /// (distribution spec, "Deleting tags" and "Deleting Manifests"). Not every registry keeps to the first: look afterwards.
    pub fn delete_manifest(&self, target: Target<'_>) -> Result<Deletion, RegistryError> {
        let location = self.endpoint(endpoint::manifest(&self.registry, &self.repository, target))?;
        let deleting = self.for_deletion();
        let request = deleting.request("DELETE", location, Body::None);
        self.auth.transport.retrying(|_| {
            let response = self.auth.send(&request)?;
            if matches!(response.status, 200 | 202 | 204) {
                response.drain();
                return Ok(Deletion::Done);
            }
            match response.refused() {
                RegistryError::NotFound { .. } => Ok(Deletion::Absent),
                error @ RegistryError::Refused { status: 400 | 405 | 501, .. } => {
                    Ok(Deletion::Refused(error))
                }
                error => Err(error),
            }
        })
    }
}
