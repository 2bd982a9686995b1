//! A tunnel through a SOCKS 5 proxy (RFC 1928), with user and password if its URL has them (RFC 1929). The proxy
//! resolves names, as with Go.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::via::Via;
use crate::http::stream::{Stream, send};
use crate::http::trouble::Trouble;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const NOTHING_ACCEPTABLE: u8 = 0xff;

/// The exchange of messages with a proxy.
struct Talk<'a> {
    stream: &'a mut dyn Stream,
    via: &'a Via,
    until: Instant,
    limit: Duration,
}

/// Asks the proxy to connect to a host, which is a name, or an address without brackets.
pub(super) fn open(
    stream: &mut dyn Stream,
    via: &Via,
    host: &str,
    port: u16,
    until: Instant,
    limit: Duration,
) -> Result<(), Trouble> {
    let mut talk = Talk { stream, via, until, limit };
    talk.greet()?;
    talk.connect(host, port)
}

impl Talk<'_> {
    fn say(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        send(self.stream, bytes, self.until).map_err(|error| self.via.broken(error, self.limit))
    }

    fn hear<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        self.hear_all(&mut bytes)?;
        Ok(bytes)
    }

    fn hear_all(&mut self, bytes: &mut [u8]) -> Result<(), Trouble> {
        let mut filled = 0;
        while filled < bytes.len() {
            let read = self.stream.read(&mut bytes[filled..], self.until);
            match read.map_err(|error| self.via.broken(error, self.limit))? {
                0 => return Err(self.via.failed("it hangs up".to_owned())),
                read => filled += read,
            }
        }
        Ok(())
    }

    /// Negotiates the authentication method, and authenticates.
    fn greet(&mut self) -> Result<(), Trouble> {
        match &self.via.user {
            None => self.say(&[VERSION, 1, NO_AUTHENTICATION])?,
            Some(_) => self.say(&[VERSION, 2, NO_AUTHENTICATION, PASSWORD])?,
        }
        let [version, method] = self.hear()?;
        if version != VERSION {
            return Err(self.via.useless("it does not speak SOCKS 5"));
        }
        match (method, &self.via.user) {
            (NO_AUTHENTICATION, _) => Ok(()),
            (PASSWORD, Some((name, password))) => {
                let password = password.expose();
                let (Ok(name_length), Ok(length)) = (u8::try_from(name.len()), u8::try_from(password.len()))
                else {
                    return Err(self.via.useless("its user or password is longer than 255 bytes"));
                };
                let message = [&[1, name_length], name.as_bytes(), &[length], password.as_bytes()].concat();
                self.say(&Zeroizing::new(message))?;
                let [_, status] = self.hear()?;
                if status == 0 {
                    Ok(())
                } else {
                    Err(self.via.useless("it does not accept this user and password"))
                }
            }
            (NOTHING_ACCEPTABLE, None) => Err(self.via.useless("it wants a user and a password")),
            _ => Err(self.via.useless("it wants to know who we are in a way that is not supported")),
        }
    }

    fn connect(&mut self, host: &str, port: u16) -> Result<(), Trouble> {
        let mut message = vec![VERSION, 1, 0];
        match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => {
                message.push(1);
                message.extend(ip.octets());
            }
            Ok(IpAddr::V6(ip)) => {
                message.push(4);
                message.extend(ip.octets());
            }
            Err(_) => {
                let Ok(length) = u8::try_from(host.len()) else {
                    return Err(self.via.useless("the host's name is longer than 255 bytes"));
                };
                message.extend([3, length]);
                message.extend(host.as_bytes());
            }
        }
        message.extend(port.to_be_bytes());
        self.say(&message)?;
        let [version, reply, _, kind] = self.hear()?;
        if version != VERSION {
            return Err(self.via.useless("it does not speak SOCKS 5"));
        }
        if reply != 0 {
            return Err(self.refused(reply));
        }
        // The address from which the proxy connects is read and ignored.
        let length = match kind {
            1 => 4,
            4 => 16,
            3 => usize::from(self.hear::<1>()?[0]),
            _ => return Err(self.via.useless("it does not speak SOCKS 5")),
        };
        self.hear_all(&mut vec![0; length + 2])
    }

    /// The error for a reply code (RFC 1928 6).
    fn refused(&self, reply: u8) -> Trouble {
        match reply {
            2 => self.via.useless("its rules do not let us through"),
            7 | 8 => self.via.useless("it does not support what we need"),
            1 => self.via.failed("it fails".to_owned()),
            3 => self.via.failed("it does not reach the network".to_owned()),
            4 => self.via.failed("it does not reach the host".to_owned()),
            5 => self.via.failed("its connection is refused".to_owned()),
            6 => self.via.failed("its connection takes too long".to_owned()),
            other => self.via.failed(format!("it does not get through ({other})")),
        }
    }
}
