//! Who asks. Requests go out through here: they show what a registry wants to see, and are sent again once it has said
//! what that is.

mod attempt;
mod known;
mod token;

use self::attempt::Attempt;
use self::known::Known;
use super::Options;
use super::error::Error;
use super::transport::{Request, Response, Transport, not_later};
use crate::credential::Credential;

/// The exchange with registries, by somebody.
pub(super) struct AuthClient {
    pub(super) transport: Transport,
    known: Known,
}

impl AuthClient {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self { transport: Transport::new(options)?, known: Known::default() })
    }

    /// Sends a request, shows who asks if the registry wants to know, and follows where it is redirected to. An answer
    /// is anything but 401 and the statuses that ask for another attempt; those are errors. No attempt is repeated
    /// here.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let mut attempt = Attempt::begin(&self.transport, &self.known, request)?;
        loop {
            if let Some(response) = self.send_as(request, &mut attempt)? {
                attempt.settled();
                return Ok(response);
            }
        }
    }

    /// The same once. `None` is a 401 of the registry that the attempt has an answer to.
    pub(super) fn send_as(
        &self,
        request: &Request<'_>,
        attempt: &mut Attempt<'_>,
    ) -> Result<Option<Response>, Error> {
        let (mut response, from_registry) = self.transport.follow(request, attempt.authorization())?;
        if response.location.same_origin(request.scope.registry) {
            self.transport.warn(&response);
        }
        let (status, challenges) = (response.status, response.challenges());
        if status == 403 && from_registry && attempt.answer(status, &challenges)? {
            response.drain();
            return Ok(None);
        }
        if status != 401 {
            return not_later(response).map(Some);
        }
        // Read first: the connection is then free for the token service, if that is the same host.
        let report = response.report();
        if from_registry && attempt.answer(status, &challenges)? {
            return Ok(None);
        }
        let (request, scope) = (response.request, request.scope.own().to_string());
        let shown = from_registry && attempt.has_credential()?;
        Err(Error::Unauthorized { request, challenges, scope, from_registry, shown, report })
    }

    /// A request that proves a credential. It begins without, to be asked.
    pub(super) fn proof<'a>(&'a self, request: &'a Request<'a>, credential: &Credential) -> Attempt<'a> {
        Attempt::proof(&self.transport, &self.known, request, credential)
    }
}
