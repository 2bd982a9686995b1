//! Servers that hold one up: whatever they send, and however slowly, everything has an end. None of these tests looks at a
//! clock: without an end they would not come to theirs.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{ONE_TAG, chain, options, repository_at, tags_at};
use crate::common::mock::answer;
use crate::common::tls::{Authority, Server};
use oci::http::{HttpError as Http, HttpFailure};
use oci::manifest::Descriptor;
use oci::registry::{RegistryError, RegistryOptions};

type Talk = dyn Fn(&mut TcpStream) -> io::Result<()> + Send + Sync;

/// A server that says what it likes to whoever comes, once the head of a request is there.
struct Talker {
    address: SocketAddr,
}

impl Talker {
    fn new(talk: impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let talk: Arc<Talk> = Arc::new(talk);
        // It ends with the test program; each conversation ends when the client hangs up.
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let talk = Arc::clone(&talk);
                thread::spawn(move || -> io::Result<()> {
                    stream.set_nodelay(true)?;
                    head(&mut stream)?;
                    talk(&mut stream)
                });
            }
        });
        Self { address }
    }

    fn host(&self) -> String {
        self.address.to_string()
    }
}

fn head(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(())
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Often enough that no time limit for single reads is passed.
const OFTEN: Duration = Duration::from_millis(2);

/// Says `begin`, and then `again` for as long as it is listened to: at once, or a byte at a time.
fn endless(
    begin: &'static [u8],
    again: &'static [u8],
    slowly: bool,
) -> impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync {
    move |stream| {
        stream.write_all(begin)?;
        let many = again.repeat(1000);
        loop {
            if !slowly {
                stream.write_all(&many)?;
                continue;
            }
            for byte in again {
                stream.write_all(&[*byte])?;
                thread::sleep(OFTEN);
            }
        }
    }
}

/// Options of somebody with little patience, who tries once. What keeps moving within `idle` is only ended by the pace.
fn impatient() -> RegistryOptions {
    let (mut options, _) = options();
    options.http.backoff.retries = 0;
    let timeouts = &mut options.http.timeouts;
    timeouts.response = Duration::from_millis(300);
    timeouts.put_response = Duration::from_millis(300);
    timeouts.connect = Duration::from_millis(300);
    timeouts.idle = Duration::from_secs(3600);
    timeouts.pace_window = Duration::from_millis(300);
    timeouts.pace_bytes = 5000;
    options
}

#[test]
fn nothing_that_frames_an_answer_is_without_end() {
    for (what, begin, again) in [
        ("interim answers", &b""[..], &b"HTTP/1.1 102 Processing\r\n\r\n"[..]),
        ("interim answers with fields", b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
        ("lines of a head", b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n"),
        ("a line of a head", b"HTTP/1.1 200 OK\r\nX-Y: ", b"z"),
        ("a status line", b"HTTP/1.1 200 ", b"OK"),
        ("an extension of a chunk", &[CHUNKED, b"5;x="].concat().leak()[..], b"y"),
        ("the size of a chunk", CHUNKED, b"0"),
        ("chunks with extensions", CHUNKED, b"1;a=b;c=d\r\nx\r\n"),
        ("trailers", &[CHUNKED, b"5\r\nhello\r\n0\r\n"].concat().leak()[..], b"X-Y: z\r\n"),
        ("a line of the trailers", &[CHUNKED, b"5\r\nhello\r\n0\r\nX-Y: "].concat().leak()[..], b"z"),
        ("a body without a length", b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        ("a body that is too long", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", b" "),
        ("a refusal", b"HTTP/1.1 400 No\r\n\r\n", b" "),
        (
            "a refusal in chunks",
            &[b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(), b"5;x="].concat().leak()[..],
            b"y",
        ),
    ] {
        for slowly in [false, true] {
            let server = Talker::new(endless(begin, again, slowly));
            let error = tags_at(&impatient(), &server.host()).expect_err(what);
            assert!(!chain(&error).is_empty(), "{what}: {error:?}");
        }
    }
}

#[test]
fn one_byte_chunks_are_an_answer_if_they_come_at_a_pace() {
    let server = Talker::new(|stream| {
        stream.write_all(CHUNKED)?;
        for byte in br#"{"tags":["1"]}"# {
            stream.write_all(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n'])?;
        }
        stream.write_all(b"0\r\nX-Trailer: yes\r\n\r\n")
    });
    let mut options = impatient();
    options.http.timeouts.pace_window = Duration::from_secs(3600);
    assert_eq!(tags_at(&options, &server.host()).unwrap(), 1);
}

#[test]
fn a_blob_whose_frames_never_end_is_there_when_its_bytes_are() {
    let blob = Descriptor::of("application/octet-stream", b"hello");
    let begin: &'static [u8] = [CHUNKED, b"5\r\nhello\r\n0\r\n"].concat().leak();
    let server = Talker::new(endless(begin, b"X-Y: z\r\n", true));
    let repository = repository_at(&impatient(), &server.host());
    // It counts as one that broke off, and nothing is missing of it.
    assert_eq!(repository.get_small_blob(&blob).unwrap(), b"hello");
}

#[test]
fn a_server_that_takes_nothing_is_not_waited_for() {
    // Larger than all buffers on the way.
    let content = vec![7; 64 << 20];
    let descriptor = Descriptor::of("application/octet-stream", &content);
    for slowly in [false, true] {
        let server = Talker::new(move |stream| {
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nLocation: /u/1\r\nContent-Length: 0\r\n\r\n")?;
            head(stream)?;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            if slowly {
                loop {
                    stream.read_exact(&mut [0; 16])?;
                    thread::sleep(OFTEN);
                }
            }
            // Reads no more, and stays.
            thread::sleep(Duration::from_secs(3600));
            Ok(())
        });
        let mut options = impatient();
        options.http.timeouts.pace_bytes = 64 << 20;
        let error =
            repository_at(&options, &server.host()).push_blob(&descriptor, &content, &|_| {}).unwrap_err();
        let RegistryError::Http(Http::Unreachable { source: HttpFailure::TooSlow { .. }, .. }) = &error
        else {
            panic!("{}: {error:?}", chain(&error))
        };
        // The same by silence alone.
        let mut options = impatient();
        options.http.timeouts.idle = Duration::from_millis(200);
        options.http.timeouts.pace_bytes = 0;
        if !slowly {
            let error = repository_at(&options, &server.host())
                .push_blob(&descriptor, &content, &|_| {})
                .unwrap_err();
            assert!(
                chain(&error).ends_with("timeout: to send more takes more than 200ms"),
                "{}",
                chain(&error)
            );
        }
    }
}

/// A server that is connected to, and never begins to speak TLS, or never ends.
#[test]
fn a_handshake_has_an_end() {
    for again in [&b""[..], b"\x16\x03\x03\x40\x00"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || -> io::Result<()> {
                    stream.set_nodelay(true)?;
                    stream.write_all(again)?;
                    loop {
                        if !again.is_empty() {
                            stream.write_all(b"\x02")?;
                        }
                        thread::sleep(OFTEN);
                    }
                });
            }
        });
        let mut options = impatient();
        options.http.insecure = true;
        let error = tags_at(&options, &host).unwrap_err();
        assert!(chain(&error).ends_with("timeout: to connect takes more than 300ms"), "{}", chain(&error));
    }
}

#[test]
fn a_proxy_has_an_end_as_well() {
    for (what, begin, again) in [
        ("nothing", &b""[..], &b""[..]),
        ("a line", b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        ("lines", b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        ("interim answers", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        for slowly in [false, true] {
            let proxy = Talker::new(move |stream| {
                if again.is_empty() {
                    thread::sleep(Duration::from_secs(3600));
                }
                endless(begin, again, slowly)(stream)
            });
            let mut options = impatient();
            options.http.proxies.https = Some(proxy.host());
            let error = tags_at(&options, "registry.test").unwrap_err();
            let text = chain(&error);
            assert!(text.contains(&format!("the proxy http://{}: ", proxy.host())), "{what}: {text}");
        }
    }
}

#[test]
fn an_answer_that_does_not_end_costs_no_more_than_its_connection() {
    // 401 with a body that never ends, and then an answer to the one who shows a password.
    let server = Talker::new(|stream| {
        endless(
            b"HTTP/1.1 307 Moved\r\nLocation: /v2/a/tags/list?page=2\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\n \r\n",
            true,
        )(stream)
    });
    let error = tags_at(&impatient(), &server.host()).unwrap_err();
    assert!(chain(&error).ends_with("more than 5 redirects"), "{}", chain(&error));

    // Over TLS, what comes is counted behind it.
    let authority = Authority::new();
    let tls = Server::start(&authority.issue("127.0.0.1", false), None, answer(200, &[], ONE_TAG, false));
    let mut options = impatient();
    options.http.ca_file = Some(authority.ca_file());
    assert_eq!(tags_at(&options, &format!("127.0.0.1:{}", tls.port())).unwrap(), 1);
}
