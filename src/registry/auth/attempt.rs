//! Authenticates a request: from a challenge and a credential to an `Authorization` header.
//!
//! The first request carries what is known to work: nothing, or what an earlier 401 or a stored hint asked for. A 401
//! of the registry itself is answered once for each possible reason: another scheme or realm than expected, an expired
//! token, a token with too few rights. So there are three answers at most, and no endless loop.

use std::sync::Arc;

use super::known::{AuthKnowledge, AuthPlace, AuthWay, Refused, TokenKey};
use super::token::{Token, TokenRequest};
use crate::credential::{Credential, CredentialOrigin, Obtained};
use crate::http::{self, Authorization, HttpFault as _, Location, RedirectRefusal, Transport};
use crate::reference::Repository;
use crate::registry::challenge::{self, Challenge};
use crate::registry::error::RegistryError;
use crate::registry::options::RegistryOptions;
use crate::registry::realm;
use crate::registry::request::{PULL, RegistryRequest};
use crate::registry::scope::Scopes;
use crate::threads::locked;

/// What the `Authorization` of a request contains.
enum ShownAuthorization {
    Basic(Authorization),
    /// A registry token of the user's, which needs no token service.
    Own(Authorization),
    /// `fresh` is whether the token was requested for this very request.
    Bearer {
        token: Arc<Token>,
        fresh: bool,
    },
}

/// One request, and what has been tried to authenticate it.
pub(in crate::registry) struct Attempt<'a> {
    transport: &'a Transport,
    options: &'a RegistryOptions,
    known: &'a AuthKnowledge,
    request: &'a RegistryRequest<'a>,
    origin: String,
    /// The credential to verify. If it is `None`, the credential store of the options is used.
    given: Option<Arc<Obtained>>,
    way: Option<AuthWay>,
    shown: Option<ShownAuthorization>,
    /// A stored hint that did not work, and the error.
    misled: Option<(AuthWay, RegistryError)>,
    /// The origin of a stored token, if the registry wants user name and password instead.
    unfit: Option<Arc<CredentialOrigin>>,
    /// The error for the stored credential, while the request is repeated without one.
    refusal: Option<RegistryError>,
    /// Whether another scheme or realm has been tried, which is done once.
    turned: bool,
    /// Whether the token has been renewed, which is done once.
    refreshed: bool,
    /// Whether a token with more rights has been requested, which is done once.
    widened: bool,
    /// Whether `way` comes from a challenge in this attempt.
    learned: bool,
}

impl<'a> Attempt<'a> {
    /// A request that carries what is known to work for its repository or registry.
    pub(super) fn begin(
        transport: &'a Transport,
        options: &'a RegistryOptions,
        known: &'a AuthKnowledge,
        request: &'a RegistryRequest<'a>,
    ) -> Result<Self, RegistryError> {
        let mut attempt = Self::bare(transport, options, known, request, None);
        // Credentials never go to another host, as with an upload that is redirected.
        if !request.http.location.same_origin(request.scope.registry) {
            return Ok(attempt);
        }
        let exact = attempt.place(request.scope.repository);
        let (exact, loose) = {
            let ways = locked(&known.ways);
            (ways.get(&exact).cloned(), ways.get(&attempt.place(None)).cloned())
        };
        if let Some(Some(way)) = exact {
            match attempt.prepare(&way, None) {
                Ok(shown) => attempt.shown = shown,
                Err(error) => attempt.go_on_as_guest(error, Some(&way))?,
            }
            attempt.way = Some(way);
            return Ok(attempt);
        }
        let hints = options.hints.as_ref();
        let hinted =
            loose.unwrap_or_else(|| hints.and_then(|hints| hints.get(&attempt.origin)).map(AuthWay::from));
        let Some(way) = hinted else { return Ok(attempt) };
        // A hint is only a guess: if it fails, the request goes out as if there were none.
        match attempt.prepare(&way, None) {
            Ok(shown) => (attempt.shown, attempt.way) = (shown, Some(way)),
            Err(error) => {
                log::debug!("{error}: what {} asked for earlier is of no use", attempt.origin);
                locked(&known.ways).insert(attempt.place(None), None);
                attempt.misled = Some((way, error));
            }
        }
        Ok(attempt)
    }

