//! Downloads of content that is known by its digest and its size: verified, and taken up again where they broke off.

use std::io::{self, Read};

use super::connections::Opening;
use super::error::{Error, Fault};
use super::request::Request;
use super::request_line::RequestLine;
use super::response::{Response, broken};
use super::retry::Attempts;
use super::transport::Transport;
use crate::digest::{Digest, Mismatch};

/// How often a download that got further is taken up again where it broke off.
const MAX_RESUMES: u32 = 3;
/// Most of what is fetched fits into one of these.
const BUFFER: usize = 64 << 10;

/// Where a download goes. It may hold a beginning of the content already, from a process that was interrupted: only
/// the rest is then asked for.
pub trait Sink {
    /// How many bytes it holds.
    fn held(&self) -> u64;
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Forgets all that it holds.
    fn restart(&mut self) -> io::Result<()>;
    /// The digest of all that it holds, in the algorithm of the one that is wanted.
    fn digest(&self) -> Digest;
    /// How much of the beginning it wants to see before anything else is asked for.
    fn beginning(&self) -> Option<u64> {
        None
    }
    /// Whether it has the rest from elsewhere, now that it has seen the beginning: then its digest is that of both.
    fn has_rest(&mut self) -> bool {
        false
    }
}

/// What a download is to bring.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Its digest.
    pub(crate) digest: &'a Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The entity tag that it probably has, in quotes.
    pub(crate) etag: &'a str,
}

/// Who sends the requests of a download: somebody who knows who asks, and what a refusal means.
pub(crate) trait Asks {
    /// What goes wrong.
    type Error: Fault;
    /// Sends a request, once.
    fn send(&self, request: &Request<'_>) -> Result<Response, Self::Error>;
    /// What an answer means that is no content.
    fn refused(&self, response: Response) -> Self::Error;
}

/// Downloads what is wanted, which the request is for. When this returns, the sink holds that and nothing else; after an
/// error it may hold a beginning of it.
pub(crate) fn download<A: Asks>(
    transport: &Transport,
    asks: &A,
    request: Request<'_>,
    wanted: Wanted<'_>,
    sink: &mut dyn Sink,
) -> Result<(), A::Error> {
    Download { transport, asks, wanted, sink, ranges: true, etag: wanted.etag.to_owned() }.run(request)
}

/// One download.
struct Download<'a, A> {
    transport: &'a Transport,
    asks: &'a A,
    wanted: Wanted<'a>,
    sink: &'a mut dyn Sink,
    /// Whether the server is still trusted to know what a range is.
    ranges: bool,
    /// The entity tag of the content where it is really kept, behind redirects.
    etag: String,
}

