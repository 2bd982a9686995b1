//! Who asks. Requests go out through here: they show what a registry wants to see, and are sent again once it has said
//! what that is.

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

/// A registry has no business to warn of more.
const MAX_WARNINGS: usize = 16;

/// The exchange with registries, by somebody.
pub(in crate::registry) struct AuthClient {
    pub(in crate::registry) transport: Transport,
    pub(in crate::registry) options: RegistryOptions,
    /// Who writes what only one may write at a time.
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

    /// How a registry wants to be asked, if it has said so now or before.
    pub(in crate::registry) fn hint(&self, registry: &Location) -> Option<Hint> {
        let origin = registry.origin();
        let way = locked(&self.known.ways).get(&(origin.clone(), None)).cloned().flatten();
        let remembered = || self.options.hints.as_ref().and_then(|hints| hints.get(&origin));
        way.map(|way| way.hint()).or_else(remembered)
    }

    /// Sends a request, shows who asks if the registry wants to know, and follows where it is redirected to. An answer
    /// is anything but 401 and the statuses that ask for another attempt; those are errors. No attempt is repeated
    /// here.
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

    /// The same once. `None` is a 401 of the registry that the attempt has an answer to.
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
        // Read first: the connection is then free for the token service, if that is the same host.
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

    /// A request that proves a credential. It begins without, to be asked.
    pub(in crate::registry) fn proof<'a>(
        &'a self,
        request: &'a RegistryRequest<'a>,
        credential: &Obtained,
    ) -> Attempt<'a> {
        Attempt::proof(&self.transport, &self.options, &self.known, request, credential)
    }

    /// `Warning: 299 - "text"` is for people, and must not change what is done (distribution spec, "Warnings").
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