    /// A request that verifies a credential. It is first sent without the credential, to get the challenge.
    pub(super) fn proof(
        transport: &'a Transport,
        options: &'a RegistryOptions,
        known: &'a AuthKnowledge,
        request: &'a RegistryRequest<'a>,
        credential: &Obtained,
    ) -> Self {
        Self::bare(transport, options, known, request, Some(Arc::new(credential.clone())))
    }

    fn bare(
        transport: &'a Transport,
        options: &'a RegistryOptions,
        known: &'a AuthKnowledge,
        request: &'a RegistryRequest<'a>,
        given: Option<Arc<Obtained>>,
    ) -> Self {
        Self {
            transport,
            options,
            known,
            request,
            origin: request.scope.registry.origin(),
            given,
            way: None,
            shown: None,
            misled: None,
            unfit: None,
            refusal: None,
            turned: false,
            refreshed: false,
            widened: false,
            learned: false,
        }
    }

    fn place(&self, repository: Option<&Repository>) -> AuthPlace {
        (self.origin.clone(), repository.cloned())
    }

    /// The header to send, if there is one.
    pub(in crate::registry) fn authorization(&self) -> Option<&Authorization> {
        match self.shown.as_ref()? {
            ShownAuthorization::Basic(authorization) | ShownAuthorization::Own(authorization) => {
                Some(authorization)
            }
            ShownAuthorization::Bearer { token, .. } => Some(&token.authorization),
        }
    }

    /// The origin of the credential that was sent, to the registry or for a token; or that is of the wrong kind; or
    /// that was refused before.
    pub(super) fn origin(&self) -> Result<Option<Arc<CredentialOrigin>>, RegistryError> {
        if self.shown.is_some()
            && let Some(obtained) = self.credential()?
        {
            return Ok(Some(Arc::clone(&obtained.origin)));
        }
        Ok(self.unfit.clone().or_else(|| self.refused_origin()))
    }

    /// Whether there is a credential, but of a kind that the registry does not ask for.
    pub(super) fn is_unfit(&self) -> bool {
        self.unfit.is_some()
    }

    /// Whether the request carries a token from a token service.
    pub(in crate::registry) fn has_token(&self) -> bool {
        matches!(self.shown, Some(ShownAuthorization::Bearer { .. }))
    }

    /// Prepares an answer to the registry's own 401 or 403, and returns whether there is one: then the caller sends the
    /// same request again.
    pub(super) fn answer(&mut self, status: u16, headers: &[String]) -> Result<bool, RegistryError> {
        let Some((way, rejected)) = self.plan(status, headers) else { return Ok(false) };
        if let Some((hinted, _)) = &self.misled
            && hinted.is_like(&way)
            && let Some((_, error)) = self.misled.take()
        {
            // The challenge is the one of the hint, so the error stands: do not ask the token service, with a password,
            // twice.
            return self.unless_anonymous(error, &way);
        }
        self.shown = match self.prepare(&way, rejected.as_ref()) {
            Ok(None) => {
                self.unfit = self.credential()?.map(|obtained| Arc::clone(&obtained.origin));
                return Ok(false);
            }
            Ok(shown) => shown,
            Err(error) => {
                if error.is_transient() {
                    // The next attempt then needs no challenge.
                    self.remember(&way);
                }
                if !self.unless_anonymous(error, &way)? {
                    return Ok(false);
                }
                (self.way, self.learned) = (Some(way), true);
                return Ok(true);
            }
        };
        self.remember(&way);
        (self.way, self.learned) = (Some(way), true);
        Ok(true)
    }

    fn remember(&self, way: &AuthWay) {
        let mut ways = locked(&self.known.ways);
        ways.insert(self.place(self.request.scope.repository), Some(way.clone()));
        // Without the scopes, which are for this repository only.
        ways.insert(self.place(None), Some(way.hint().into()));
    }

