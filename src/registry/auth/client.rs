//! Sends the requests of a client, and authenticates them as the registry asks.

use std::collections::HashSet;
use std::sync::Mutex;

use super::attempt::Attempt;
use super::known::AuthKnowledge;
use crate::credential::Obtained;
use crate::http::{Asker, HttpResponse, Location, Transport};
use crate::registry::answer::RegistryAnswer as _;
use crate::registry::error::RegistryError;
use crate::registry::hints::Hint;
use crate::registry::options::RegistryOptions;
use crate::registry::request::RegistryRequest;
use crate::registry::turns::Turns;
use crate::threads::locked;

/// The most warnings that are shown.
const MAX_WARNINGS: usize = 16;

/// Sends requests to registries with the credentials and settings of the options.
pub(in crate::registry) struct AuthClient {
    pub(in crate::registry) transport: Transport,
    pub(in crate::registry) options: RegistryOptions,
    /// Locks for what only one thread may do at a time.
    pub(in crate::registry) turns: Turns,
    known: AuthKnowledge,
    warned: Mutex<HashSet<String>>,
}

impl AuthClient {
    pub(in crate::registry) fn new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        Ok(Self {
            transport: Transport::new(&options.http)?,
            options: options.clone(),
            turns: Turns::default(),
            known: AuthKnowledge::default(),
            warned: Mutex::default(),
        })
    }

    /// How a registry wants to be authenticated to, if it has said so in this process or earlier.
    pub(in crate::registry) fn hint(&self, registry: &Location) -> Option<Hint> {
        let origin = registry.origin();
        let way = locked(&self.known.ways).get(&(origin.clone(), None)).cloned().flatten();
        let remembered = || self.options.hints.as_ref().and_then(|hints| hints.get(&origin));
        way.map(|way| way.hint()).or_else(remembered)
    }

    /// Sends a request, authenticates it if the registry asks for that, and follows redirects. A 401, and a status that
    /// asks for another attempt, are errors; any other status is returned. It does not retry.
    pub(in crate::registry) fn send(
        &self,
        request: &RegistryRequest<'_>,
    ) -> Result<HttpResponse, RegistryError> {
        let mut attempt = Attempt::begin(&self.transport, &self.options, &self.known, request)?;
        loop {
            if let Some(response) = self.send_as(request, &mut attempt)? {
                attempt.settled();
                return Ok(response);
            }
        }
    }

    /// Sends the request once. `None` means that the registry answered 401, and that `attempt` now has an answer to it.
    pub(in crate::registry) fn send_as(
        &self,
        request: &RegistryRequest<'_>,
        attempt: &mut Attempt<'_>,
    ) -> Result<Option<HttpResponse>, RegistryError> {
        let (mut response, from_registry) = self.transport.follow(&request.http, attempt.authorization())?;
        if response.location.same_origin(request.scope.registry) {
            self.warn(&response);
        }
        let (status, challenges) = (response.status, response.challenges());
        if status == 403 && from_registry {
            if attempt.answer(status, &challenges)? {
                response.drain();
                return Ok(None);
            }
            response.asker = Some(attempt.origin()?.map_or(Asker::Guest, Asker::Holder));
            if attempt.is_guest_instead() || attempt.may_be_guest_instead(None)? {
                attempt.go_on_as_guest(response.refused(), None)?;
                return Ok(None);
            }
        }
        if status != 401 {
            return response.not_later().map(Some);
        }
        // The body is read first, which frees the connection for the token service if that is the same host.
        let report = response.report();
        if from_registry && attempt.answer(status, &challenges)? {
            return Ok(None);
        }
        let (request, scope) = (response.request, request.scope.own().to_string());
        let shown = if from_registry { attempt.origin()? } else { None };
        let unfit = from_registry && shown.is_some() && attempt.is_unfit();
        let error =
            RegistryError::Unauthorized { request, challenges, scope, from_registry, shown, unfit, report };
        if from_registry { attempt.go_on_as_guest(error, None).map(|()| None) } else { Err(error) }
    }

    /// An attempt that verifies a credential. It is first sent without the credential, to get the challenge.
    pub(in crate::registry) fn proof<'a>(
        &'a self,
        request: &'a RegistryRequest<'a>,
        credential: &Obtained,
    ) -> Attempt<'a> {
        Attempt::proof(&self.transport, &self.options, &self.known, request, credential)
    }

    /// Shows the texts of `Warning: 299 - "text"`. They are for people, and must not change what is done (distribution
    /// spec, "Warnings").
    fn warn(&self, response: &HttpResponse) {
        for text in response.warnings() {
            let mut warned = locked(&self.warned);
            if !text.is_empty() && warned.len() < MAX_WARNINGS && warned.insert(text.clone()) {
                drop(warned);
                (self.options.warn)(&text);
            }
        }
    }
}
