//! Accepts connections, limits their number, and closes them in an orderly way.

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

/// How long a request's head may take, the next request on a connection, and a TLS handshake.
const HEAD: Duration = Duration::from_secs(60);
/// The largest head of a request, and the most bytes that are read or written at a time. A connection has two buffers
/// of this size. Our paths have less than 1 KiB; the rest is for tokens and cookies of proxies.
const BUFFER: usize = 32 << 10;
/// How long requests in flight may take when the registry is stopped.
const GRACE: Duration = Duration::from_secs(10);

/// How often to check whether the parent process, Helm, still runs.
const WATCH: Duration = Duration::from_millis(500);

/// The events that stop the registry.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The parent process, if the registry stops when it ends.
    parent: Option<u32>,
}

impl Signals {
    /// Registers for the signals: from now on they do not end the process by themselves.
    pub(super) fn new(parent: Option<u32>) -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, parent })
    }

    async fn next(&mut self) {
        let parent = self.parent;
        select! {
            () = self.signal() => {}
            // Helm does not pass signals on, so its end stops the registry too. If both got a signal, ours may arrive a
            // little later.
            () = end_of(parent) => drop(timeout(WATCH, self.signal()).await),
        }
        // The parent often ends by the same signal that came to us. That counts as one signal, and not as a second,
        // impatient one.
        self.parent = None;
    }

    async fn signal(&mut self) {
        select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Returns when `parent` is no longer our parent; never if there is none.
async fn end_of(parent: Option<u32>) {
    let Some(parent) = parent else { return pending().await };
    while parent == process::parent() {
        sleep(WATCH).await;
    }
}

/// How the service ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All requests were answered, or [`GRACE`] has passed.
    Stopped,
    /// A second signal came before that.
    Interrupted,
}

/// Serves until a signal comes, and then waits for the requests in flight.
pub(super) async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    registry: Arc<ServedRegistry>,
    places: Arc<Places>,
    mut signals: Signals,
) -> Ended {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    // The accepted connection that waits for a place. Further ones wait in the system's queue.
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
            // The client closed the connection before it was accepted.
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(e) => {
                // Most likely there are no file descriptors left. Some become free as connections end; to try again at
                // once would only use CPU time.
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
        // Data that has arrived is processed first, before the connection is closed because it sent nothing.
        biased;
        () = talk(stream, Arc::clone(place.guest()), tls, registry, stopping) => {}
        // No answer is sent: the client is in the middle of a request, or has sent none.
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
    // Responses are written whole, so waiting for more data only costs time.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, guest, registry, stopping).await,
        // A client that fails the handshake gets no answer.
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
    // Errors of a connection are the client's: it broke, sent a malformed request, or paused for too long.
    drop(result);
    part(connection.into_parts().io.into_inner(), told).await;
}

/// Closes a connection so that the client can read the answer. The client may still be sending a body that was refused;
/// to close with unread bytes resets the connection, and the reset may overtake the answer (RFC 9112 9.6).
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, stopping: bool) {
    /// How many bytes are read and dropped at most: more than any socket buffer.
    const UNREAD: u64 = 64 << 20;
    if stream.shutdown().await.is_ok() && !stopping {
        let rest = async { copy(&mut (&mut stream).take(UNREAD), &mut sink()).await };
        let _ = timeout(Duration::from_secs(2), rest).await;
    }
}
