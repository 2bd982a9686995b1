//! How ureq is set up: timeouts, buffers, connections.

use ureq::Agent;
use ureq::tls::TlsConfig;

use super::connections::Connections;
use super::names::Names;
use super::timeouts::Timeouts;

/// What we call ourselves.
const USER_AGENT: &str = concat!("helm-oci/", env!("CARGO_PKG_VERSION"));

/// Blobs of one chart go over two connections, and several charts are on their way at once. What is opened is kept: to
/// open one costs more than to send what most charts consist of.
const IDLE_PER_HOST: usize = 16;
/// A redirect to storage may add its own.
const IDLE: usize = 2 * IDLE_PER_HOST;

/// Of each connection, in each direction. All of it is cleared before it is used: more costs more than most charts do.
const BUFFER: usize = 64 << 10;
/// It has to fit into the buffer, and more than that is nonsense: a redirect to storage takes two or three KiB.
const MAX_HEAD: usize = BUFFER / 2;

/// An agent that leaves redirects, statuses and proxies to us.
pub(super) fn agent(timeouts: &Timeouts, tls: TlsConfig) -> Agent {
    let config = Agent::config_builder()
        .user_agent(USER_AGENT)
        // ureq would make a PUT that is redirected into a GET, and report its 200 as a success.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // It would ask the environment by rules of its own; `proxy` has Go's.
        .proxy(None)
        .max_idle_connections(IDLE)
        .max_idle_connections_per_host(IDLE_PER_HOST)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .max_response_header_size(MAX_HEAD)
        .tls_config(tls)
        // None of these has a default. `recv_body` has none here either: it is a total, and content may be large. The
        // pace of a body is watched by `Paced`.
        .timeout_resolve(Some(timeouts.resolve))
        .timeout_connect(Some(timeouts.connect))
        .timeout_send_request(Some(timeouts.idle))
        .timeout_recv_response(Some(timeouts.response))
        .timeout_per_read(Some(timeouts.idle))
        .timeout_per_write(Some(timeouts.idle))
        .build();
    Agent::with_parts(config, Connections::default(), Names::default())
}
