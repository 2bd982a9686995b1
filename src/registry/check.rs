//! Proving a credential, before it is stored: end-1.

use super::answer::RegistryAnswer as _;
use super::client::Client;
use super::endpoint;
use super::error::RegistryError;
use super::request::RegistryRequest;
use crate::credential::{Credential, CredentialPlace, Obtained};
use crate::reference::Host;

/// What a registry says to a credential that it does not refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialCheck {
    /// It is right.
    Accepted,
    /// The registry did not ask for a credential, so that nothing is proven.
    NotAsked,
}

impl Client {
    /// Shows a credential to a registry, or to its token service. A wrong one is [`RegistryError::Unauthorized`].
    pub fn check(&self, host: &Host, credential: &Credential) -> Result<CredentialCheck, RegistryError> {
        let registry = self.registry(host)?;
        let location = endpoint::base(&registry).map_err(|_| RegistryError::Host(host.to_string()))?;
        let request = RegistryRequest::about(&registry, host, location);
        let given = Obtained::new(credential.clone(), CredentialPlace::CommandLine, host);
        self.auth.transport.retrying(|_| self.check_once(&request, &given))
    }

    fn check_once(
        &self,
        request: &RegistryRequest<'_>,
        credential: &Obtained,
    ) -> Result<CredentialCheck, RegistryError> {
        let mut attempt = self.auth.proof(request, credential);
        loop {
            let response = match self.auth.send_as(request, &mut attempt)? {
                // Behind a 401 that was answered.
                None if attempt.has_token() => {
                    // The token service has seen the credential, so the token proves it. To show that to the registry
                    // would prove only that these two know each other.
                    attempt.settled();
                    return Ok(CredentialCheck::Accepted);
                }
                None => continue,
                Some(response) => response,
            };
            if !matches!(response.status, 200..=299) {
                return Err(response.refused());
            }
            response.drain();
            if attempt.authorization().is_none() {
                return Ok(CredentialCheck::NotAsked);
            }
            attempt.settled();
            return Ok(CredentialCheck::Accepted);
        }
    }
}
