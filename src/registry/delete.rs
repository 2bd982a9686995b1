//! Deletes tags and manifests (end-9).

use super::answer::RegistryAnswer as _;
use super::endpoint;
use super::error::RegistryError;
use super::repository::RepositoryClient;
use crate::http::Body;
use crate::reference::Target;

/// What a registry answered to a deletion.
#[derive(Debug)]
pub enum Deletion {
    /// It has deleted the tag or manifest.
    Done,
    /// The tag or manifest does not exist, or no longer.
    Absent,
    /// It does not delete such things, or anything at all: 400, 405 or 501.
    Refused(RegistryError),
}

impl RepositoryClient {
    /// Deletes `target`: of a tag only the tag, of a digest the manifest with all of its tags (distribution spec,
    /// "Deleting tags" and "Deleting Manifests"). Some registries delete the manifest of a tag as well: check
    /// afterwards.
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
