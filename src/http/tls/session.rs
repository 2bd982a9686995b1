//! A connection that speaks TLS.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ClientConnection};

use crate::http::stream::{Pending, Stream, StreamError, Timed};
use crate::http::tls_failure::{TlsFailure, alert_name};

/// How many reads are made at most on a connection that should be silent. Servers may send tickets for the next session
/// there.
const MAX_SILENT: usize = 16;
/// How long to try to send the alert that says why we close. It usually fits into the socket's buffer.
const FAREWELL: Duration = Duration::from_millis(200);

/// A TLS session over another stream.
pub(in crate::http) struct TlsSession {
    tls: ClientConnection,
    below: Box<dyn Stream>,
    /// Whether the server has asked for a client certificate, and whether there is one to show.
    asked: Arc<AtomicBool>,
    has_certificate: bool,
    /// Whether any content has arrived.
    heard: bool,
}

impl TlsSession {
    /// Performs the TLS handshake.
    pub(super) fn begin(
        config: ClientConfig,
        name: ServerName<'static>,
        below: Box<dyn Stream>,
        asked: Arc<AtomicBool>,
        has_certificate: bool,
        until: Instant,
    ) -> Result<Self, StreamError> {
        let tls = ClientConnection::new(Arc::new(config), name).map_err(|error| tls_error(error.into()))?;
        let mut session = Self { tls, below, asked, has_certificate, heard: false };
        while session.tls.is_handshaking() {
            session.send_records(until)?;
            if session.tls.is_handshaking() && session.receive(until)? == 0 {
                return Err(session.told(StreamError::Io(ErrorKind::UnexpectedEof.into())));
            }
        }
        session.send_records(until)?;
        Ok(session)
    }

    /// Sends the records that TLS has ready.
    fn send_records(&mut self, until: Instant) -> Result<(), StreamError> {
        while self.tls.wants_write() {
            let mut below = Timed { stream: &mut *self.below, until };
            self.tls.write_tls(&mut below).map_err(StreamError::from).map_err(|error| self.told(error))?;
        }
        let flushed = self.below.flush(until);
        flushed.map_err(|error| self.told(error))
    }

    /// Reads once from the connection below, and processes the records. Returns how many bytes were read; 0 means the
    /// end.
    fn receive(&mut self, until: Instant) -> Result<usize, StreamError> {
        let mut below = Timed { stream: &mut *self.below, until };
        let read = match self.tls.read_tls(&mut below).map_err(StreamError::from) {
            Ok(read) => read,
            Err(error) => return Err(self.told(error)),
        };
        if let Err(error) = self.tls.process_new_packets() {
            // Sends the alert that says why, as far as the other side still listens.
            let mut below = Timed { stream: &mut *self.below, until: until.min(Instant::now() + FAREWELL) };
            while self.tls.wants_write() && self.tls.write_tls(&mut below).is_ok() {}
            let failure = self.blamed(error);
            return Err(tls_error(failure));
        }
        Ok(read)
    }

    /// The failure for a TLS error. If the server had asked for a client certificate, an alert may be about that.
    fn blamed(&self, error: rustls::Error) -> TlsFailure {
        use AlertDescription as A;
        let asked = self.asked.load(Ordering::Relaxed);
        let rustls::Error::AlertReceived(alert) = error else { return error.into() };
        let about_certificates = matches!(
            alert,
            A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::UnknownCA
                | A::AccessDenied
                | A::CertificateRequired
                | A::NoCertificate
        );
        if asked && self.has_certificate && about_certificates {
            return TlsFailure::ClientCertificateRefused { why: Some(alert_name(alert)) };
        }
        if asked && !self.has_certificate && (about_certificates || alert == A::HandshakeFailure) {
            return TlsFailure::ClientCertificateWanted;
        }
        error.into()
    }

    /// The error for a failure of the connection below. If the server has asked for a certificate, got none and closes
    /// before it sends anything, that is why: the alert that would say so is often lost with the connection.
    fn told(&self, error: StreamError) -> StreamError {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let closed = matches!(&error, StreamError::Io(error) if matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
        ));
        if closed && !self.heard && !self.has_certificate && self.asked.load(Ordering::Relaxed) {
            return tls_error(TlsFailure::ClientCertificateWanted);
        }
        error
    }
}

fn tls_error(failure: TlsFailure) -> StreamError {
    StreamError::Tls(Box::new(failure))
}

impl Stream for TlsSession {
    fn read(&mut self, buf: &mut [u8], until: Instant) -> Result<usize, StreamError> {
        loop {
            match self.tls.reader().read(buf) {
                Ok(read) => {
                    self.heard |= read > 0;
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // It closed without `close_notify` (RFC 8446 6.1), so the content may have been cut off.
                Err(error) => return Err(self.told(error.into())),
            }
            self.send_records(until)?;
            self.receive(until)?;
        }
    }

    fn write(&mut self, buf: &[u8], until: Instant) -> Result<usize, StreamError> {
        self.send_records(until)?;
        Ok(self.tls.writer().write(buf)?)
    }

    fn flush(&mut self, until: Instant) -> Result<(), StreamError> {
        self.send_records(until)
    }

    fn sent(&self) -> u64 {
        self.below.sent()
    }

    fn pending(&mut self) -> Pending {
        for _ in 0..MAX_SILENT {
            match self.tls.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() > 0 => return Pending::Bytes,
                Ok(state) if !state.peer_has_closed() => {}
                _ => return Pending::End,
            }
            match self.below.pending() {
                Pending::Nothing => return Pending::Nothing,
                Pending::End => return Pending::End,
                Pending::Bytes => {}
            }
            // There are bytes to read, so this only waits if the rest of a record is still on its way.
            let mut below = Timed { stream: &mut *self.below, until: Instant::now() + FAREWELL };
            let read: io::Result<usize> = self.tls.read_tls(&mut below);
            if !matches!(read, Ok(1..)) {
                return Pending::End;
            }
        }
        Pending::End
    }
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.below)
    }
}
