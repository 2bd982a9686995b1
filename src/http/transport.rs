//! Sends requests: with headers by origin, our own handling of redirects and retries, and typed errors.

use std::sync::Arc;

use ureq_proto::http::{self, HeaderValue};

use super::authorization::Authorization;
use super::body::Body;
use super::error::{HttpError, HttpFault};
use super::exchange::{ConnectionPool, Message, Outgoing, exchange, unreadable};
use super::heads::USER_AGENT;
use super::location::Location;
use super::net::{Dialer, HttpRoute, Purpose};
use super::opening::Opening;
use super::options::HttpOptions;
use super::refusal::RedirectRefusal;
use super::request::HttpRequest;
use super::request_line::RequestLine;
use super::request_log::LoggedRequest;
use super::response::HttpResponse;
use super::retry::{Attempts, Why};
use super::rules;
use super::trouble::Trouble;

/// How many redirects are followed. Real servers redirect once, to storage.
const MAX_REDIRECTS: usize = 5;
/// Larger bodies wait for `100 Continue`: if a server refuses and closes while we still send, its answer is lost.
/// Smaller bodies are in the kernel's buffers by then. In bytes.
const EXPECT_ABOVE: u64 = 256 << 10;

/// Sends requests to servers, with the connections, TLS settings and retry settings of the options.
pub(crate) struct Transport {
    dialer: Arc<Dialer>,
    pool: Arc<ConnectionPool>,
    options: HttpOptions,
}

impl Transport {
    /// Reads the files that the options name. It does not connect yet.
    pub(crate) fn new(options: &HttpOptions) -> Result<Self, HttpError> {
        let dialer = Arc::new(Dialer::new(options)?);
        let pool = Arc::new(ConnectionPool::new(Arc::clone(&dialer)));
        Ok(Self { dialer, pool, options: options.clone() })
    }

    pub(crate) fn options(&self) -> &HttpOptions {
        &self.options
    }

    /// Calls `attempt` until it succeeds, fails for good, or no retry is left. `attempt` gets the number of attempts
    /// before it.
    pub(crate) fn retrying<T, F: HttpFault>(
        &self,
        mut attempt: impl FnMut(u32) -> Result<T, F>,
    ) -> Result<T, F> {
        let mut attempts = Attempts::new(self.options.backoff);
        loop {
            match attempt(attempts.retries()) {
                Err(error) if error.is_transient() => self.pause(&mut attempts, error)?,
                result => return result,
            }
        }
    }

    /// Waits before the next attempt, or returns the error if there is none.
    pub(super) fn pause<F: HttpFault>(&self, attempts: &mut Attempts, fault: F) -> Result<(), F> {
        let wait = fault.http().and_then(|error| {
            let why = if error.is_refused() { Why::Refused } else { Why::Failed(error.retry_after()) };
            let wait = attempts.next(why)?;
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            log::debug!("{error}: {cause}; trying again in {} ms", wait.as_millis());
            (self.options.waiting)(error, wait);
            Some(wait)
        });
        let Some(wait) = wait else { return Err(fault) };
        (self.options.sleep)(wait);
        Ok(())
    }

    /// Whether a server is reached through a proxy. Then the proxy resolves its name, and we do not know the address.
    pub(crate) fn is_blind(&self, to: &Location) -> bool {
        self.dialer.is_blind(to)
    }

    /// Resolves `text`, a reference in a document from `from`. An error if a redirect from there to that URL would not
    /// be followed.
    pub(crate) fn leads(
        &self,
        home: &Location,
        from: &Location,
        text: &str,
    ) -> Result<Location, RedirectRefusal> {
        let allowed = &self.options.allowed_hosts;
        let next = rules::redirect(home, from, text, || self.dialer.whereabouts(home), allowed)?;
        let blind = self.dialer.is_blind(&next) && !rules::is_named(&next, allowed);
        if blind && rules::is_inwards(home, &next) { Err(RedirectRefusal::Internal) } else { Ok(next) }
    }

    /// Sends a request and follows redirects. The `bool` is whether the answer is the named server's own, with no other
    /// host on the way.
    pub(crate) fn follow(
        &self,
        request: &HttpRequest<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<(HttpResponse, bool), HttpError> {
        let mut location = request.location.clone();
        // Credentials are dropped when scheme, host or port differ (GHSA-vh4v-2xq2-g5cg), and stay dropped if a later
        // redirect leads back (CVE-2024-45336).
        let mut own = true;
        for _ in 0..=MAX_REDIRECTS {
            own &= location.same_origin(request.home);
            let response = self.exchange(request, &location, authorization.filter(|_| own))?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((response, own));
            }
            location = self.redirected(request, response)?;
        }
        Err(HttpError::Protocol {
            request: request.line(),
            how: format!("more than {MAX_REDIRECTS} redirects"),
        })
    }

