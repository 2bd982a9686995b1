//! Verifies a credential before it is stored (end-1).

use super::answer::RegistryAnswer as _;
use super::client::Client;
use super::endpoint;
use super::error::RegistryError;
use super::request::RegistryRequest;
use crate::credential::{Credential, CredentialPlace, Obtained};
use crate::reference::Host;

/// The result of a verification that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialCheck {
    /// The credential is right.
    Accepted,
    /// The registry did not ask for a credential, so nothing is verified.
    NotAsked,
}

impl Client {
    /// Verifies a credential with a registry or its token service. A wrong one is [`RegistryError::Unauthorized`].
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
                // A 401 came, and there is an answer to it.
                None if attempt.has_token() => {
                    // The token service has seen the credential and issued a token, which verifies it. Sending the
                    // token to the registry would only verify that registry and token service know each other.
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
