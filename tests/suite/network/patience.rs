//! Servers that are not there yet.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{ONE_TAG, options, tags_at};
use crate::common::mock::answer;
use crate::common::{Home, tool};
use oci::registry::RegistryOptions;

/// A registry that restarts: its port refuses connections for as long as `n` attempts, and then it is there.
#[test]
fn a_registry_that_restarts_is_waited_for() {
    let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let waits = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let (slept, told) = (Arc::clone(&waits), Arc::clone(&waits));
    let (mut options, _) = options();
    options.http.backoff.first = oci::http::Backoff::default().first;
    options.http.sleep = Arc::new(move |wait| {
        let mut waits = slept.lock().unwrap();
        waits.0.push(wait);
        // It is back after some eight seconds.
        if waits.0.iter().sum::<Duration>() < Duration::from_secs(8) || waits.0.len() > 60 {
            return;
        }
        let listener = TcpListener::bind(address).unwrap();
        thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer(200, &[("Connection", "close")], ONE_TAG, false));
            }
        });
    });
    options.http.waiting =
        Arc::new(move |error, wait| told.lock().unwrap().1.push((error.is_refused(), wait)));
    assert_eq!(tags_at(&options, &address.to_string()).unwrap(), 1);
    let waits = waits.lock().unwrap();
    assert_eq!(waits.1, waits.0.iter().map(|wait| (true, *wait)).collect::<Vec<_>>());
}

#[test]
fn patience_is_what_the_user_has_of_it() {
    assert_eq!(oci::http::Backoff::of(Duration::from_secs(2)).refused, Duration::from_secs(2));
    assert_eq!(
        oci::http::Backoff::of(Duration::from_secs(600)).refused,
        oci::http::Backoff::default().refused
    );
    assert!(RegistryOptions::default().http.backoff.refused >= Duration::from_secs(10));
}

/// On a terminal one line says what is waited for, and it is gone when something else is said. `script` is a terminal.
#[test]
fn a_terminal_is_told_while_a_registry_is_waited_for() {
    let Some(script) = tool("script") else { return };
    let home = Home::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let pull = home.executable("helm-chart-pull");
    let line = format!("{} --timeout 1s 127.0.0.1:{port}/a:1", pull.display());
    let mut command = home.program(script).args(["-qec", &line, "/dev/null"]).prepared();
    let shown = command.stdin(Stdio::null()).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let wait = format!("\r127.0.0.1:{port} refuses connections; trying again in 1 s\u{1b}[K");
    let (before, after) = shown.rsplit_once(&wait).unwrap_or_else(|| panic!("{shown:?}"));
    assert!(!before.contains("Error: "), "{shown:?}");
    assert!(after.starts_with("\r\u{1b}[KError: cannot pull "), "{shown:?}");
    // And nothing else is.
    let silent =
        home.command("helm-chart-pull").args(["--timeout", "1s", &format!("127.0.0.1:{port}/a:1")]).run();
    assert!(silent.stderr.starts_with("Error: "), "{silent}");
}
