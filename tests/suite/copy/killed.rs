//! A copy that is killed, at every single request: what is there is whole, and the next run brings the rest.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::world::There;
use crate::common::{EmbeddedRegistry, Home};

/// Lets so many requests pass to a registry, and no more.
pub struct Gate {
    pub host: String,
    pub is_shut: Arc<AtomicBool>,
}

impl Gate {
    pub fn before(registry: &str, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (is_shut, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (shut, to) = (Arc::clone(&is_shut), registry.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
                let (shut, count) = (Arc::clone(&shut), Arc::clone(&count));
                pass(&client, &server, move |bytes| {
                    let heads = bytes.windows(11).filter(|window| *window == b" HTTP/1.1\r\n").count();
                    let is_over = count.fetch_add(heads, Ordering::SeqCst) + heads > most;
                    if is_over {
                        shut.store(true, Ordering::SeqCst);
                    }
                    !is_over && !shut.load(Ordering::SeqCst)
                });
                pass(&server, &client, |_| true);
            }
        });
        Self { host, is_shut }
    }
}

fn pass(from: &TcpStream, to: &TcpStream, passes: impl Fn(&[u8]) -> bool + Send + 'static) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if passes(&buffer[..read]) && to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Kills a copy behind each of its requests to the destination. Tells after how many it was done.
fn killed_everywhere(arguments: &[&str]) -> usize {
    let (home, other) = (Home::new(), Home::new());
    let from = EmbeddedRegistry::start(&home, []);
    let to = match arguments {
        [argument] => EmbeddedRegistry::start(&other, [*argument]),
        _ => EmbeddedRegistry::start(&other, []),
    };
    let there = source(from.address());
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let home = Home::new();
    let from = format!("{}/src/mychart:{TAG}", from.address());
    for most in 0..200 {
        let gate = Gate::before(to.address(), most);
        let name = format!("dst{most}/mychart");
        let mut command =
            home.command("helm-chart-copy").args([&from, &format!("{}/{name}", gate.host)]).prepared();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if gate.is_shut.load(Ordering::SeqCst) {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "behind request {most}");
            thread::sleep(Duration::from_millis(2));
        };
        let copy = There::new(to.address(), &name);
        // Who sees the tag sees all of it.
        if copy.get(TAG).is_some() {
            object.is_at(&copy, TAG);
        }
        if let Some(status) = status {
            assert!(status.success(), "behind request {most}");
            return most;
        }
        let again = home.command("helm-chart-copy").args([&from, &format!("{}/{name}", to.address())]).run();
        again.succeeds();
        object.is_at(&copy, TAG);
    }
    panic!("it never ends");
}

#[test]
fn a_copy_that_is_killed_anywhere_is_whole_after_the_next() {
    assert!(killed_everywhere(&[]) > 20);
}

#[test]
fn so_it_is_where_clients_keep_the_index() {
    assert!(killed_everywhere(&["--no-referrers"]) > 20);
}
