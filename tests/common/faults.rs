//! A network that fails: a proxy between our commands and a real registry, which breaks one kind of exchange at one
//! place, once or always, and counts everything.
//!
//! It understands as much of HTTP as it takes to know where a message's first line, head and body end, and is otherwise
//! transparent: hosts, bodies and order are what both sides made of them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Which of the two messages of an exchange is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The request.
    Up,
    /// The response.
    Down,
}

/// How far a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing of it does.
    Nowhere,
    /// Half of its first line.
    Line,
    /// The first line and half of the header fields.
    Head,
    /// All of the head, and nothing of the body.
    Between,
    /// The head and half of the body.
    Body,
    /// All of it; then the connection is gone.
    End,
    /// So many bytes.
    At(usize),
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed in order.
    Fin,
    /// The connection is reset, and what was on its way is lost.
    Reset,
    /// Nothing happens any more, on a connection that stays.
    Stall,
    /// The rest comes byte by byte, with so much time between them.
    Drip(Duration),
    /// Noise comes in place of the rest.
    Garbage,
}

/// One kind of exchange, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As [`Exchange::kind`] has it.
    pub kind: String,
    pub way: Way,
    pub place: Place,
    pub fault: Fault,
    /// How often.
    pub times: usize,
}

/// One request and its answer, as far as they came.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request without what differs from run to run: `PUT uploads sha256:…`, `GET blobs sha256:…`, `HEAD manifests`.
    pub kind: String,
    /// The ends of the first line, the head and the body of the request.
    pub request: [usize; 3],
    /// The same of the response; nothing if there was none.
    pub response: Option<[usize; 3]>,
    /// How many bytes of the response's body went to the client.
    pub delivered: usize,
    /// Whether the plan hit it.
    pub hit: bool,
}

struct State {
    registry: SocketAddr,
    plan: Mutex<Option<Plan>>,
    exchanges: Mutex<Vec<Exchange>>,
    over: AtomicBool,
}

/// The proxy. Commands take it for the registry.
pub struct Faults {
    address: SocketAddr,
    state: Arc<State>,
}

impl Faults {
    /// In front of the registry at `address`, without a plan.
    pub fn before(registry: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            registry: registry.parse().unwrap(),
            plan: Mutex::default(),
            exchanges: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                // An error here is one side gone, which is what this is about.
                thread::spawn(move || stream.and_then(|stream| connection(stream, &shared)).ok());
            }
        });
        Self { address, state }
    }

    /// `127.0.0.1:<port>`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// From here on exchanges go as `plan` has it; the count starts anew.
    pub fn set(&self, plan: Option<Plan>) {
        *self.state.plan.lock().unwrap() = plan;
        self.state.exchanges.lock().unwrap().clear();
    }

    /// What was exchanged since.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.exchanges.lock().unwrap().clone()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// `PUT /v2/a/b/blobs/uploads/x?y&digest=sha256:z` is `PUT uploads sha256:z`.
fn kind(line: &str) -> String {
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let what = ["uploads", "blobs", "manifests", "tags"]
        .into_iter()
        .find(|what| path.contains(&format!("/{what}/")));
    let path = path.replace("%3A", ":");
    let digest = path.find("sha256:").map_or("", |at| &path[at..path.len().min(at + 71)]);
    format!("{method} {} {digest}", what.unwrap_or("else")).trim_end().to_owned()
}

/// A message's head and what it says about its body.
struct Head {
    bytes: Vec<u8>,
    line: String,
    length: usize,
    expects: bool,
    chunked: bool,
}

/// Reads up to the empty line; `None` where the other side has gone before one came.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    // Byte by byte, so that nothing of the body is taken along.
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let header = |name: &str| {
        text.lines()
            .filter_map(|l| l.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    };
    Ok(Some(Head {
        line: text.lines().next().unwrap_or_default().to_owned(),
        length: header("content-length").map_or(0, |length| length.parse().unwrap()),
        expects: header("expect").is_some(),
        chunked: header("transfer-encoding").is_some(),
        bytes,
    }))
}

fn ends(head: &Head, body: usize) -> [usize; 3] {
    [head.line.len() + 2, head.bytes.len(), head.bytes.len() + body]
}

fn offset(place: Place, [line, head, whole]: [usize; 3]) -> usize {
    match place {
        Place::Nowhere => 0,
        Place::Line => line / 2,
        Place::Head => line + (head - line) / 2,
        Place::Between => head,
        Place::Body => head + (whole - head) / 2,
        Place::End => whole,
        Place::At(bytes) => bytes.min(whole),
    }
}

