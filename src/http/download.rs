//! Downloads of content with a known digest. They are verified, and continue where they broke off.

use std::io;

use super::error::{HttpError, HttpFault};
use super::opening::Opening;
use super::request::HttpRequest;
use super::request_line::RequestLine;
use super::response::HttpResponse;
use super::retry::Attempts;
use super::transport::Transport;
use crate::digest::{Digest, Mismatch};

/// How often a download that made progress and broke off is continued from that place.
const MAX_RESUMES: u32 = 3;
/// The size of the buffer for reading, in bytes. Most manifests and charts fit into one buffer.
const BUFFER: usize = 64 << 10;

/// The destination of a download. It may already hold a beginning of the content, from an earlier process that was
/// interrupted: then only the rest is requested.
pub trait Sink {
    /// How many bytes it holds.
    fn held(&self) -> u64;
    /// Appends the next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Discards all bytes that it holds.
    fn restart(&mut self) -> io::Result<()>;
    /// The digest of all bytes that it holds, by the same algorithm as the digest that is wanted.
    fn digest(&self) -> Digest;
    /// How many bytes of the beginning it wants to see before the rest is requested; `None` if it has no such wish.
    fn beginning(&self) -> Option<u64> {
        None
    }
    /// Whether it already has the rest from elsewhere, now that it has seen the beginning. If so,
    /// [`digest`](Self::digest) covers both.
    fn has_rest(&mut self) -> bool {
        false
    }
}

/// The content that a download should fetch.
#[derive(Clone, Copy)]
pub(crate) struct WantedBody<'a> {
    /// The digest of the content.
    pub(crate) digest: &'a Digest,
    /// The size of the content in bytes, if it is known: the index of a classic repository has digests only.
    pub(crate) size: Option<u64>,
    /// The most bytes that the content may have.
    pub(crate) limit: u64,
    /// The entity tag that the server probably gives the content, in quotes; empty if it is unknown.
    pub(crate) etag: &'a str,
}

/// Sends the requests of a download: a client that adds credentials and knows what a refusal means.
pub(crate) trait Asks {
    /// The error of that client.
    type Error: HttpFault;
    /// Sends a request once, without retries.
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, Self::Error>;
    /// The error for an answer whose status is neither success nor one that a download handles itself.
    fn refused(&self, response: HttpResponse) -> Self::Error;
}

/// Downloads the wanted content with this request, and retries and continues as needed. On success the sink holds that
/// content and nothing else; after an error it may hold a beginning of it.
pub(crate) fn download<A: Asks>(
    transport: &Transport,
    asks: &A,
    request: HttpRequest<'_>,
    wanted: WantedBody<'_>,
    sink: &mut dyn Sink,
) -> Result<(), A::Error> {
    let (size, etag) = (wanted.size, wanted.etag.to_owned());
    HttpDownload { transport, asks, wanted, sink, ranges: true, size, etag }.run(request)
}

/// The state of one download.
struct HttpDownload<'a, A> {
    transport: &'a Transport,
    asks: &'a A,
    wanted: WantedBody<'a>,
    sink: &'a mut dyn Sink,
    /// Whether range requests are still tried: `false` once the server has mishandled one.
    ranges: bool,
    /// The size of the content in bytes, once the server has told it.
    size: Option<u64>,
    /// The entity tag of the content at its final location, behind redirects.
    etag: String,
}

