//! A keyring that lives as long as a test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use super::home::Home;
use super::tools::{target, tool};

/// gnome-keyring on a bus of its own, which the commands of one home find. `scripts/with-keyring` makes and ends it.
pub struct Keyring(Child);

impl Keyring {
    /// Starts one that is unlocked, or with an argument of the script for another state. `None` where the programs are
    /// missing (see [`tool`]).
    pub fn start(home: &mut Home, state: &[&str]) -> Option<Self> {
        for name in ["gnome-keyring-daemon", "dbus-daemon", "secret-tool"] {
            tool(name)?;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/with-keyring");
        let mut command = home
            .program(script)
            .args(state)
            .args(["sh", "-c", "echo \"$DBUS_SESSION_BUS_ADDRESS\"; read end || true"])
            .env("CARGO_TARGET_DIR", target())
            .prepared();
        let mut session = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(session.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "scripts/with-keyring {state:?} does not start");
        home.set("DBUS_SESSION_BUS_ADDRESS", address.trim());
        Some(Self(session))
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // The script ends when its command does, which waits for this.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