    fn redirected(&self, request: &HttpRequest<'_>, response: HttpResponse) -> Result<Location, HttpError> {
        let writes = !matches!(request.method, "GET" | "HEAD");
        let to = response.points_to();
        // 301, 302 and 303 turn a POST or PUT into a GET (RFC 9110 15.4), which is not what was asked for.
        if writes && !matches!(response.status, 307 | 308) {
            let to = to.map(|to| without_query(&response, &to)).unwrap_or_default();
            return Err(HttpError::Redirected { request: response.request, status: response.status, to });
        }
        let Some(to) = to else {
            let how = format!("{} without a Location", response.status);
            return Err(HttpError::Protocol { request: response.request, how });
        };
        let (home, from, allowed) = (request.home, &response.location, &self.options.allowed_hosts);
        let next = if writes { rules::upload(home, from, &to, allowed) } else { self.leads(home, from, &to) };
        let next = next.map_err(|source| HttpError::elsewhere(&response.request, &to, source))?;
        response.drain();
        Ok(next)
    }

    /// Sends one request to one URL, without following redirects. If a kept connection turns out to be closed, it uses
    /// a new one. The authorization is for that URL.
    pub(crate) fn exchange(
        &self,
        request: &HttpRequest<'_>,
        location: &Location,
        authorization: Option<&Authorization>,
    ) -> Result<HttpResponse, HttpError> {
        let line = RequestLine::new(request.method, location);
        let told = |trouble: Trouble| match (trouble, request.body) {
            (Trouble::Source(source), Body::Content { digest, .. }) => unreadable(digest, source),
            (trouble, _) => trouble.of_request(line.clone()),
        };
        let route = self.dialer.route(location).map_err(told)?;
        let away = location.host() != request.home.host();
        let purpose = Purpose {
            to: location,
            sent_by: away.then_some(request.home),
            named: request.vouched || rules::is_named(location, &self.options.allowed_hosts),
        };
        let timeouts = &self.options.timeouts;
        // A server may read the whole content back before it answers the PUT.
        let response = if request.method == "PUT" { timeouts.put_response } else { timeouts.response };
        let mut opening = request.opening;
        let mut expects = request.body.size().is_some_and(|size| size > EXPECT_ABOVE);
        loop {
            let Some(head) = head(request, location, &route, authorization, expects) else {
                return Err(HttpError::Protocol {
                    request: line,
                    how: "the URL cannot be requested".to_owned(),
                });
            };
            let mut outgoing = Outgoing::open(request.body)?;
            let message = Message { head, purpose, route: &route, opening, response };
            let mut logged = LoggedRequest::begin(&line);
            let result = exchange(&self.pool, message, outgoing.as_mut(), timeouts);
            logged.sent(outgoing.as_ref().map_or(0, Outgoing::sent));
            match result {
                Ok(answered) => {
                    if let Some(trouble) = route.refused(answered.status, &answered.headers) {
                        logged.answered(answered.status);
                        return Err(told(trouble));
                    }
                    let answer = HttpResponse::new(line.clone(), location, answered, logged);
                    // The server does not support `Expect` (RFC 9110 15.5.18): send again without it.
                    if answer.status != 417 || !expects {
                        return Ok(answer);
                    }
                    answer.drain();
                    expects = false;
                }
                // The other side may close a kept connection without this being noticed before it is used.
                Err(missed) if missed.stale => {
                    logged.forget();
                    log::debug!("{line}: the kept-alive connection was closed; again on a fresh one");
                    opening = Opening::Fresh;
                }
                Err(missed) => return Err(told(missed.trouble)),
            }
        }
    }
}

/// The head of a request; `None` if a header or the URL is not valid in HTTP.
fn head(
    request: &HttpRequest<'_>,
    location: &Location,
    route: &HttpRoute,
    authorization: Option<&Authorization>,
    expects: bool,
) -> Option<http::Request<()>> {
    let mut head = http::Request::builder().method(request.method).uri(location.with_query());
    head = head.header("User-Agent", USER_AGENT);
    let has = |name: &str| request.headers.iter().any(|(known, _)| *known == name);
    // A compressed answer would have another digest.
    if !has("Accept-Encoding") {
        head = head.header("Accept-Encoding", "identity");
    }
    if !has("Accept") {
        head = head.header("Accept", "*/*");
    }
    // These headers hold no credentials, so they also go to hosts that the server redirects to.
    for (name, value) in &request.headers {
        head = head.header(*name, value);
    }
    if let Some(size) = request.body.size() {
        // Always a length and never chunks: some servers refuse chunks, and some lose them.
        head = head.header("Content-Length", size);
    }
    if expects {
        head = head.header("Expect", "100-continue");
    }
    let secret = |authorization: &Authorization| {
        let mut value = HeaderValue::from_str(authorization.expose()).ok()?;
        // Then debug output of headers does not show it.
        value.set_sensitive(true);
        Some(value)
    };
    if let Some(value) = authorization.and_then(secret) {
        head = head.header("Authorization", value);
    }
    if let Some(value) = route.authorization().as_ref().and_then(secret) {
        head = head.header("Proxy-Authorization", value);
    }
    head.body(()).ok()
}

/// ` to ` and the target of a redirect without its query; empty if it is not a URL.
fn without_query(response: &HttpResponse, to: &str) -> String {
    response.location.join(to).map_or_else(|_| String::new(), |to| format!(" to {to}"))
}