    /// Handles a refusal by the token service. A request without a credential ends with the registry's own 401, which
    /// says as much: `false`. A request with a refused stored credential may continue as a guest: `true`.
    fn unless_anonymous(&mut self, error: RegistryError, way: &AuthWay) -> Result<bool, RegistryError> {
        let refused = matches!(error, RegistryError::Unauthorized { .. } | RegistryError::Forbidden { .. });
        if refused && self.credential()?.is_none() {
            return Ok(false);
        }
        self.go_on_as_guest(error, Some(way)).map(|()| true)
    }

    /// Whether guests may be allowed to make this request: it reads, and does not verify a credential.
    fn reads(&self) -> bool {
        self.given.is_none() && self.request.scope.actions == PULL && self.request.scope.repository.is_some()
    }

    /// The origin of the stored credential that was refused for this request's repository.
    fn refused_origin(&self) -> Option<Arc<CredentialOrigin>> {
        let refused = locked(&self.known.refused);
        let here = refused.get(&self.place(self.request.scope.repository)).filter(|_| self.reads());
        here.map(|refused| Arc::clone(&refused.origin))
    }

    /// Whether the registry has refused a stored credential and the request is now made without one.
    pub(super) fn is_guest_instead(&self) -> bool {
        self.refusal.is_some()
    }

    /// Whether the request may be repeated as a guest after its credential was refused. Content that is only read may
    /// be public, and an expired stored credential should not hide it from its user. A credential that the user gave
    /// for this command is never dropped.
    pub(super) fn may_be_guest_instead(&self, way: Option<&AuthWay>) -> Result<bool, RegistryError> {
        // It was just asked as a guest, and wanted a password.
        let was_guest = self.learned && way.or(self.way.as_ref()) == Some(&AuthWay::Basic);
        let shown = way.is_some() || self.shown.is_some();
        if was_guest || !shown || self.refusal.is_some() || !self.reads() {
            return Ok(false);
        }
        Ok(self.credential()?.is_some_and(|obtained| !obtained.origin.place.is_given()))
    }

    /// Continues without the stored credential that the registry, or the token service of `way`, has refused. Returns
    /// the error if that is not allowed, or has been tried.
    pub(super) fn go_on_as_guest(
        &mut self,
        error: RegistryError,
        way: Option<&AuthWay>,
    ) -> Result<(), RegistryError> {
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        let obtained = if self.may_be_guest_instead(way)? { self.credential()? } else { None };
        let Some(obtained) = obtained.filter(|obtained| is_refusal(&error, obtained, way)) else {
            return Err(error);
        };
        let origin = Arc::clone(&obtained.origin);
        {
            let mut refused = locked(&self.known.refused);
            let told = refused.iter().any(|((registry, _), refused)| {
                *registry == self.origin && refused.told && refused.origin == origin
            });
            refused.insert(self.place(self.request.scope.repository), Refused { origin, told });
        }
        let way = way.or(self.way.as_ref()).cloned();
        (self.shown, self.misled) = (None, None);
        (self.turned, self.refreshed, self.widened) = (false, false, false);
        if let Some(way @ AuthWay::Bearer { .. }) = way {
            match self.prepare(&way, None) {
                Ok(shown) => {
                    self.remember(&way);
                    (self.shown, self.way) = (shown, Some(way));
                }
                Err(_) => return Err(error),
            }
        }
        self.refusal = Some(error);
        Ok(())
    }

    /// Reports, once for each credential, that the request was made without it.
    fn tell_of_refusal(&self) {
        let Some(origin) = self.refused_origin() else { return };
        let mut refused = locked(&self.known.refused);
        let same = |((registry, _), refused): &(&AuthPlace, &mut Refused)| {
            *registry == self.origin && refused.origin == origin
        };
        let mut told = false;
        for (_, refused) in refused.iter_mut().filter(same) {
            told |= std::mem::replace(&mut refused.told, true);
        }
        if !told {
            let host = self.request.scope.registry.authority();
            (self.options.refused)(&host, &origin);
        }
    }

