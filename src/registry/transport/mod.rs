//! HTTP as the rest of the client sees it: requests with headers per origin, redirects and retries by our own hand,
//! and typed errors. This module is the only one that names ureq.

mod agent;
mod failure;
mod pace;

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use ureq::http;
use ureq::{Agent, AsSendBody, Proxy, SendBody};

use self::pace::{Floor, Paced};
use super::error::{Error, Failure, RequestLine};
use super::location::{self, Location, Refusal};
use super::printable::printable;
use super::report::{self, MAX_ERROR, Report};
use super::retry::{self, Attempts};
use super::{Options, Source, Timeouts};
use crate::digest::VerifiedReader;
use crate::manifest::Descriptor;
use crate::reference::Repository;

/// Real registries redirect once, to storage.
const MAX_REDIRECTS: usize = 5;
/// Larger bodies wait for `100 Continue`: a registry that refuses and closes while we still send makes its answer
/// unreadable. Smaller ones are in the kernel's buffers by then.
const EXPECT_ABOVE: u64 = 256 << 10;
/// A registry has no business to warn of more.
const MAX_WARNINGS: usize = 16;

/// One request to a registry.
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) location: Location,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body<'a>,
    pub(super) scope: Scope<'a>,
}

/// What a request is a part of: whose credentials it may carry, and which rights it needs.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The root of the registry. Its origin is the only one that ever sees an Authorization.
    pub(super) registry: &'a Location,
    /// The repository.
    pub(super) repository: &'a Repository,
    /// `pull`, or `pull,push`.
    pub(super) actions: &'static str,
}

/// What a request carries. All of it can be sent again.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// No body, and no word about it: `GET`, `HEAD`, `DELETE`.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// A blob, and who is told how much of it was sent.
    Blob { descriptor: &'a Descriptor, source: &'a dyn Source, progress: &'a (dyn Fn(u64) + Sync) },
}

impl Body<'_> {
    fn size(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Blob { descriptor, .. } => Some(descriptor.size),
        }
    }
}

/// The exchange with registries: connections, trust, patience.
pub(super) struct Transport {
    agent: Agent,
    /// With the roots that are part of this program, for a system that has none.
    bundled: Agent,
    without_roots: AtomicBool,
    options: Options,
    warned: Mutex<HashSet<String>>,
}

