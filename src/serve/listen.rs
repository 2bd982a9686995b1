//! Connections: taking them, keeping them within limits, and ending them well.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::patient::Patient;
use super::places::{ConnectionPlace, Guest, Places};
use super::registry::ServedRegistry;
use super::service;
use crate::process;

/// For a request's head, for the next request on a connection, and for a TLS handshake.
const HEAD: Duration = Duration::from_secs(60);
/// The largest head of a request, and the most that is read or written at once, in bytes: a connection has two buffers of
/// it. A path of ours has less than 1 KiB; tokens and cookies of proxies have their place.
const BUFFER: usize = 32 << 10;
/// How long requests in flight have when the registry is stopped.
const GRACE: Duration = Duration::from_secs(10);

/// How often it is looked whether Helm is still there.
const WATCH: Duration = Duration::from_millis(500);

/// What ends the service.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The process that has started this one, if its end is one, too.
    parent: Option<u32>,
}

impl Signals {
    /// From here on, signals no longer end the process by themselves.
    pub(super) fn new(parent: Option<u32>) -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, parent })
    }

    async fn next(&mut self) {
        let parent = self.parent;
        select! {
            () = self.signal() => {}
            // Helm keeps signals to itself: somebody who ends it would leave us behind. If both got one, ours may be late.
            () = end_of(parent) => drop(timeout(WATCH, self.signal()).await),
        }
        // It often ends by the signal that has come to us, which is one, and not a second one by somebody impatient.
        self.parent = None;
    }

    async fn signal(&mut self) {
        select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Returns when another process is our parent.
async fn end_of(parent: Option<u32>) {
    let Some(parent) = parent else { return pending().await };
    while parent == process::parent() {
        sleep(WATCH).await;
    }
}

/// How the service ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All requests were answered, or had had their time.
    Stopped,
    /// A second signal did not want to wait.
    Interrupted,
}

/// Serves until a signal comes, then lets requests in flight end.
pub(super) async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    registry: Arc<ServedRegistry>,
    places: Arc<Places>,
    mut signals: Signals,
) -> Ended {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    // The one connection that has no place yet. Others wait in the queue of the system.
    let mut newcomer = None;
    loop {
        select! {
            () = signals.next() => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener, &places), if newcomer.is_none() => newcomer = Some(stream),
            place = places.enter(), if newcomer.is_some() => {
                if let Some(stream) = newcomer.take() {
                    let (tls, registry, stopping) = (tls.clone(), Arc::clone(&registry), stopping.clone());
                    connections.spawn(connect(stream, place, tls, registry, stopping));
                }
            }
        }
    }
    drop((listener, newcomer));
    stop.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    select! {
        () = all => Ended::Stopped,
        () = signals.next() => Ended::Interrupted,
        () = sleep(GRACE) => {
            log::warn!("stopped with requests still in flight");
            Ended::Stopped
        }
    }
}

async fn accept(listener: &TcpListener, places: &Places) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // It was given up before its turn came.
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(e) => {
                // Out of descriptors, most likely. They come back as connections end; trying at once would only spin.
                log::warn!("cannot accept a connection: {e}");
                places.dismiss(true);
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connect(
    stream: TcpStream,
    place: ConnectionPlace,
    tls: Option<TlsAcceptor>,
    registry: Arc<ServedRegistry>,
    stopping: watch::Receiver<bool>,
) {
    select! {
        // What has come is seen before the connection is given up for having sent nothing.
        biased;
        () = talk(stream, Arc::clone(place.guest()), tls, registry, stopping) => {}
        // There is nothing that it could be told: it is in the middle of something, or of nothing.
        () = place.guest().leaves() => {}
    }
}

async fn talk(
    stream: TcpStream,
    guest: Arc<Guest>,
    tls: Option<TlsAcceptor>,
    registry: Arc<ServedRegistry>,
    stopping: watch::Receiver<bool>,
) {
    // Responses are written whole; waiting for more to send with them only costs time.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, guest, registry, stopping).await,
        // A client that fails the handshake cannot be told anything.
        Some(tls) => {
            let mut stop = stopping.clone();
            let accepted = tls.accept_with(stream, |tls| tls.set_buffer_limit(Some(BUFFER)));
            let stream = select! {
                stream = timeout(HEAD, accepted) => stream,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            if let Ok(Ok(stream)) = stream {
                converse(stream, guest, registry, stopping).await;
            }
        }
    }
}

/// Answers the requests on one connection.
async fn converse<S>(
    stream: S,
    guest: Arc<Guest>,
    registry: Arc<ServedRegistry>,
    mut stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = Patient::new(stream, Arc::clone(&guest));
    let service = service_fn(move |request| {
        let answer = service::answer(Arc::clone(&registry), Arc::clone(&guest), request);
        Box::pin(async move { Ok::<_, std::convert::Infallible>(answer.await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_header_size(BUFFER)
        .max_buf_size(BUFFER)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut told = false;
    let result = loop {
        select! {
            result = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break result,
            _ = stopping.wait_for(|stop| *stop), if !told => told = true,
        }
        Pin::new(&mut connection).graceful_shutdown();
    };
    // What goes wrong on a connection is its client's affair: a broken one, a malformed request, too long a pause.
    drop(result);
    part(connection.into_parts().io.into_inner(), told).await;
}

/// Closes a connection in a way that the client gets to read the answer. It may still be sending a body that was refused;
/// to close with bytes unread is to reset the connection, and that may overtake the answer (RFC 9112 9.6).
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, stopping: bool) {
    /// More than any socket buffer, less than what anyone would send for fun.
    const UNREAD: u64 = 64 << 20;
    if stream.shutdown().await.is_ok() && !stopping {
        let rest = async { copy(&mut (&mut stream).take(UNREAD), &mut sink()).await };
        let _ = timeout(Duration::from_secs(2), rest).await;
    }
}
