//! A proxy that counts: between a command and a real registry, which it does not disturb.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes everything on to one address. It ends with the process.
pub struct Counter {
    host: String,
    received: Arc<AtomicU64>,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Counter {
    pub fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (received, sent) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
        let counter = Self { host, received: Arc::clone(&received), sent: Arc::clone(&sent) };
        let to = to.to_owned();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(&to).unwrap();
                let (received, sent) = (Arc::clone(&received), Arc::clone(&sent));
                pass(&client, &server, move |bytes| sent.lock().unwrap().extend_from_slice(bytes));
                pass(&server, &client, move |bytes| {
                    received.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                });
            }
        });
        counter
    }

    /// What to call the registry, so that everything comes this way.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// All that came, heads and bodies, since it was last asked.
    pub fn take_all(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.sent.lock().unwrap())).into_owned()
    }

    /// The request lines, and how many bytes came back for all of them, since it was last asked.
    pub fn take(&self) -> (Vec<String>, u64) {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        let sent = String::from_utf8_lossy(&sent).into_owned();
        let lines = sent.lines().filter_map(|line| line.strip_suffix(" HTTP/1.1")).map(str::to_owned);
        (lines.collect(), self.received.swap(0, Ordering::SeqCst))
    }
}

/// What comes is counted before it is passed on, so that it is counted when the command is done.
fn pass(from: &TcpStream, to: &TcpStream, count: impl Fn(&[u8]) + Send + 'static) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            count(&buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