impl<A: Asks> Download<'_, A> {
    fn run(mut self, mut request: Request<'_>) -> Result<(), A::Error> {
        let mut attempts = Attempts::new(self.transport.options().backoff);
        let (mut resumes, mut mismatches) = (0, 0);
        if let Some(length) = self.sink.beginning().filter(|_| self.sink.held() == 0) {
            match self.begin(&mut request, length) {
                Ok(()) if self.sink.has_rest() => return Ok(self.verify(&request)?),
                Ok(()) => {}
                Err(error) if matches!(error.http(), Some(Error::Sink { .. })) => return Err(error),
                // It would have been less to do. What is there counts, unless it is wrong.
                Err(error) => {
                    log::debug!("{error}; without the short cut");
                    if error.is_mismatch() {
                        self.restart()?;
                    }
                }
            }
        }
        loop {
            if self.sink.held() > self.wanted.size {
                self.restart()?;
            }
            let before = self.sink.held();
            let error = match self.attempt(&mut request).and_then(|()| Ok(self.verify(&request)?)) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // One that dies next is no idle one, and its request counts.
            request.opening = Opening::Fresh;
            if error.is_mismatch() {
                // What is wrong is not kept, neither for the next attempt nor for the next process.
                self.restart()?;
                mismatches += 1;
                if mismatches > 1 {
                    return Err(error);
                }
                log::debug!("{error}; once more from the start");
            } else if error.is_transient() && self.sink.held() > before && resumes < MAX_RESUMES {
                resumes += 1;
                log::debug!("{error}; going on at byte {}", self.sink.held());
            } else if error.is_transient() {
                self.transport.pause(&mut attempts, error)?;
            } else {
                return Err(error);
            }
        }
    }

    /// One request for the beginning alone. Where ranges are unknown all of it comes, and where they are mistaken
    /// nothing is taken.
    fn begin(&mut self, request: &mut Request<'_>, length: u64) -> Result<(), A::Error> {
        request.headers.push(("Range", format!("bytes=0-{}", length.saturating_sub(1))));
        let response = self.asks.send(request)?;
        match response.status {
            200 => Ok(self.receive(response, self.wanted.size)?),
            206 if self.continues(&response, 0) => Ok(self.receive(response, length)?),
            206 | 416 => Ok(()),
            _ => Err(self.asks.refused(response)),
        }
    }

    /// One request, for all that is missing.
    fn attempt(&mut self, request: &mut Request<'_>) -> Result<(), A::Error> {
        let held = self.sink.held();
        // Complete already, or empty by nature.
        if held == self.wanted.size {
            return Ok(());
        }
        request.headers.clear();
        if held > 0 && self.ranges {
            request.headers.push(("Range", format!("bytes={held}-")));
            request.headers.push(("If-Range", self.etag.clone()));
        }
        let response = self.asks.send(request)?;
        match response.status {
            200 => {
                // The whole of it, whatever was asked for.
                if held > 0 {
                    self.restart()?;
                }
            }
            206 if held > 0 && self.ranges => {
                if !self.continues(&response, held) {
                    return self.without_ranges(request);
                }
            }
            // What is held is no beginning of it, or the server does not understand. docker-registry 2.8.2 sends
            // fewer bytes with this than it says, so the connection is given up with the response.
            416 if held > 0 && self.ranges => return self.without_ranges(request),
            206 => {
                let how = "206 without having been asked for a range".to_owned();
                return Err(Error::Protocol { request: response.request, how }.into());
            }
            _ => return Err(self.asks.refused(response)),
        }
        Ok(self.receive(response, self.wanted.size)?)
    }

    fn without_ranges(&mut self, request: &mut Request<'_>) -> Result<(), A::Error> {
        self.ranges = false;
        self.restart()?;
        self.attempt(request)
    }

    /// Whether a 206 begins just behind what is held (RFC 9110 14.4), and belongs to content of the right size.
    fn continues(&self, response: &Response, held: u64) -> bool {
        response.header("content-range").and_then(content_range).is_some_and(|(start, total)| {
            start == held && total.is_none_or(|total| total == self.wanted.size)
        })
    }

    /// Takes what comes, which must end with the byte before `size`.
    fn receive(&mut self, response: Response, size: u64) -> Result<(), Error> {
        let missing = size - self.sink.held();
        if let Some(length) = response.content_length().filter(|length| *length != missing) {
            return Err(self.wrong_size(&response.request, (size - missing).saturating_add(length)));
        }
        let etag = response.header("etag").filter(|etag| etag.starts_with('"'));
        self.etag = etag.unwrap_or(self.wanted.etag).to_owned();
        let (request, mut reader) = response.into_reader();
        let mut buffer = vec![0; BUFFER];
        // One byte more than there may be tells that there is more, without reading all of it.
        let mut left = missing.saturating_add(1);
        while left > 0 {
            let room = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            let read = match reader.read(&mut buffer[..room]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(&request, error)),
            };
            left -= read as u64;
            if left == 0 {
                return Err(self.wrong_size(&request, size.saturating_add(1)));
            }
            let kept = self.sink.write(&buffer[..read]);
            kept.map_err(|source| self.unkept(source))?;
        }
        if left > 1 {
            return Err(self.wrong_size(&request, self.sink.held()));
        }
        Ok(())
    }

    fn verify(&self, request: &Request<'_>) -> Result<(), Error> {
        let (expected, found) = (self.wanted.digest.clone(), self.sink.digest());
        if expected == found {
            return Ok(());
        }
        let request = RequestLine::new(request.method, &request.location);
        Err(Error::Mismatch { request, source: Mismatch::Digest { expected, found } })
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.sink.restart().map_err(|source| self.unkept(source))
    }

    fn wrong_size(&self, request: &RequestLine, found: u64) -> Error {
        let (digest, expected) = (self.wanted.digest.clone(), self.wanted.size);
        Error::Mismatch { request: request.clone(), source: Mismatch::Size { digest, expected, found } }
    }

    fn unkept(&self, source: io::Error) -> Error {
        Error::Sink { digest: self.wanted.digest.clone(), source }
    }
}

/// Start and total of `bytes <start>-<end>/<total>`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    match total.trim() {
        "*" => Some((start, None)),
        total => Some((start, Some(total.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_content_ranges() {
        for (value, range) in [
            ("bytes 5-9/10", Some((5, Some(10)))),
            ("bytes 5-9/*", Some((5, None))),
            ("bytes */10", None),
            ("bytes 5-9", None),
            ("bytes x-9/10", None),
            ("items 5-9/10", None),
            ("bytes 5-9/x", None),
            ("", None),
        ] {
            assert_eq!(content_range(value), range, "{value}");
        }
    }
}