    /// Decides how to answer a challenge, and which rejected token must not be used again.
    fn plan(&mut self, status: u16, headers: &[String]) -> Option<(AuthWay, Option<Arc<Token>>)> {
        // An upload session need not be cancelled, and registries want rights for it that hardly any user has.
        if self.request.http.method == "DELETE" && self.shown.is_some() {
            return None;
        }
        // A challenge whose realm is not a URL is ignored.
        let usable = |challenge: &Challenge| {
            !matches!(challenge, Challenge::Bearer { realm, .. }
                if Location::parse(realm) == Err(RedirectRefusal::Malformed))
        };
        let challenge = challenge::parse(headers.iter().map(String::as_str)).into_iter().find(usable)?;
        let (asked, complaint) = match challenge {
            Challenge::Basic => (AuthWay::Basic, None),
            Challenge::Bearer { realm, service, scopes, error } => {
                (AuthWay::Bearer { realm, service, scopes }, error)
            }
        };
        // A token that does not come from a token service cannot be renewed.
        if matches!(self.shown, Some(ShownAuthorization::Own(_))) && matches!(asked, AuthWay::Bearer { .. }) {
            return None;
        }
        // By RFC 6750 3.1 this error comes with 403; registries send 401.
        if status == 403 && complaint.as_deref() != Some("insufficient_scope") {
            return None;
        }
        let (token, fresh) = match &self.shown {
            Some(ShownAuthorization::Bearer { token, fresh }) => (Some(Arc::clone(token)), *fresh),
            _ => (None, false),
        };
        let known = self.way.clone().filter(|_| self.shown.is_some());
        let Some(known) = known else { return Some((asked, None)) };
        if let (AuthWay::Bearer { scopes: wanted, .. }, AuthWay::Bearer { realm, service, scopes }) =
            (&asked, &known)
            && asked.is_like(&known)
            && !self.widened
        {
            let (mut before, mut extra) = (self.scopes(scopes), scopes.clone());
            if before.add_all(wanted) {
                self.widened = true;
                extra.extend(wanted.iter().cloned());
                let (realm, service) = (realm.clone(), service.clone());
                return Some((AuthWay::Bearer { realm, service, scopes: extra }, None));
            }
        }
        let expired = !fresh || (asked.is_like(&known) && complaint.as_deref() == Some("invalid_token"));
        if token.is_some() && expired && !self.refreshed {
            // From the realm that it came from: for an expired token nvcr.io names another realm, which does not serve
            // guests.
            self.refreshed = true;
            return Some((known, token));
        }
        if asked.is_like(&known) || self.turned {
            return None;
        }
        self.turned = true;
        Some((asked, None))
    }

    /// The registry has accepted the request: remembers how it wanted to be asked, in the hints of the options.
    pub(in crate::registry) fn settled(&mut self) {
        self.refusal = None;
        self.tell_of_refusal();
        let (Some(hints), Some(way), true) = (&self.options.hints, &self.way, self.learned) else { return };
        let hint = way.hint();
        if hints.get(&self.origin).as_ref() != Some(&hint) {
            hints.put(&self.origin, &hint);
        }
    }

    /// The scopes of the request itself, followed by those that challenges asked for.
    fn scopes(&self, more: &[String]) -> Scopes {
        let mut scopes = self.request.scope.own();
        // Verifying a credential needs no rights, and a request for some may be refused.
        if self.request.scope.repository.is_some() {
            scopes.add_all(more);
        }
        scopes
    }

    /// The credential for this request, unless it has been refused.
    fn credential(&self) -> Result<Option<Arc<Obtained>>, RegistryError> {
        if self.refused_origin().is_some() { Ok(None) } else { self.lookup() }
    }

    fn lookup(&self) -> Result<Option<Arc<Obtained>>, RegistryError> {
        if self.given.is_some() {
            return Ok(self.given.clone());
        }
        let (host, repository) = (self.request.scope.host, self.request.scope.repository);
        let Some(store) = &self.options.credentials else { return Ok(None) };
        let slot = self.known.credentials.slot((host.clone(), repository.cloned()));
        let mut found = locked(&slot);
        if let Some(credential) = &*found {
            return Ok(credential.clone());
        }
        let credential = store.find(host, repository)?.map(Arc::new);
        *found = Some(credential.clone());
        Ok(credential)
    }

