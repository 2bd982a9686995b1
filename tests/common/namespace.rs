//! A network of a test's own: addresses and names that this machine does not have.

use std::process::Command;

use super::home::Home;
use super::tools::{note, tool};

const INSIDE: &str = "HELM_OCI_TEST_NETWORK";

/// Runs a test once more, in a network where the loopback interface has these addresses and these names resolve. `true` is
/// that run itself, which has to do its work then. Where the system gives nobody such a network, that is said.
pub fn in_own_network(test: &str, addresses: &[&str], hosts: &[(&str, &str)]) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let (Some(unshare), Some(_)) = (tool("unshare"), tool("ip")) else { return false };
    let home = Home::new();
    let lines: String = hosts.iter().map(|(address, name)| format!("{address} {name}\n")).collect();
    let file = home.write("hosts", format!("127.0.0.1 localhost\n{lines}"));
    let mut script = format!("mount --bind {} /etc/hosts && ip link set lo up", file.display());
    for address in addresses {
        // An IPv6 address is otherwise looked for in the network first.
        let at_once = if address.contains(':') { " nodad" } else { "" };
        script.push_str(&format!(" && ip addr add {address} dev lo{at_once}"));
    }
    let run = |last: &str| {
        let mut command = Command::new(&unshare);
        command.args(["-rnm", "sh", "-c", &format!("{script} && {last}")]);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env(INSIDE, "1").output().unwrap()
    };
    let possible = run("true");
    if !possible.status.success() {
        note(&format!("no network of its own: {}", String::from_utf8_lossy(&possible.stderr).trim()));
        return false;
    }
    let program = std::env::current_exe().unwrap();
    let output = run(&format!("exec {} --exact {test} --nocapture", program.display()));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}