impl Transport {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            agent: agent::agent(&options.timeouts, agent::tls(options, true)?),
            bundled: agent::agent(&options.timeouts, agent::tls(options, false)?),
            without_roots: AtomicBool::new(false),
            options: options.clone(),
            warned: Mutex::default(),
        })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Makes attempts until one succeeds, fails for good, or was the last. The attempt is told how many there were
    /// before it.
    pub(super) fn retrying<T>(&self, mut attempt: impl FnMut(u32) -> Result<T, Error>) -> Result<T, Error> {
        let mut attempts = Attempts::new(self.options.backoff);
        loop {
            match attempt(attempts.retries()) {
                Err(error) if error.is_transient() => self.pause(&mut attempts, error)?,
                result => return result,
            }
        }
    }

    /// Waits before the next attempt, or hands the error back if there is none.
    pub(super) fn pause(&self, attempts: &mut Attempts, error: Error) -> Result<(), Error> {
        let Some(wait) = attempts.next(error.retry_after()) else { return Err(error) };
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        log::debug!("{error}: {cause}; trying again in {} ms", wait.as_millis());
        (self.options.sleep)(wait);
        Ok(())
    }

    /// Sends a request and follows where it is redirected to. An answer is anything but 401 and the statuses that ask
    /// for another attempt; those are errors. No attempt is repeated here.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let mut location = request.location.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.exchange(request, &location)?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return self.judge(request, response);
            }
            location = self.redirected(request, response)?;
        }
        let request = RequestLine::new(request.method, &request.location);
        Err(Error::Protocol { request, how: format!("more than {MAX_REDIRECTS} redirects") })
    }

    fn redirected(&self, request: &Request<'_>, response: Response) -> Result<Location, Error> {
        let writes = !matches!(request.body, Body::None);
        // 301 to 303 turn a POST or PUT into a GET (RFC 9110 15.4), which is not what was asked for.
        if writes && !matches!(response.status, 307 | 308) {
            let how = format!("{} is no answer to {}", response.status, request.method);
            return Err(Error::Protocol { request: response.request, how });
        }
        let Some(to) = response.header("location") else {
            let how = format!("{} without a Location", response.status);
            return Err(Error::Protocol { request: response.request, how });
        };
        let (registry, from) = (request.scope.registry, &response.location);
        let next = if writes {
            location::upload(registry, from, to, &self.options.upload_hosts)
        } else {
            location::redirect(registry, from, to)
        };
        let next = next.map_err(|source| elsewhere(&response, to, source))?;
        log::debug!("{}: {} to {next}", response.request, response.status);
        response.drain();
        Ok(next)
    }

    /// Tells answers from errors.
    fn judge(&self, request: &Request<'_>, mut response: Response) -> Result<Response, Error> {
        let from_registry = response.location.same_origin(request.scope.registry);
        if from_registry {
            self.warn(&response);
        }
        if response.status == 401 {
            let challenges = response.headers.get_all("www-authenticate").iter();
            let challenges = challenges.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
            let Scope { repository, actions, .. } = request.scope;
            let scope = format!("repository:{repository}:{actions}");
            let report = response.report();
            let request = response.request;
            return Err(Error::Unauthorized { request, challenges, scope, from_registry, report });
        }
        if retry::is_transient(response.status) {
            let asked = response.header("retry-after");
            let retry_after = asked.and_then(|value| retry::retry_after(value, SystemTime::now()));
            let (status, report) = (response.status, response.report());
            let source = Failure::Status { status, retry_after, report };
            return Err(Error::Unreachable { request: response.request, source });
        }
        Ok(response)
    }

    /// `Warning: 299 - "text"` is for people, and must not change what is done (distribution spec, "Warnings").
    fn warn(&self, response: &Response) {
        for value in response.headers.get_all("warning") {
            let Some(text) = value.to_str().ok().and_then(warning) else { continue };
            let text = printable(&text, 1024);
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if !text.is_empty() && warned.len() < MAX_WARNINGS && warned.insert(text.clone()) {
                drop(warned);
                (self.options.warn)(&text);
            }
        }
    }

    /// One request to one place, over a connection that is alive.
    fn exchange(&self, request: &Request<'_>, location: &Location) -> Result<Response, Error> {
        let line = RequestLine::new(request.method, location);
        let mut fresh = false;
        loop {
            let begun = agent::connections_begun();
            let bundled = self.without_roots.load(Ordering::Relaxed);
            let agent = if bundled { &self.bundled } else { &self.agent };
            let error = match self.run(agent, request, location, fresh)? {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            // ureq does not notice every connection that the other side has closed while it was idle. The request
            // cannot have been looked at, so this is no failed attempt (RFC 9112 9.3.1).
            if !fresh && agent::connections_begun() == begun && failure::is_dead(&error) {
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
        fresh: bool,
    ) -> Result<Result<Response, ureq::Error>, Error> {
        let proxy = self.proxy(location)?;
        let mut head = http::Request::builder().method(request.method).uri(location.with_query());
        for (name, value) in self.headers(request, location) {
            head = head.header(name, value);
        }
        let result = match Outgoing::open(request.body)? {
            None => self.call(agent, head, (), proxy, fresh),
            Some(mut outgoing) => {
                let mut paced = Paced::new(&mut outgoing, floor(&self.options.timeouts));
                let result = self.call(agent, head, SendBody::from_reader(&mut paced), proxy, fresh);
                if let (Body::Blob { descriptor, .. }, Some(failed)) = (request.body, outgoing.failed) {
                    return Err(source_error(descriptor, failed));
                }
                result
            }
        };
        Ok(result.map(|response| {
            let (parts, body) = response.into_parts();
            Response {
                request: RequestLine::new(request.method, location),
                location: location.clone(),
                status: parts.status.as_u16(),
                headers: parts.headers,
                body,
                floor: floor(&self.options.timeouts),
            }
        }))
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
        // A registry may read a whole blob back before it answers the PUT.
        let response_in = if request.method() == "PUT" { timeouts.put_response } else { timeouts.response };
        let mut configured =
            agent.configure_request(request).proxy(proxy).timeout_recv_response(Some(response_in));
        if fresh {
            // No idle connection is young enough.
            configured = configured.max_idle_age(Duration::ZERO);
        }
        agent.run(configured.build())
    }

    /// The headers for one origin. Those of the request say nothing about who asks, and go to whomever the registry
    /// hands us on to.
    fn headers(&self, request: &Request<'_>, location: &Location) -> Vec<(&'static str, String)> {
        // A compressed transfer would be other bytes than the digest is of.
        let mut headers = vec![("Accept-Encoding", "identity".to_owned())];
        headers.extend(request.headers.iter().cloned());
        if let Some(size) = request.body.size() {
            // Always a length, never chunks: some registries take no others, some take them and lose them.
            headers.push(("Content-Length", size.to_string()));
            if size > EXPECT_ABOVE {
                headers.push(("Expect", "100-continue".to_owned()));
            }
        }
        if location.same_origin(request.scope.registry) {
            // The only place for an Authorization: `request.scope` says which one, and no other origin gets here.
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

/// An error while a body was read.
pub(super) fn broken(request: &RequestLine, error: io::Error) -> Error {
    failure::classify(request.clone(), ureq::Error::from(error))
}

fn floor(timeouts: &Timeouts) -> Floor {
    Floor { window: timeouts.pace_window, bytes: timeouts.pace_bytes }
}

/// The registry named a place that is not gone to.
pub(super) fn elsewhere(response: &Response, to: &str, source: Refusal) -> Error {
    // The query may be a signature, and userinfo is credentials: neither is repeated.
    let to = to.split(['?', '#']).next().unwrap_or_default();
    let to = match to.rsplit_once('@') {
        Some((_, rest)) => rest,
        None => to,
    };
    Error::Elsewhere { request: response.request.clone(), to: printable(to, 256), source }
}

fn source_error(descriptor: &Descriptor, source: io::Error) -> Error {
    Error::Source { digest: descriptor.digest.clone(), source }
}

/// The text of a `Warning` header with code 299.
fn warning(value: &str) -> Option<String> {
    let rest = value.trim().strip_prefix("299 ")?;
    let quoted = rest.split_once('"')?.1;
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    Some(text)
}

/// A body on its way out, which remembers when it was its own fault.
struct Outgoing<'a> {
    reader: Box<dyn Read + 'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    sent: u64,
    failed: Option<io::Error>,
}

impl<'a> Outgoing<'a> {
    fn open(body: Body<'a>) -> Result<Option<Self>, Error> {
        let (reader, progress): (Box<dyn Read + 'a>, &'a (dyn Fn(u64) + Sync)) = match body {
            Body::None => return Ok(None),
            Body::Bytes(bytes) => (Box::new(bytes), &|_| {}),
            Body::Blob { descriptor, source, progress } => {
                let reader = source.open().map_err(|source| source_error(descriptor, source))?;
                // Content that changed since its descriptor was made is noticed before all of it is sent.
                let verified = VerifiedReader::new(reader, descriptor.digest.clone(), descriptor.size);
                (Box::new(verified), progress)
            }
        };
        Ok(Some(Self { reader, progress, sent: 0, failed: None }))
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buf) {
            Ok(read) => {
                self.sent += read as u64;
                (self.progress)(self.sent);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// An answer whose body is still to be read. Dropped unread, it costs the connection.
pub(super) struct Response {
    pub(super) request: RequestLine,
    /// Where it came from, after redirects.
    pub(super) location: Location,
    pub(super) status: u16,
    headers: http::HeaderMap,
    body: ureq::Body,
    floor: Floor,
}

impl Response {
    /// A header, if it is there once and readable.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header.
    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The length that the body is said to have.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The request, and the body at a decent pace.
    pub(super) fn into_reader(self) -> (RequestLine, impl Read) {
        (self.request, Paced::new(self.body.into_reader(), self.floor))
    }

    fn reader(&mut self) -> impl Read {
        Paced::new(self.body.as_reader(), self.floor)
    }

    /// The whole body, which is `what`.
    pub(super) fn read(&mut self, limit: u64, what: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let result = self.reader().take(limit + 1).read_to_end(&mut bytes);
        result.map_err(|error| broken(&self.request, error))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { what: format!("{}: {what}", self.request), limit });
        }
        Ok(bytes)
    }

    /// Reads what nobody needs, so that the connection can be used again.
    pub(super) fn drain(mut self) {
        // An error costs the connection, as not reading would.
        let _ = io::copy(&mut self.reader().take(MAX_ERROR), &mut io::sink());
    }

    /// What the registry says about an error.
    fn report(&mut self) -> Report {
        Report::read(&self.error_body(), self.header("content-type").unwrap_or_default())
    }

    fn error_body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        // As much as arrives: half a report is better than none, and the status is known.
        let _ = self.reader().take(MAX_ERROR).read_to_end(&mut body);
        body
    }

    /// The error that a status of 400 and more is, once those for everybody are dealt with.
    pub(super) fn refused(mut self) -> Error {
        let body = self.error_body();
        let report = Report::read(&body, self.header("content-type").unwrap_or_default());
        let (request, status) = (self.request, self.status);
        match status {
            404 => Error::NotFound { request, report },
            403 => Error::Forbidden { request, report },
            400 if !self.location.is_https() && report::is_about_tls(&body) => Error::SpeaksTls { request },
            400.. => Error::Refused { request, status, report },
            _ => Error::Protocol { request, how: format!("unexpected status {status}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted_text() {
        for (value, text) in [
            (r#"299 - "deprecated""#, Some("deprecated")),
            (r#"299 - "say \"no\" \\ now" "Sun, 06 Nov 1994 08:49:37 GMT""#, Some(r#"say "no" \ now"#)),
            (r#"299 - "open"#, Some("open")),
            (r#"199 - "other""#, None),
            ("299 - bare", None),
            ("", None),
        ] {
            assert_eq!(warning(value).as_deref(), text, "{value}");
        }
    }
}