impl<A: Asks> HttpDownload<'_, A> {
    fn run(mut self, mut request: HttpRequest<'_>) -> Result<(), A::Error> {
        let mut attempts = Attempts::new(self.transport.options().backoff);
        let (mut resumes, mut mismatches) = (0, 0);
        if let Some(length) = self.sink.beginning().filter(|_| self.sink.held() == 0) {
            match self.begin(&mut request, length) {
                Ok(()) if self.sink.has_rest() => return Ok(self.verify(&request)?),
                Ok(()) => {}
                Err(error) if matches!(error.http(), Some(HttpError::Sink { .. })) => return Err(error),
                // The short cut failed. The bytes that have come are kept, unless they are wrong.
                Err(error) => {
                    log::debug!("{error}; without the short cut");
                    if error.is_mismatch() {
                        self.restart()?;
                    }
                }
            }
        }
        loop {
            if self.size.is_some_and(|size| self.sink.held() > size) {
                self.restart()?;
            }
            let before = self.sink.held();
            let error = match self.attempt(&mut request).and_then(|()| Ok(self.verify(&request)?)) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // If the next connection breaks, it was not an idle one that the server closed, and its request counts as
            // an attempt.
            request.opening = Opening::Fresh;
            if error.is_mismatch() {
                mismatches += 1;
                // Wrong bytes are discarded, so that neither the next attempt nor the next process continues them. If
                // they cannot be discarded, the mismatch is the error that is returned.
                match self.restart() {
                    Ok(()) if mismatches == 1 => {}
                    Ok(()) => return Err(error),
                    Err(kept) => {
                        log::debug!("{kept}");
                        return Err(error);
                    }
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

    /// Requests the first `length` bytes only. A server without ranges sends everything, which is kept; from a server
    /// that sends another range nothing is taken.
    fn begin(&mut self, request: &mut HttpRequest<'_>, length: u64) -> Result<(), A::Error> {
        request.headers.push(("Range", format!("bytes=0-{}", length.saturating_sub(1))));
        let response = self.asks.send(request)?;
        match response.status {
            200 => Ok(self.receive(response, self.size)?),
            206 if self.continues(&response, 0) => Ok(self.receive(response, Some(length))?),
            206 | 416 => Ok(()),
            _ => Err(self.asks.refused(response)),
        }
    }

    /// Makes one request for all bytes that are missing.
    fn attempt(&mut self, request: &mut HttpRequest<'_>) -> Result<(), A::Error> {
        let held = self.sink.held();
        // All bytes are there already, or the content is empty.
        if Some(held) == self.size {
            return Ok(());
        }
        request.headers.clear();
        if held > 0 && self.ranges {
            request.headers.push(("Range", format!("bytes={held}-")));
            if !self.etag.is_empty() {
                request.headers.push(("If-Range", self.etag.clone()));
            }
        }
        let response = self.asks.send(request)?;
        match response.status {
            200 => {
                // The server sends the whole content, even if only a range was requested.
                if held > 0 {
                    self.restart()?;
                }
            }
            206 if held > 0 && self.ranges => {
                if !self.continues(&response, held) {
                    return self.without_ranges(request);
                }
            }
            // What the sink holds is not a beginning of the content, or the server does not understand ranges.
            // docker-registry 2.8.2 sends a shorter body here than its Content-Length says, so the connection is closed
            // with the response.
            416 if held > 0 && self.ranges => return self.without_ranges(request),
            // A range only saves bytes: a server that does not understand the request may still send the whole content.
            400 | 405 | 406 | 412 | 501 if held > 0 && self.ranges => return self.without_ranges(request),
            206 => {
                let how = "206 without having been asked for a range".to_owned();
                return Err(HttpError::Protocol { request: response.request, how }.into());
            }
            _ => return Err(self.asks.refused(response)),
        }
        Ok(self.receive(response, self.size)?)
    }

    fn without_ranges(&mut self, request: &mut HttpRequest<'_>) -> Result<(), A::Error> {
        self.ranges = false;
        self.restart()?;
        self.attempt(request)
    }

    /// Whether a 206 answer starts right after the bytes that the sink holds (RFC 9110 14.4), and names the right total
    /// size.
    fn continues(&self, response: &HttpResponse, held: u64) -> bool {
        response.header("content-range").and_then(content_range).is_some_and(|(start, total)| {
            start == held && total.is_none_or(|total| self.size.is_none_or(|size| total == size))
        })
    }

    /// Writes the body into the sink. The sink must hold exactly `end` bytes afterwards, if that is known.
    fn receive(&mut self, mut response: HttpResponse, end: Option<u64>) -> Result<(), HttpError> {
        let held = self.sink.held();
        let told = response.content_length().map(|length| held.saturating_add(length));
        match (end, told) {
            (Some(end), Some(told)) if end != told => return Err(self.wrong_size(&response.request, told)),
            (None, Some(told)) if told > self.wanted.limit => return Err(self.too_large(&response.request)),
            _ => {}
        }
        self.size = self.size.or(told);
        let end = end.or(told);
        let size = end.unwrap_or(self.wanted.limit);
        let etag = response.header("etag").filter(|etag| etag.starts_with('"'));
        self.etag = etag.unwrap_or(self.wanted.etag).to_owned();
        let mut buffer = vec![0; BUFFER];
        // To read one byte more than allowed shows that there are too many, without reading them all.
        let mut left = size.saturating_sub(held).saturating_add(1);
        while left > 0 {
            let room = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            let read = response.next(&mut buffer[..room])?;
            if read == 0 {
                break;
            }
            left -= read as u64;
            if left == 0 {
                return Err(match end {
                    Some(_) => self.wrong_size(&response.request, size.saturating_add(1)),
                    None => self.too_large(&response.request),
                });
            }
            let kept = self.sink.write(&buffer[..read]);
            kept.map_err(|source| self.unkept(source))?;
        }
        if left > 1 && end.is_some() {
            return Err(self.wrong_size(&response.request, self.sink.held()));
        }
        Ok(())
    }

    fn verify(&self, request: &HttpRequest<'_>) -> Result<(), HttpError> {
        let (expected, found) = (self.wanted.digest.clone(), self.sink.digest());
        if expected == found {
            return Ok(());
        }
        let request = request.line();
        Err(HttpError::Mismatch { request, source: Mismatch::Digest { expected, found } })
    }

    fn restart(&mut self) -> Result<(), HttpError> {
        self.size = self.wanted.size;
        self.sink.restart().map_err(|source| self.unkept(source))
    }

    fn wrong_size(&self, request: &RequestLine, found: u64) -> HttpError {
        let (digest, expected) = (self.wanted.digest.clone(), self.size.unwrap_or(self.wanted.limit));
        HttpError::Mismatch { request: request.clone(), source: Mismatch::Size { digest, expected, found } }
    }

    fn too_large(&self, request: &RequestLine) -> HttpError {
        HttpError::TooLarge { what: format!("{request}: what is downloaded"), limit: self.wanted.limit }
    }

    fn unkept(&self, source: io::Error) -> HttpError {
        HttpError::Sink { digest: self.wanted.digest.clone(), source }
    }
}

/// The first position and the total of `bytes <start>-<end>/<total>`; the total is `None` where it is `*`.
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
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::thread;

    use super::super::authorization::Authorization;
    use super::super::body::Body;
    use super::super::location::Location;
    use super::super::options::HttpOptions;
    use super::*;
    use crate::credential::Secret;
    use crate::digest::Hasher;

    /// A client of a classic chart repository: files below one URL, and a password.
    struct Shelf {
        transport: Transport,
        root: Location,
        authorization: Authorization,
    }

    impl Shelf {
        fn get(&self, path: &str) -> HttpRequest<'_> {
            let location = self.root.join(path).unwrap();
            let (headers, body, opening) = (Vec::new(), Body::None, Opening::Alone);
            HttpRequest { method: "GET", location, headers, body, home: &self.root, vouched: false, opening }
        }
    }

    impl Asks for Shelf {
        type Error = HttpError;

        fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
            Ok(self.transport.follow(request, Some(&self.authorization))?.0)
        }

        fn refused(&self, response: HttpResponse) -> HttpError {
            HttpError::Protocol { how: format!("{}", response.status), request: response.request }
        }
    }

    #[derive(Default)]
    struct Memory(Vec<u8>);

    impl Sink for Memory {
        fn held(&self) -> u64 {
            self.0.len() as u64
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        fn restart(&mut self) -> io::Result<()> {
            self.0.clear();
            Ok(())
        }

        fn digest(&self) -> Digest {
            let mut hasher = Hasher::sha256();
            hasher.update(&self.0);
            hasher.finish()
        }
    }

    /// Answers one request per connection, in this order, and sends the head of each request to the receiver.
    fn shelf(answers: &'static [&'static str]) -> (Shelf, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = Location::root("http", &listener.local_addr().unwrap().to_string()).unwrap();
        let (sender, heads) = mpsc::channel();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap();
                sender.send(String::from_utf8_lossy(&head[..read]).into_owned()).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let options = HttpOptions { sleep: std::sync::Arc::new(|_| {}), ..HttpOptions::default() };
        let transport = Transport::new(&options).unwrap();
        let authorization = Authorization::basic("me", &Secret::new("s3cret".into()));
        (Shelf { transport, root, authorization }, heads)
    }

    #[test]
    fn a_classic_chart_repository_stands_on_the_same_floor() {
        let (shelf, heads) = shelf(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\napiVersion: v1\n",
            // The first answer breaks off, and the second continues it.
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"x\"\r\n\r\n0123",
            "HTTP/1.1 206 Partial\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\n\r\n456789",
            // An answer without a length: it ends with the connection.
            "HTTP/1.1 200 OK\r\n\r\n0123456789",
        ]);
        let mut index = shelf.send(&shelf.get("/index.yaml")).unwrap();
        assert_eq!(index.read(100, "the index").unwrap(), b"apiVersion: v1\n");
        let digest = Digest::of(b"0123456789");
        let wanted = WantedBody { digest: &digest, size: None, limit: 10, etag: "" };
        for _ in 0..2 {
            let mut memory = Memory::default();
            download(&shelf.transport, &shelf, shelf.get("/a-1.tgz"), wanted, &mut memory).unwrap();
            assert_eq!(memory.0, b"0123456789");
        }
        let heads: Vec<_> = heads.iter().take(4).collect();
        assert!(heads.iter().all(|head| head.contains("authorization: Basic bWU6czNjcmV0\r\n")), "{heads:?}");
        assert!(
            heads[2].contains("range: bytes=4-\r\n") && heads[2].contains("if-range: \"x\"\r\n"),
            "{heads:?}"
        );
    }

    #[test]
    fn what_has_no_size_has_a_limit() {
        for answer in [
            &["HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a"][..],
            &["HTTP/1.1 200 OK\r\n\r\n0123456789a"],
        ] {
            let (shelf, _heads) = shelf(answer);
            let digest = Digest::of(b"0123456789a");
            let wanted = WantedBody { digest: &digest, size: None, limit: 10, etag: "" };
            let mut memory = Memory::default();
            let error =
                download(&shelf.transport, &shelf, shelf.get("/a.tgz"), wanted, &mut memory).unwrap_err();
            assert!(matches!(error, HttpError::TooLarge { limit: 10, .. }), "{error:?}");
        }
    }

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