/// Passes a message on, up to `until` if there is an end. Returns whether it came to that.
fn pass(
    head: &[u8],
    body: usize,
    from: &mut TcpStream,
    to: &mut TcpStream,
    until: Option<usize>,
) -> io::Result<bool> {
    let until = until.unwrap_or(usize::MAX);
    to.write_all(&head[..head.len().min(until)])?;
    let wanted = body.min(until.saturating_sub(head.len()));
    let passed = io::copy(&mut from.take(wanted as u64), to)?;
    if passed < wanted as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(head.len() + body >= until)
}

fn connection(mut client: TcpStream, state: &State) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut registry = TcpStream::connect(state.registry)?;
    registry.set_nodelay(true)?;
    while let Some(head) = read_head(&mut client)? {
        let (kind, request) = (kind(&head.line), ends(&head, head.length));
        let plan = {
            let mut plan = state.plan.lock().unwrap();
            let mut hit = None;
            if let Some(plan) = plan.as_mut().filter(|plan| plan.kind == kind && plan.times > 0) {
                plan.times -= 1;
                hit = Some(plan.clone());
            }
            hit
        };
        let index = {
            let mut exchanges = state.exchanges.lock().unwrap();
            exchanges.push(Exchange { kind, request, response: None, delivered: 0, hit: plan.is_some() });
            exchanges.len() - 1
        };
        let on_way = |way: Way, ends: [usize; 3]| {
            plan.as_ref().filter(|plan| plan.way == way).map(|plan| (offset(plan.place, ends), plan.fault))
        };
        if let Some((until, fault)) = on_way(Way::Up, request) {
            if head.expects && until > head.bytes.len() {
                client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            pass(&head.bytes, head.length, &mut client, &mut registry, Some(until))?;
            return fail(client, registry, fault, &[]);
        }
        pass(&head.bytes, 0, &mut client, &mut registry, None)?;
        let mut answer = None;
        if head.expects {
            let first = read_head(&mut registry)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            match first.line.contains(" 100 ") {
                true => client.write_all(&first.bytes)?,
                false => answer = Some(first),
            }
        }
        let early = answer.is_some();
        if !early {
            pass(&[], head.length, &mut client, &mut registry, None)?;
            answer = read_head(&mut registry)?;
        }
        let Some(answer) = answer else { return Ok(()) };
        let status: u16 = answer.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let without = head.line.starts_with("HEAD ") || matches!(status, 204 | 304);
        let mut body = vec![0; if without { 0 } else { answer.length }];
        registry.read_exact(&mut body)?;
        while answer.chunked && !without && !body.ends_with(b"0\r\n\r\n") {
            let mut byte = [0];
            registry.read_exact(&mut byte)?;
            body.push(byte[0]);
        }
        let response = ends(&answer, body.len());
        let mut message = answer.bytes;
        message.append(&mut body);
        let hit = on_way(Way::Down, response);
        let until = hit.map_or(message.len(), |(until, _)| until);
        {
            // On record first: when the client has it, the test may ask.
            let mut exchanges = state.exchanges.lock().unwrap();
            exchanges[index].response = Some(response);
            exchanges[index].delivered = until.saturating_sub(response[1]);
        }
        client.write_all(&message[..until])?;
        if let Some((until, fault)) = hit {
            return fail(client, registry, fault, &message[until..]);
        }
        if early {
            return Ok(());
        }
    }
    Ok(())
}

/// What is left of a connection after the fault. `rest` is what the client is still owed.
fn fail(mut client: TcpStream, registry: TcpStream, fault: Fault, rest: &[u8]) -> io::Result<()> {
    match fault {
        Fault::Fin => {
            drop(registry);
            client.shutdown(Shutdown::Write)?;
            io::copy(&mut client, &mut io::sink()).map(|_| ())
        }
        Fault::Reset => {
            drop(registry);
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO))
        }
        // Until the client has enough of it.
        Fault::Stall => io::copy(&mut client, &mut io::sink()).map(|_| ()),
        Fault::Drip(wait) => {
            for byte in rest {
                client.write_all(&[*byte])?;
                thread::sleep(wait);
            }
            // The exchange is whole, only late; the connection ends with it.
            client.shutdown(Shutdown::Write)?;
            io::copy(&mut client, &mut io::sink()).map(|_| ())
        }
        Fault::Garbage => {
            drop(registry);
            let noise: Vec<u8> = (0..rest.len().max(64)).map(|n| (n * 167 + 13) as u8).collect();
            client.write_all(&noise)?;
            client.shutdown(Shutdown::Write)?;
            io::copy(&mut client, &mut io::sink()).map(|_| ())
        }
    }
}
