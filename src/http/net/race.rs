//! Connects to one of several addresses of a host by RFC 8305 ("Happy Eyeballs"): attempts start shortly one after the
//! other, IPv6 and IPv4 alternating, and the first connection wins. If one family does not work, like IPv6 behind many
//! routers, that costs a quarter of a second instead of the whole time limit.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::stream::StreamError;

/// The time between the starts of two attempts (RFC 8305 5, "Connection Attempt Delay").
const AHEAD: Duration = Duration::from_millis(250);

/// Connects to the first address that answers. The other attempts are abandoned; one that still succeeds is closed.
pub(super) fn connect(addresses: &[SocketAddr], until: Instant) -> Result<TcpStream, StreamError> {
    let addresses = interleaved(addresses);
    if let [address] = addresses[..] {
        return attempt(address, until);
    }
    let (sender, results) = mpsc::channel();
    let mut left = addresses.into_iter().peekable();
    let (mut running, mut worst) = (0_usize, None);
    loop {
        if let Some(address) = left.next() {
            let sender = sender.clone();
            let begin = move || drop(sender.send(attempt(address, until)));
            running += 1;
            if let Err(error) = thread::Builder::new().spawn(begin) {
                // Without a thread, addresses are tried one after the other and share the time that is left.
                log::debug!("{address}: no thread to try it in: {error}");
                running -= 1;
                let share = until.saturating_duration_since(Instant::now()) / (left.len() as u32 + 1);
                match attempt(address, Instant::now() + share) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => worst = Some(worse(worst, error)),
                }
            }
        }
        let all = until.saturating_duration_since(Instant::now());
        let wait = if left.peek().is_some() { all.min(AHEAD) } else { all };
        if running == 0 {
            if left.peek().is_none() {
                return Err(worst.unwrap_or(StreamError::Late));
            }
            continue;
        }
        match results.recv_timeout(wait) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                running -= 1;
                worst = Some(worse(worst, error));
            }
            Err(RecvTimeoutError::Timeout) if wait == all => return Err(StreamError::Late),
            Err(_) => {}
        }
    }
}

fn attempt(address: SocketAddr, until: Instant) -> Result<TcpStream, StreamError> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(StreamError::Late);
    }
    match TcpStream::connect_timeout(&address, left) {
        Err(error) if error.kind() == ErrorKind::TimedOut && Instant::now() >= until => {
            Err(StreamError::Late)
        }
        result => Ok(result?),
    }
}

/// Orders the addresses so that the families alternate, the family of the first address first (RFC 8305 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<SocketAddr>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first);
    let mut mixed = Vec::new();
    (one, other) = (one.into_iter().rev().collect(), other.into_iter().rev().collect());
    while !one.is_empty() || !other.is_empty() {
        mixed.extend(one.pop());
        mixed.extend(other.pop());
    }
    mixed
}

/// The more informative of two errors: a host that refuses exists, while an unreachable network may simply not be
/// there.
fn worse(known: Option<StreamError>, new: StreamError) -> StreamError {
    let weight = |error: &StreamError| match error {
        StreamError::Io(error) if error.kind() == ErrorKind::ConnectionRefused => 3,
        StreamError::Late => 2,
        StreamError::Io(error) if is_unreachable(error) => 0,
        _ => 1,
    };
    match known {
        Some(known) if weight(&known) >= weight(&new) => known,
        _ => new,
    }
}

fn is_unreachable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let given =
            ["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "192.0.2.1:1", "192.0.2.2:1"].map(at);
        let mixed =
            ["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "192.0.2.2:1", "[2001:db8::3]:1"].map(at);
        assert_eq!(interleaved(&given), mixed);
        let given = ["192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.2:1"].map(at);
        assert_eq!(interleaved(&given), given);
        assert_eq!(interleaved(&[]), []);
    }

    /// A listener whose queue is full, so that a connection to it gets no answer, and the connections that fill it.
    fn silent() -> Option<(TcpListener, Vec<TcpStream>)> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&at("127.0.0.1:0").into()).unwrap();
        socket.listen(0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while queue.len() < 16 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
                Ok(stream) => queue.push(stream),
                Err(_) => return Some((listener, queue)),
            }
        }
        None
    }

    #[test]
    fn an_address_that_is_silent_does_not_hold_the_next_one_up() {
        // Not every system allows a full queue.
        let Some((dead, _queue)) = silent() else { return };
        let alive = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [dead.local_addr().unwrap(), alive.local_addr().unwrap()];
        let until = Instant::now() + Duration::from_secs(3600);
        let stream = connect(&addresses, until).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        // The connection that lost must not be the one that is returned.
        alive.set_nonblocking(true).unwrap();
        assert!(alive.accept().is_ok());
        assert_eq!(alive.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn refusals_are_not_waited_for_and_are_what_is_told() {
        let closed = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let alive = TcpListener::bind("127.0.0.1:0").unwrap();
        let until = Instant::now() + Duration::from_secs(3600);
        let addresses = [closed(), closed(), alive.local_addr().unwrap()];
        assert_eq!(connect(&addresses, until).unwrap().peer_addr().unwrap(), addresses[2]);
        let refused = |error: StreamError| matches!(error, StreamError::Io(error) if error.kind() == ErrorKind::ConnectionRefused);
        assert!(refused(connect(&[closed(), closed()], until).unwrap_err()));
        assert!(refused(connect(&[closed()], until).unwrap_err()));
        let late = connect(&[closed(), closed()], Instant::now() - Duration::from_secs(1));
        assert!(matches!(late, Err(StreamError::Late)));
    }
}
