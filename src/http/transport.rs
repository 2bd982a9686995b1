//! Requests with headers per origin, redirects and retries by our own hand, and typed errors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::http::{self, HeaderValue};
use ureq::{Agent, AsSendBody, Proxy, SendBody};

use super::agent;
use super::authorization::Authorization;
use super::body::{Body, Outgoing, unreadable};
use super::connections::{self, Opening};
use super::error::{Error, Fault};
use super::failure;
use super::location::Location;
use super::options::Options;
use super::pace::{Floor, Paced};
use super::request::Request;
use super::request_line::RequestLine;
use super::response::Response;
use super::retry::Attempts;
use super::rules;
use super::timeouts::Timeouts;
use super::tls;

/// Real servers redirect once, to storage.
const MAX_REDIRECTS: usize = 5;
/// Larger bodies wait for `100 Continue`: a server that refuses and closes while we still send makes its answer
/// unreadable. Smaller ones are in the kernel's buffers by then.
const EXPECT_ABOVE: u64 = 256 << 10;

/// The exchange with servers: connections, trust, patience.
pub(crate) struct Transport {
    agent: Agent,
    /// With the roots that are part of this program, for a system that has none.
    bundled: Agent,
    without_roots: AtomicBool,
    options: Options,
}

impl Transport {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            agent: agent::agent(&options.timeouts, tls::config(options, true)?),
            bundled: agent::agent(&options.timeouts, tls::config(options, false)?),
            without_roots: AtomicBool::new(false),
            options: options.clone(),
        })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Makes attempts until one succeeds, fails for good, or was the last. The attempt is told how many there were
    /// before it.
    pub(crate) fn retrying<T, F: Fault>(&self, mut attempt: impl FnMut(u32) -> Result<T, F>) -> Result<T, F> {
        let mut attempts = Attempts::new(self.options.backoff);
        loop {
            match attempt(attempts.retries()) {
                Err(error) if error.is_transient() => self.pause(&mut attempts, error)?,
                result => return result,
            }
        }
    }

    /// Waits before the next attempt, or hands the error back if there is none.
    pub(super) fn pause<F: Fault>(&self, attempts: &mut Attempts, fault: F) -> Result<(), F> {
        let wait = fault.http().and_then(|error| {
            let wait = attempts.next(error.retry_after())?;
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            log::debug!("{error}: {cause}; trying again in {} ms", wait.as_millis());
            Some(wait)
        });
        let Some(wait) = wait else { return Err(fault) };
        (self.options.sleep)(wait);
        Ok(())
    }

    /// Sends a request and follows where it is redirected to. Tells as well whether the answer is the named server's own,
    /// and no other host had a say in it.
    pub(crate) fn follow(
        &self,
        request: &Request<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<(Response, bool), Error> {
        let mut location = request.location.clone();
        // Scheme, host and port all count (GHSA-vh4v-2xq2-g5cg), and who has once left does not come back
        // (CVE-2024-45336).
        let mut own = true;
        for _ in 0..=MAX_REDIRECTS {
            own &= location.same_origin(request.home);
            let response = self.exchange(request, &location, authorization.filter(|_| own))?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((response, own));
            }
            location = self.redirected(request, response)?;
        }
        let request = RequestLine::new(request.method, &request.location);
        Err(Error::Protocol { request, how: format!("more than {MAX_REDIRECTS} redirects") })
    }

    fn redirected(&self, request: &Request<'_>, response: Response) -> Result<Location, Error> {
        let writes = !matches!(request.method, "GET" | "HEAD");
        // 301 to 303 turn a POST or PUT into a GET (RFC 9110 15.4), which is not what was asked for.
        if writes && !matches!(response.status, 307 | 308) {
            let how = format!("{} is no answer to {}", response.status, request.method);
            return Err(Error::Protocol { request: response.request, how });
        }
        let Some(to) = response.header("location") else {
            let how = format!("{} without a Location", response.status);
            return Err(Error::Protocol { request: response.request, how });
        };
        let (home, from) = (request.home, &response.location);
        let next = if writes {
            rules::upload(home, from, to, &self.options.upload_hosts)
        } else {
            rules::redirect(home, from, to)
        };
        let next = next.map_err(|source| Error::elsewhere(&response.request, to, source))?;
        log::debug!("{}: {} to {next}", response.request, response.status);
        response.drain();
        Ok(next)
    }

    /// One request to one place, over a connection that is alive. The authorization is for that place.
    pub(crate) fn exchange(
        &self,
        request: &Request<'_>,
        location: &Location,
        authorization: Option<&Authorization>,
    ) -> Result<Response, Error> {
        let line = RequestLine::new(request.method, location);
        let mut fresh = request.opening == Opening::Fresh;
        loop {
            let begun = connections::begun();
            connections::opening(if fresh { Opening::Fresh } else { request.opening });
            let bundled = self.without_roots.load(Ordering::Relaxed);
            let agent = if bundled { &self.bundled } else { &self.agent };
            let error = match self.run(agent, request, location, authorization, fresh)? {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            // ureq does not notice every connection that the other side has closed while it was idle. The request
            // cannot have been looked at, so this is no failed attempt (RFC 9112 9.3.1).
            if !fresh && connections::begun() == begun && failure::is_dead(&error) {
                log::debug!("{line}: the kept-alive connection was closed; again on a fresh one");
                fresh = true;
            } else if !bundled && failure::is_without_roots(&error) {
                log::debug!("the system has no CA certificates: using the bundled ones");
                self.without_roots.store(true, Ordering::Relaxed);
            } else {
                return Err(failure::classify(line, error));
            }
        }
    }

    /// The outer error is ours and final, the inner one is ureq's and yet to be judged.
    fn run(
        &self,
        agent: &Agent,
        request: &Request<'_>,
        location: &Location,
        authorization: Option<&Authorization>,
        fresh: bool,
    ) -> Result<Result<Response, ureq::Error>, Error> {
        let proxy = self.proxy(location)?;
        let mut head = http::Request::builder().method(request.method).uri(location.with_query());
        for (name, value) in Self::headers(request) {
            head = head.header(name, value);
        }
        if let Some(mut value) = authorization.and_then(|a| HeaderValue::from_str(a.expose()).ok()) {
            // For whoever prints headers.
            value.set_sensitive(true);
            head = head.header("Authorization", value);
        }
        let result = match Outgoing::open(request.body)? {
            None => self.call(agent, head, (), proxy, fresh),
            Some(mut outgoing) => {
                let mut paced = Paced::new(&mut outgoing, floor(&self.options.timeouts));
                let result = self.call(agent, head, SendBody::from_reader(&mut paced), proxy, fresh);
                if let (Body::Content { digest, .. }, Some(failed)) = (request.body, outgoing.failed) {
                    return Err(unreadable(digest, failed));
                }
                result
            }
        };
        let line = RequestLine::new(request.method, location);
        Ok(result.map(|answer| Response::new(line, location, answer, floor(&self.options.timeouts))))
    }

    fn call(
        &self,
        agent: &Agent,
        head: http::request::Builder,
        body: impl AsSendBody,
        proxy: Option<Proxy>,
        fresh: bool,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let timeouts = &self.options.timeouts;
        let request = head.body(body)?;
        // A server may read all of it back before it answers the PUT.
        let response_in = if request.method() == "PUT" { timeouts.put_response } else { timeouts.response };
        let mut configured =
            agent.configure_request(request).proxy(proxy).timeout_recv_response(Some(response_in));
        if fresh {
            // No idle connection is young enough.
            configured = configured.max_idle_age(Duration::ZERO);
        }
        agent.run(configured.build())
    }

    /// The headers for any origin. They say nothing about who asks, and go to whomever the server hands us on to.
    fn headers(request: &Request<'_>) -> Vec<(&'static str, String)> {
        // A compressed transfer would be other bytes than the digest is of.
        let mut headers = vec![("Accept-Encoding", "identity".to_owned())];
        headers.extend(request.headers.iter().cloned());
        if let Some(size) = request.body.size() {
            // Always a length, never chunks: some servers take no others, some take them and lose them.
            headers.push(("Content-Length", size.to_string()));
            if size > EXPECT_ABOVE {
                headers.push(("Expect", "100-continue".to_owned()));
            }
        }
        headers
    }

    fn proxy(&self, location: &Location) -> Result<Option<Proxy>, Error> {
        let proxies = &self.options.proxies;
        let Some(url) = proxies.proxy_for(location.is_https(), location.host(), location.port()) else {
            return Ok(None);
        };
        let refuse = |how: &str| Err(Error::Proxy { url: location.to_string(), how: how.to_owned() });
        // ureq panics at one that it was not built for.
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return refuse("only http:// and https:// proxies are supported");
        }
        Proxy::new(&url).map_or_else(|_| refuse("its URL is invalid"), |proxy| Ok(Some(proxy)))
    }
}

fn floor(timeouts: &Timeouts) -> Floor {
    Floor { window: timeouts.pace_window, bytes: timeouts.pace_bytes }
}
