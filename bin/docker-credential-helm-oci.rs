//! `docker-credential-helm-oci`: the system's keyring behind docker's credential-helper protocol
//! (docker/docker-credential-helpers, credentials.go). We use it, and so can docker, helm, oras, skopeo and all others
//! that speak the protocol.
//!
//! The action is the only argument; everything else, including errors, goes through standard input and output.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::process::ExitCode;

use argh::ArgsInfo as _;
use oci::cli;
use oci::credential::Secret;
use oci::credentials::Account;
use oci::credentials::protocol::{self, HelperCredential};
use oci::os_keyring;
use zeroize::Zeroizing;

const NAME: &str = "docker-credential-helm-oci";
const USAGE: &str = "Usage: docker-credential-helm-oci [--debug] <store|get|erase|list|version>";

/// Keep credentials in the keyring of the system, by docker's credential-helper protocol.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    note = "`\"credHelpers\": {{\"registry.example.com\": \"helm-oci\"}}` in the configuration of docker, or of Helm, \
            makes it theirs.",
    note = "Everything but the action goes through standard input and output, errors too: see \
            docker/docker-credential-helpers."
)]
#[allow(dead_code)]
struct Helper {
    /// store, get, erase, list or version
    #[argh(positional)]
    action: String,
}

/// The largest input in bytes: secrets of 100 KiB are possible, and anything larger is a mistake.
const LONGEST: u64 = 1 << 20;

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().skip(1).collect();
    // HELM_DEBUG is ignored: programs that use this variable for themselves show the helper's standard error.
    if words.iter().any(|word| word == "--debug") {
        cli::start_debugging();
        words.retain(|word| word != "--debug");
    }
    let result = match words.as_slice() {
        [action] => act(&action.to_string_lossy()),
        _ => Err(USAGE.into()),
    };
    let mut out = io::stdout().lock();
    let (text, code) = match result {
        Ok(text) => (text, ExitCode::SUCCESS),
        // Callers look for the reason on standard output.
        Err(error) => (Zeroizing::new(format!("{error}\n").into_bytes()), ExitCode::FAILURE),
    };
    match out.write_all(&text).and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

type Answer = Result<Zeroizing<Vec<u8>>, Box<dyn std::error::Error>>;

fn act(action: &str) -> Answer {
    match action {
        "get" => get(&server()?),
        "store" => store(&input()?),
        "erase" => erase(&server()?),
        "list" => list(),
        protocol::FIND => find(&input()?),
        "version" | "--version" | "-v" => {
            Ok(text(format!("{NAME} (helm-oci) {}\n", env!("CARGO_PKG_VERSION")).into_bytes()))
        }
        "--help" | "-h" => Ok(text(cli::help(NAME, &Helper::get_args_info(), USAGE).into_bytes())),
        "--describe" => Ok(text(cli::describe(NAME, &Helper::get_args_info())?.into_bytes())),
        _ => Err(format!("Unknown credential action `{action}`").into()),
    }
}

fn get(server: &str) -> Answer {
    match os_keyring::get(&Account::from_server(server).to_string())? {
        Some((username, secret)) => {
            let mut json = HelperCredential::new(server.to_owned(), username, &secret).write();
            json.push(b'\n');
            Ok(json)
        }
        None => Err(protocol::NOT_FOUND.into()),
    }
}

/// An action of our own: push and pull use it to look up all their repositories in one run.
fn find(repositories: &[u8]) -> Answer {
    let names =
        |line: &str| Account::from_server(line).candidates().iter().map(ToString::to_string).collect();
    let found = os_keyring::find(String::from_utf8_lossy(repositories).lines().map(names).collect())?;
    let entry = |(account, username, secret): (String, String, Secret)| {
        HelperCredential::new(Account::from_server(&account).server(), username, &secret)
    };
    let entries: Vec<_> = found.into_iter().map(entry).collect();
    Ok(text(serde_json::to_vec(&entries)?))
}

fn store(json: &[u8]) -> Answer {
    let entry = HelperCredential::read(json)?;
    if entry.server.trim().is_empty() {
        return Err(protocol::NO_SERVER.into());
    }
    if entry.username.is_empty() {
        return Err(protocol::NO_USERNAME.into());
    }
    let secret: Secret = entry.secret();
    os_keyring::set(&Account::from_server(&entry.server).to_string(), &entry.username, &secret)?;
    Ok(text(Vec::new()))
}

fn erase(server: &str) -> Answer {
    match os_keyring::erase(&Account::from_server(server).to_string())? {
        true => Ok(text(Vec::new())),
        // As docker's own helper for macOS does: an erasure that did nothing must not look like a success.
        false => Err(protocol::NOT_FOUND.into()),
    }
}

fn list() -> Answer {
    let servers: BTreeMap<_, _> = os_keyring::list()?
        .into_iter()
        .map(|(account, username)| (Account::from_server(&account).server(), username))
        .collect();
    let mut json = serde_json::to_vec(&servers)?;
    json.push(b'\n');
    Ok(text(json))
}

fn text(bytes: Vec<u8>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes)
}

fn input() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    io::stdin().lock().take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn server() -> Result<String, Box<dyn std::error::Error>> {
    let server = String::from_utf8_lossy(&input()?).trim().to_owned();
    if server.is_empty() { Err(protocol::NO_SERVER.into()) } else { Ok(server) }
}
