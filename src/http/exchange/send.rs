//! Sends a request, and reads the head of its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq_proto::client::state::{Await100, Prepare, RecvResponse, SendBody, SendRequest};
use ureq_proto::client::{Await100Result, Call, RecvResponseResult, SendRequestResult};
use ureq_proto::http::{HeaderMap, Request, Response};
use zeroize::Zeroizing;

use super::connection::Connection;
use super::incoming::{Incoming, malformed};
use super::outgoing::Outgoing;
use super::pool::ConnectionPool;
use crate::http::error::HttpFailure;
use crate::http::heads::{MAX_FIELDS, MAX_HEAD};
use crate::http::net::{HttpRoute, Purpose};
use crate::http::opening::Opening;
use crate::http::stream::{StreamError, send};
use crate::http::timeouts::Timeouts;
use crate::http::trouble::Trouble;

/// The first allocation for the head of a request, in bytes. A long token can make it grow.
const HEAD: usize = 8 << 10;
/// The most bytes that the head of a request may have.
const MAX_OWN_HEAD: usize = 1 << 20;
/// How long to wait for `100 Continue` before the body is sent anyway (RFC 9110 10.1.1): some servers never send it.
const CONTINUES_WITHIN: Duration = Duration::from_secs(1);
/// How many interim (1xx) answers are skipped. A server that is busy may send one every few seconds.
const MAX_INTERIM: usize = 64;

/// A request to send, and how to connect for it.
pub(in crate::http) struct Message<'a> {
    /// The head, with the full URL as its URI.
    pub(in crate::http) head: Request<()>,
    pub(in crate::http) purpose: Purpose<'a>,
    pub(in crate::http) route: &'a HttpRoute,
    pub(in crate::http) opening: Opening,
    /// How long the head of the answer may take.
    pub(in crate::http) response: Duration,
}

/// An answer whose head has been read.
pub(in crate::http) struct Answered {
    pub(in crate::http) status: u16,
    pub(in crate::http) headers: HeaderMap,
    pub(in crate::http) body: Incoming,
}

/// Why an exchange failed. It is `stale` if the server had closed a kept connection: then it has not looked at the
/// request, and this does not count as a failed attempt (RFC 9112 9.3.1).
pub(in crate::http) struct Missed {
    pub(in crate::http) trouble: Trouble,
    pub(in crate::http) stale: bool,
}

impl From<Trouble> for Missed {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, stale: false }
    }
}

/// Sends a request, and waits for the head of its answer.
pub(in crate::http) fn exchange(
    pool: &Arc<ConnectionPool>,
    message: Message<'_>,
    body: Option<&mut Outgoing<'_>>,
    timeouts: &Timeouts,
) -> Result<Answered, Missed> {
    let connection = pool.connection(message.purpose, message.route, message.opening)?;
    let used = connection.is_used();
    let mut exchange = Exchange { connection, timeouts, response: message.response };
    let result = exchange.run(message.head, message.route, message.purpose, body);
    let (call, response) = match result {
        Ok(answered) => answered,
        Err(trouble) => {
            let stale = used && exchange.connection.input().is_empty() && trouble.is_dead();
            return Err(Missed { trouble, stale });
        }
    };
    let (head, connection) = (response.into_parts().0, exchange.connection);
    let closes = match call {
        RecvResponseResult::RecvBody(call) => {
            let body = Incoming::new(call, connection, Arc::clone(pool), timeouts);
            return Ok(Answered { status: head.status.as_u16(), headers: head.headers, body });
        }
        RecvResponseResult::Redirect(over) => over.must_close_connection(),
        RecvResponseResult::Cleanup(over) => over.must_close_connection(),
    };
    if !closes {
        pool.keep(connection);
    }
    let body = Incoming::none(Arc::clone(pool), timeouts);
    Ok(Answered { status: head.status.as_u16(), headers: head.headers, body })
}

struct Exchange<'a> {
    connection: Connection,
    timeouts: &'a Timeouts,
    response: Duration,
}

type Heard = (RecvResponseResult, Response<()>);

