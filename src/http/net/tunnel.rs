//! A tunnel through an HTTP proxy: `CONNECT` (RFC 9110 9.3.6).

use std::time::{Duration, Instant};

use ureq_proto::http::{HeaderValue, Response};
use ureq_proto::parser::try_parse_response;

use super::via::Via;
use crate::http::heads::{MAX_FIELDS, MAX_HEAD, USER_AGENT};
use crate::http::stream::{Stream, send};
use crate::http::trouble::Trouble;

/// Asks the proxy to connect to `host:port`, where an IPv6 address is in brackets.
pub(super) fn open(
    stream: &mut dyn Stream,
    via: &Via,
    authority: &str,
    until: Instant,
    limit: Duration,
) -> Result<(), Trouble> {
    let mut head = format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\nProxy-Connection: Keep-Alive\r\n"
    );
    if let Some(authorization) = via.authorization() {
        head.push_str(&format!("Proxy-Authorization: {}\r\n", authorization.expose()));
    }
    head.push_str("\r\n");
    let head = zeroize::Zeroizing::new(head);
    let broken = |error| via.broken(error, limit);
    send(stream, head.as_bytes(), until).map_err(broken)?;
    let answer = answer(stream, via, until, limit)?;
    let status = answer.status().as_u16();
    log::debug!("CONNECT {authority}: {status} from the proxy {via}");
    match status {
        200..=299 => Ok(()),
        407 => {
            let challenges = answer.headers().get_all("proxy-authenticate").iter();
            Err(via.unauthorized(challenges.map(HeaderValue::as_bytes)))
        }
        status @ (408 | 429 | 500..) => Err(via.failed(format!("it does not get through ({status})"))),
        status => Err(via.useless(&format!("it does not let us through to {authority} ({status})"))),
    }
}

/// Reads the head of the answer, and no byte beyond it: what follows belongs to the server behind the proxy.
fn answer(
    stream: &mut dyn Stream,
    via: &Via,
    until: Instant,
    limit: Duration,
) -> Result<Response<()>, Trouble> {
    let mut head = Vec::new();
    loop {
        // A head ends with an empty line: to read as many bytes as that needs at least never reads too far.
        let missing = missing(&head);
        let start = head.len();
        head.resize(start + missing, 0);
        let read = stream.read(&mut head[start..], until).map_err(|error| via.broken(error, limit))?;
        head.truncate(start + read);
        if read == 0 {
            return Err(via.failed("it hangs up".to_owned()));
        }
        if head.len() > MAX_HEAD {
            return Err(via.useless("its answer is too long"));
        }
        if !head.ends_with(b"\n") {
            continue;
        }
        match try_parse_response::<MAX_FIELDS>(&unfolded(&head)) {
            Ok(None) => {}
            // Interim answers are skipped.
            Ok(Some((_, response))) if response.status().is_informational() => head.clear(),
            Ok(Some((_, response))) => return Ok(response),
            Err(_) => return Err(via.useless("it does not speak HTTP")),
        }
    }
}

/// The same head with every field on one line. Old proxies fold long ones and continue them after a space (RFC 9112
/// 5.2).
fn unfolded(head: &[u8]) -> Vec<u8> {
    let (mut out, mut lines): (Vec<u8>, _) = (Vec::with_capacity(head.len()), 0);
    for (at, byte) in head.iter().enumerate() {
        // The status line is not a field, and cannot be continued.
        if lines > 1 && matches!(byte, b' ' | b'\t') && head[..at].ends_with(b"\n") {
            let end = out.trim_ascii_end().len();
            out.truncate(end);
        }
        lines += usize::from(*byte == b'\n');
        out.push(*byte);
    }
    out
}

/// The least number of bytes that can complete this beginning of a head.
fn missing(head: &[u8]) -> usize {
    // Lines may end in a bare line feed.
    if matches!(head.last(), Some(b'\r' | b'\n')) { 1 } else { 2 }
}