    /// Prepares the authorization for a way, with a token from the token service if it needs one. `None` if there is
    /// nothing to send.
    fn prepare(
        &self,
        way: &AuthWay,
        rejected: Option<&Arc<Token>>,
    ) -> Result<Option<ShownAuthorization>, RegistryError> {
        let AuthWay::Bearer { realm, service, scopes } = way else {
            return Ok(match self.credential()?.as_deref().map(|obtained| &obtained.credential) {
                Some(Credential::Basic { username, password }) => {
                    Some(ShownAuthorization::Basic(Authorization::basic(username, password)))
                }
                // An identity token is for token services, and a registry token for registries that take tokens.
                Some(Credential::IdentityToken(_) | Credential::RegistryToken(_)) | None => None,
            });
        };
        let registry = self.request.scope.registry;
        let line = || self.request.http.line();
        // The realm is judged before the user or a helper is asked for a password.
        let remembered = (self.options.remembered_realms)(&self.origin);
        let trusted: Vec<_> = self.options.trusted_realms.iter().cloned().chain(remembered).collect();
        let judged = realm::judge(registry, realm, &trusted);
        let judged = judged.and_then(|realm| {
            let to = &realm.location;
            let inwards = http::is_inwards(registry, to) && !realm.vouched && self.transport.is_blind(to);
            if inwards { Err(RedirectRefusal::InternalRealm) } else { Ok(realm) }
        });
        let realm = judged.map_err(|source| http::HttpError::elsewhere(&line(), realm, source))?;
        let credential = self.credential()?;
        // A registry token goes to the registry itself, and to no realm.
        if let Some(Credential::RegistryToken(token)) = credential.as_deref().map(|o| &o.credential) {
            return Ok(Authorization::bearer(token).map(ShownAuthorization::Own));
        }
        if credential.is_some() && !realm.belongs {
            let realm = realm.location.authority();
            return Err(RegistryError::ForeignRealm { request: line(), host: registry.authority(), realm });
        }
        let scopes = self.scopes(scopes);
        let (realm, vouched, service) = (realm.location, realm.vouched, service.clone());
        let slot = self.known.tokens.slot(TokenKey {
            origin: self.origin.clone(),
            realm: realm.clone(),
            service: service.clone(),
            scopes: scopes.clone(),
            guest: credential.is_none(),
        });
        let mut kept = locked(&slot);
        // Another thread may have replaced the rejected token already. A kept token says nothing about a credential to
        // verify.
        let usable = |token: &&Arc<Token>| {
            self.given.is_none() && !token.is_stale() && !rejected.is_some_and(|r| Arc::ptr_eq(r, token))
        };
        if let Some(token) = kept.as_ref().filter(usable) {
            return Ok(Some(ShownAuthorization::Bearer { token: Arc::clone(token), fresh: false }));
        }
        let (transport, service) = (self.transport, service.as_deref());
        let request = TokenRequest { transport, registry, realm: &realm, vouched, service, scopes: &scopes };
        let token = Arc::new(request.send(credential.as_deref())?);
        *kept = Some(Arc::clone(&token));
        Ok(Some(ShownAuthorization::Bearer { token, fresh: true }))
    }
}

/// Whether an error means that the credential that was sent is wrong. For an identity token that is 400 (RFC 6749 5.2).
fn is_refusal(error: &RegistryError, shown: &Obtained, way: Option<&AuthWay>) -> bool {
    match error {
        RegistryError::Unauthorized { shown, unfit, .. } => shown.is_some() && !unfit,
        RegistryError::Forbidden { shown, .. } => shown.is_some(),
        RegistryError::Refused { status: 400, .. } => {
            way.is_some() && matches!(shown.credential, Credential::IdentityToken(_))
        }
        _ => false,
    }
}