impl Exchange<'_> {
    fn run(
        &mut self,
        head: Request<()>,
        route: &HttpRoute,
        purpose: Purpose<'_>,
        body: Option<&mut Outgoing<'_>>,
    ) -> Result<Heard, Trouble> {
        let call = Call::<Prepare>::new(head).map_err(|error| unsendable(&error))?.proceed();
        match self.send_head(call, route, purpose)? {
            SendRequestResult::RecvResponse(call) => self.hear(call),
            SendRequestResult::SendBody(call) => self.send_body(call, body),
            SendRequestResult::Await100(call) => match self.await_go(call)? {
                Await100Result::SendBody(call) => self.send_body(call, body),
                Await100Result::RecvResponse(call) => self.hear(call),
            },
        }
    }

    fn send_head(
        &mut self,
        mut call: Call<SendRequest>,
        route: &HttpRoute,
        purpose: Purpose<'_>,
    ) -> Result<SendRequestResult, Trouble> {
        // The buffers are wiped, because the head contains credentials.
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD));
        let mut room = Zeroizing::new(vec![0; HEAD]);
        while !call.can_proceed() {
            match call.write(&mut room) {
                Ok(written) => head.extend_from_slice(&room[..written]),
                Err(ureq_proto::Error::OutputOverflow) if room.len() < MAX_OWN_HEAD => {
                    room = Zeroizing::new(vec![0; room.len() * 2]);
                }
                Err(error) => return Err(unsendable(&error)),
            }
        }
        if matches!(route, HttpRoute::Forward(_))
            && let Some(gap) = head.iter().position(|byte| *byte == b' ')
        {
            // A proxy that forwards requests gets the whole URL in the request line (RFC 9112 3.2.2).
            head.splice(gap + 1..gap + 1, purpose.to.origin().into_bytes());
        }
        let idle = self.timeouts.idle;
        let sent = send(self.connection.stream(), &head, Instant::now() + idle);
        sent.map_err(|error| Trouble::of(error, "to send the request", idle))?;
        call.proceed().map_err(|error| unsendable(&error))?.ok_or_else(unfinished)
    }

    /// Waits until the server asks for the body, refuses it, or has been silent for [`CONTINUES_WITHIN`].
    fn await_go(&mut self, mut call: Call<Await100>) -> Result<Await100Result, Trouble> {
        let until = Instant::now() + CONTINUES_WITHIN;
        for _ in 0..MAX_INTERIM {
            let input = self.connection.input();
            let used = if input.is_empty() {
                0
            } else {
                call.try_read_100(input).map_err(|error| malformed(&error))?
            };
            self.connection.consume(used);
            if !call.can_keep_await_100() {
                break;
            }
            if used == 0 {
                match self.connection.fill(until) {
                    Ok(0) => return Err(ended()),
                    Ok(_) => {}
                    Err(StreamError::Late) => break,
                    Err(error) => return Err(Trouble::of(error, ANSWER, self.response)),
                }
            }
        }
        call.proceed().map_err(|error| malformed(&error))
    }

    fn send_body(
        &mut self,
        mut call: Call<SendBody>,
        body: Option<&mut Outgoing<'_>>,
    ) -> Result<Heard, Trouble> {
        let sent = match body {
            Some(body) => body.send(&mut self.connection, self.timeouts)?,
            None => 0,
        };
        call.consume_direct_write(usize::try_from(sent).unwrap_or(usize::MAX))
            .map_err(|error| unsendable(&error))?;
        let call = call.proceed().ok_or_else(unfinished)?;
        self.hear(call)
    }

    /// Waits for the head of the answer, interim answers included, within one time limit.
    fn hear(&mut self, mut call: Call<RecvResponse>) -> Result<Heard, Trouble> {
        let until = Instant::now() + self.response;
        let mut interim = 0;
        let response = loop {
            let input = self.connection.input();
            if !input.is_empty() {
                let (used, response) = call.try_response(input, false).map_err(|error| no_head(&error))?;
                let size = if response.is_some() { used } else { input.len() - used };
                self.connection.consume(used);
                if size > MAX_HEAD {
                    return Err(Trouble::Protocol(format!(
                        "the head of the answer has more than {MAX_HEAD} bytes"
                    )));
                }
                if let Some(response) = response {
                    break response;
                }
                if used > 0 {
                    interim += 1;
                    if interim > MAX_INTERIM {
                        return Err(Trouble::Protocol(format!("more than {MAX_INTERIM} interim answers")));
                    }
                    continue;
                }
            }
            if Instant::now() >= until {
                return Err(Trouble::late(ANSWER, self.response));
            }
            let filled = self.connection.fill(until);
            if filled.map_err(|error| Trouble::of(error, ANSWER, self.response))? == 0 {
                return Err(ended());
            }
        };
        Ok((call.proceed().ok_or_else(unfinished)?, response))
    }
}

const ANSWER: &str = "the answer";

/// The error when the server closes the connection before it answers.
fn ended() -> Trouble {
    Trouble::Later(HttpFailure::Io(std::io::ErrorKind::UnexpectedEof.into()))
}

/// The error for a head that is too large or is not HTTP.
fn no_head(error: &ureq_proto::Error) -> Trouble {
    match error {
        ureq_proto::Error::HttpParseFail(_) | ureq_proto::Error::UnsupportedVersion => Trouble::NoHttp,
        ureq_proto::Error::HttpParseTooManyHeaders => {
            Trouble::Protocol(format!("the head of the answer has more than {MAX_FIELDS} fields"))
        }
        error => malformed(error),
    }
}

/// The error for a request of ours that violates HTTP, which should not happen.
fn unsendable(error: &ureq_proto::Error) -> Trouble {
    log::debug!("{error}");
    Trouble::Protocol("the request cannot be sent".to_owned())
}

fn unfinished() -> Trouble {
    Trouble::Protocol("the request was not sent to its end".to_owned())
}
