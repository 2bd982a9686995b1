//! A registry that does as it is told: a server on a loopback port with a script, which records every request and
//! connection. It is as wrong as a test wants it to be.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The number of the connection, from 0.
    pub connection: usize,
    /// `GET /v2/a/tags/list?n=1`
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Recorded {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What to do about a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends bytes as they are.
    Send(Vec<u8>),
    /// Sends bytes one by one, waiting after each.
    Drip(Vec<u8>, Duration),
    /// Sends no more, but reads on.
    HalfClose,
    /// Closes in order.
    Close,
    /// Closes with RST, losing what is on its way.
    Reset,
    /// Says nothing until the client goes away.
    Hang,
}

/// One expected request and what happens then.
#[derive(Clone, Debug)]
pub struct Step {
    line: String,
    actions: Vec<Action>,
    /// Act before the body is read, and without `100 Continue`.
    early: bool,
    /// Read the body without `100 Continue`.
    ignores_expect: bool,
}

/// `on("GET /v2/a/tags/list").answer(200, &[], b"{}")`
pub fn on(line: &str) -> Step {
    Step { line: line.to_owned(), actions: Vec::new(), early: false, ignores_expect: false }
}

impl Step {
    pub fn answer(self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let head = self.line.starts_with("HEAD ");
        self.then(Action::Send(answer(status, headers, body, head)))
    }

    pub fn then(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    pub fn early(self) -> Self {
        Self { early: true, ..self }
    }

    pub fn ignores_expect(self) -> Self {
        Self { ignores_expect: true, ..self }
    }
}

/// A complete answer with its Content-Length, unless the headers have it otherwise.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8], head: bool) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} Status\r\n");
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    let has = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if !has("content-length") && !has("transfer-encoding") && status != 204 && status != 304 {
        out.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    if !head {
        out.extend_from_slice(body);
    }
    out
}

type Handler = dyn Fn(&Recorded) -> Step + Send + Sync;

enum Plan {
    /// In this order, over whatever connections.
    Script(Mutex<VecDeque<Step>>),
    /// In any order.
    Handler(Box<Handler>),
    /// Whatever comes, this goes back.
    Raw(Vec<u8>),
}

struct State {
    plan: Plan,
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    problems: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// The server. It ends with this value.
pub struct Mock {
    address: SocketAddr,
    state: Arc<State>,
}

impl Mock {
    /// Expects these requests in this order.
    pub fn script(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::start(
            TcpListener::bind("127.0.0.1:0").unwrap(),
            Plan::Script(Mutex::new(steps.into_iter().collect())),
        )
    }

    /// The same, for a script that has to know its own address.
    pub fn script_at(steps: impl FnOnce(&str) -> Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let steps = steps(&listener.local_addr().unwrap().to_string());
        Self::start(listener, Plan::Script(Mutex::new(steps.into())))
    }

    /// Answers every request by a function.
    pub fn serve(handler: impl Fn(&Recorded) -> Step + Send + Sync + 'static) -> Self {
        Self::start(TcpListener::bind("127.0.0.1:0").unwrap(), Plan::Handler(Box::new(handler)))
    }

    /// The same at all addresses of this machine, and not only at the loopback one.
    pub fn serve_everywhere(handler: impl Fn(&Recorded) -> Step + Send + Sync + 'static) -> Self {
        Self::start(TcpListener::bind("[::]:0").unwrap(), Plan::Handler(Box::new(handler)))
    }

    /// Sends these bytes to whoever says anything, and closes.
    pub fn raw(bytes: &[u8]) -> Self {
        Self::start(TcpListener::bind("127.0.0.1:0").unwrap(), Plan::Raw(bytes.to_vec()))
    }

    fn start(listener: TcpListener, plan: Plan) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            plan,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            problems: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    break;
                }
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                // An error here is a client that went away, which tests do on purpose.
                thread::spawn(move || stream.and_then(|stream| connection(stream, number, &shared)).ok());
            }
        });
        Self { address, state }
    }

    /// `127.0.0.1:<port>`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().unwrap().clone()
    }

    /// `GET /v2/…`, one for each request.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Everything that was expected came, and nothing else.
    #[track_caller]
    pub fn is_done(&self) {
        let problems = self.state.problems.lock().unwrap().clone();
        assert!(problems.is_empty(), "{problems:#?}\nall requests: {:#?}", self.lines());
        if let Plan::Script(steps) = &self.state.plan {
            let left: Vec<_> = steps.lock().unwrap().iter().map(|step| step.line.clone()).collect();
            assert!(left.is_empty(), "never asked for: {left:#?}\nall requests: {:#?}", self.lines());
        }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn connection(mut stream: TcpStream, number: usize, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if let Plan::Raw(bytes) = &state.plan {
        let mut first = [0; 4096];
        let _ = stream.read(&mut first)?;
        stream.write_all(bytes)?;
        stream.shutdown(Shutdown::Write)?;
        return io::copy(&mut stream, &mut io::sink()).map(|_| ());
    }
    let mut buffered = Vec::new();
    while let Some(mut request) = read_head(&mut stream, &mut buffered, number)? {
        // The head is on record before anything happens; the body is added when it has come.
        let index = {
            let mut requests = state.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let step = match &state.plan {
            Plan::Script(steps) => {
                let step = steps.lock().unwrap().pop_front();
                match step {
                    Some(step) if step.line == request.line => step,
                    other => {
                        let expected = other.map_or("nothing".to_owned(), |step| step.line);
                        let problem = format!("expected {expected}, got {}", request.line);
                        state.problems.lock().unwrap().push(problem);
                        on(&request.line).answer(418, &[], b"")
                    }
                }
            }
            Plan::Handler(handler) => handler(&request),
            Plan::Raw(_) => return Ok(()),
        };
        if !step.early {
            let expects = request.header("expect").is_some();
            if expects && !step.ignores_expect {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let size = request.header("content-length").map_or(0, |size| size.parse().unwrap());
            while buffered.len() < size {
                let mut more = [0; 65536];
                let read = stream.read(&mut more)?;
                if read == 0 {
                    return Ok(());
                }
                buffered.extend_from_slice(&more[..read]);
            }
            request.body = buffered.drain(..size).collect();
            state.requests.lock().unwrap()[index].body.clone_from(&request.body);
        }
        for action in step.actions {
            match action {
                Action::Send(bytes) => stream.write_all(&bytes)?,
                Action::Drip(bytes, wait) => {
                    for byte in bytes {
                        stream.write_all(&[byte])?;
                        thread::sleep(wait);
                    }
                }
                Action::HalfClose => stream.shutdown(Shutdown::Write)?,
                Action::Close => return Ok(()),
                Action::Reset => {
                    return socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
                Action::Hang => return io::copy(&mut stream, &mut io::sink()).map(|_| ()),
            }
        }
        if step.early {
            // What follows is a body that was not waited for, and no request.
            return Ok(());
        }
    }
    Ok(())
}

/// Reads up to the empty line; `None` at the end.
fn read_head(stream: &mut TcpStream, buffered: &mut Vec<u8>, number: usize) -> io::Result<Option<Recorded>> {
    let end = loop {
        if let Some(at) = buffered.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let mut more = [0; 4096];
        let read = stream.read(&mut more)?;
        if read == 0 {
            return Ok(None);
        }
        buffered.extend_from_slice(&more[..read]);
    };
    let head = String::from_utf8(buffered.drain(..end + 4).collect()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok(Some(Recorded { connection: number, line, headers, body: Vec::new() }))
}
