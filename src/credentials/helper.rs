//! Credential helpers: programs that keep secrets for docker, helm and us.
//!
//! A helper that fails gives an error, and never "no credential". Otherwise another store would answer in its place,
//! with a credential that was meant for another registry or user (GHSA-99pg-grm5-qq3v in docker/cli).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::account::Account;
use super::protocol::{self, HelperCredential};
use super::words::{self, ProgramWords};
use crate::credential::Credential;
use crate::threads::{Unfinished, within};
use crate::{environment, go_json, terminal};

/// How long a helper may take. The user may have to unlock something.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer with a credential, in bytes. A credential has a few KiB at most.
const LARGEST_ENTRY: u64 = 64 << 10;

/// The longest answer with a list, in bytes. That is enough for thousands of registries.
const LARGEST_LIST: u64 = 1 << 20;

/// The value of `HELM_OCI_KEYRING` of users who want no keyring.
const NONE: &str = "none";

/// Why a helper has not done what it was asked to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HelperError {
    /// The name is empty, or would be a path.
    #[error("`{}` is no name of a credential helper", .0.escape_debug())]
    Name(String),
    /// The text has control characters. Helpers read one line, and would take it for something else.
    #[error("`{0}` is no server to ask a credential helper for")]
    Server(String),
    /// There is no program of this name.
    #[error("the credential helper {0} is not installed")]
    NotInstalled(String),
    /// `HELM_OCI_KEYRING=none` says that the user wants no keyring.
    #[error("no OS keyring here: HELM_OCI_KEYRING is `{NONE}`")]
    NoneWanted,
    /// Our own helper says that there is no OS keyring, in these words.
    #[error("{0}")]
    NoKeyring(String),
    /// The program cannot be run.
    #[error("cannot run {program}: {reason}")]
    Run {
        /// The name of the program.
        program: String,
        /// The error of the system.
        reason: String,
    },
    /// The helper has failed with a message.
    #[error("{program}: {words}")]
    Refused {
        /// The name of the program.
        program: String,
        /// The message.
        words: String,
    },
    /// The helper gave an answer that is not one of the protocol.
    #[error("{program} answered {what}")]
    Garbage {
        /// The name of the program.
        program: String,
        /// What it answered, for the message.
        what: &'static str,
    },
    /// The helper did not answer in time.
    #[error("{program} did not answer within {} seconds", PATIENCE.as_secs())]
    Hangs {
        /// The name of the program.
        program: String,
    },
}

impl HelperError {
    /// Whether the error means that there is no OS keyring on this machine, or none is wanted. A keyring that fails is
    /// none of these.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::NoKeyring(_) | Self::NoneWanted => true,
            Self::NotInstalled(program) => program.ends_with(Helper::OURS),
            _ => false,
        }
    }

    /// Whether the user has chosen to have no keyring.
    pub fn is_chosen(&self) -> bool {
        matches!(self, Self::NoneWanted)
    }

    /// Whether the OS keyring exists but is locked, or waits to be unlocked.
    pub fn is_locked(&self) -> bool {
        self.keyring_says(protocol::LOCKED) || self.keyring_says(protocol::WAITING)
    }

    /// Whether the OS keyring has no room for another item.
    pub fn is_full(&self) -> bool {
        self.keyring_says(protocol::FULL)
    }

    fn keyring_says(&self, what: &str) -> bool {
        matches!(self, Self::Refused { program, words } if program.ends_with(Helper::OURS) && words.starts_with(what))
    }

    /// Whether the OS keyring only did not answer in time, so that there may be one.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::NoKeyring(words) if words.starts_with(protocol::SILENT))
    }
}

/// A credential helper: a program called `docker-credential-<name>`.
#[derive(Clone, Debug)]
pub struct Helper {
    program: String,
    path: PathBuf,
}

enum HelperReply {
    Done(Zeroizing<Vec<u8>>),
    Nothing,
}

impl Helper {
    /// The name of our own helper in credential files. It keeps credentials in the OS keyring.
    pub(super) const OURS: &str = "helm-oci";

    /// Our own helper: the one beside this executable, else the one on the PATH.
    pub fn keyring() -> Result<Self, HelperError> {
        if environment::keyring().as_deref() == Some(NONE) {
            return Err(HelperError::NoneWanted);
        }
        let program = format!("docker-credential-{}", Self::OURS);
        match environment::executable(&program) {
            Some(path) => Ok(Self { program, path }),
            None => Err(HelperError::NotInstalled(program)),
        }
    }

    /// The helper that a credential file names. Docker accepts any name that can be found on the PATH, such as
    /// `desktop.exe` of Docker Desktop in WSL. A name that Go would take for a path, and run what is there, is an
    /// error.
    pub fn named(name: &str) -> Result<Self, HelperError> {
        let path = |c: char| std::path::is_separator(c) || (cfg!(windows) && c == ':') || c.is_control();
        if name.is_empty() || name.contains(path) {
            return Err(HelperError::Name(name.to_owned()));
        }
        let program = format!("docker-credential-{name}");
        // Our own helper is installed beside our executables.
        let path = if name == Self::OURS {
            environment::executable(&program)
        } else {
            environment::on_search_path(&program)
        };
        path.map(|path| Self { program: program.clone(), path }).ok_or(HelperError::NotInstalled(program))
    }

    /// Whether this is our own helper, which keeps credentials in the OS keyring.
    pub fn is_ours(&self) -> bool {
        self.program.strip_prefix("docker-credential-") == Some(Self::OURS)
    }

    /// The file name of the program.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The path of the program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks for the credential of a server; None if the helper has none.
    pub fn get(&self, server: &str) -> Result<Option<Credential>, HelperError> {
        if server.contains(char::is_control) {
            return Err(HelperError::Server(server.to_owned()));
        }
        match self.run("get", server.as_bytes(), LARGEST_ENTRY)? {
            HelperReply::Nothing => Ok(None),
            HelperReply::Done(json) => match HelperCredential::read(&json) {
                Ok(entry) => Ok(entry.credential()),
                Err(_) => Err(self.garbage("something that is no credential")),
            },
        }
    }

    /// Asks for the credentials that serve these repositories, each with its account. Only our own helper can do that.
    pub fn find(&self, repositories: &BTreeSet<Account>) -> Result<Vec<(Account, Credential)>, HelperError> {
        let lines: String = repositories.iter().map(|account| format!("{}\n", account.server())).collect();
        match self.run(protocol::FIND, lines.as_bytes(), LARGEST_LIST)? {
            HelperReply::Nothing => Ok(Vec::new()),
            HelperReply::Done(json) => {
                let entries: Vec<HelperCredential> = serde_json::from_slice(&json)
                    .map_err(|_| self.garbage("something that is no list of credentials"))?;
                let parts = |e: HelperCredential| Some((Account::from_server(&e.server), e.credential()?));
                Ok(entries.into_iter().filter_map(parts).collect())
            }
        }
    }

    /// Stores a credential for an account.
    pub fn store(&self, account: &Account, credential: &Credential) -> Result<(), HelperError> {
        let (username, secret) = protocol::parts(credential);
        let entry = HelperCredential::new(account.server(), username.to_owned(), secret);
        match self.run("store", &entry.write(), LARGEST_ENTRY)? {
            HelperReply::Done(_) => Ok(()),
            HelperReply::Nothing => Err(self.refused(protocol::NOT_FOUND)),
        }
    }

    /// Removes the credential of an account. Returns whether there was one, as far as the helper says; some always say
    /// so.
    pub fn erase(&self, account: &Account) -> Result<bool, HelperError> {
        Ok(matches!(self.run("erase", account.server().as_bytes(), LARGEST_ENTRY)?, HelperReply::Done(_)))
    }

    /// The servers that the helper has credentials for, each with its user.
    pub fn list(&self) -> Result<BTreeMap<String, String>, HelperError> {
        match self.run("list", b"unused", LARGEST_LIST)? {
            HelperReply::Nothing => Ok(BTreeMap::new()),
            HelperReply::Done(json) => {
                go_json::string_map(&json).map_err(|_| self.garbage("something that is no list"))
            }
        }
    }

    /// Runs the helper. Its argument is the action alone, since other users can read arguments.
    fn run(&self, action: &str, input: &[u8], limit: u64) -> Result<HelperReply, HelperError> {
        log::debug!("{} {action}", self.program);
        let failed = |reason: std::io::Error| HelperError::Run {
            program: self.program.clone(),
            reason: reason.to_string(),
        };
        let mut command = Command::new(&self.path);
        command.arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        environment::withhold_logins(&mut command);
        let mut child = command.spawn().map_err(failed)?;
        let until = Instant::now() + PATIENCE;
        let input = Zeroizing::new(input.to_vec());
        // If the helper has failed before it reads, what it says decides.
        let write = child.stdin.take().map(|mut stdin| move || drop(stdin.write_all(&input)));
        let writing = write.map_or(Ok(()), |write| thread::Builder::new().spawn(write).map(drop));
        let stdout = child.stdout.take();
        let read = move || {
            let mut output = Zeroizing::new(Vec::new());
            let stdout = stdout.into_iter().map(|stdout| stdout.take(limit + 1));
            stdout.map(|mut stdout| stdout.read_to_end(&mut output)).sum::<std::io::Result<usize>>()?;
            Ok(output)
        };
        // The helper's messages on standard error are shown before the error that is returned here.
        let words = child.stderr.take().map(|said| ProgramWords::pass_on(&self.program, said)).transpose();
        let begun = writing.and(words.as_ref().map(drop).map_err(|e| e.kind().into()));
        // A child of the helper may hold the pipe open after the helper ended. The thread that reads is not waited for
        // then.
        let output = begun.map_err(Unfinished::NoThread).and_then(|()| within(PATIENCE, read));
        let ended = loop {
            let long = matches!(&output, Ok(Ok(output)) if output.len() as u64 > limit);
            match child.try_wait().map_err(failed)? {
                Some(status) if !long => break status,
                _ if long || output.is_err() || Instant::now() > until => {
                    drop(child.kill());
                    drop(child.wait());
                    return Err(match output {
                        Ok(_) if long => self.garbage("more than any credential is long"),
                        Err(Unfinished::NoThread(error)) => failed(error),
                        _ => HelperError::Hangs { program: self.program.clone() },
                    });
                }
                _ => thread::sleep(Duration::from_millis(1)),
            }
        };
        let output = match output {
            Ok(read) => read.map_err(failed)?,
            Err(Unfinished::NoThread(error)) => return Err(failed(error)),
            Err(Unfinished::Late) => return Err(HelperError::Hangs { program: self.program.clone() }),
        };
        if ended.success() {
            return Ok(HelperReply::Done(output));
        }
        let words = String::from_utf8_lossy(&output);
        match words.trim() {
            protocol::NOT_FOUND => Ok(HelperReply::Nothing),
            words if self.is_ours() && words.starts_with(protocol::SILENT) => {
                Err(HelperError::NoKeyring(terminal::printable(words, words::LONGEST)))
            }
            // The details are D-Bus errors, which help few users.
            words if self.is_ours() && words.starts_with(protocol::NO_KEYRING) => {
                log::debug!("{}", terminal::printable(words, words::LONGEST));
                Err(HelperError::NoKeyring(protocol::NO_KEYRING.to_owned()))
            }
            "" => Err(self.refused(&ended.to_string())),
            words => Err(self.refused(words)),
        }
    }

    fn refused(&self, words: &str) -> HelperError {
        // A longer message would explain nothing.
        let words = terminal::printable(words, words::LONGEST);
        HelperError::Refused { program: self.program.clone(), words }
    }

    fn garbage(&self, what: &'static str) -> HelperError {
        HelperError::Garbage { program: self.program.clone(), what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for name in ["", "/", "../x", "a/b", "/bin/sh", "a/", "a\0b", "a\nb", "\u{1b}[2J"] {
            let error = Helper::named(name).unwrap_err();
            assert!(matches!(error, HelperError::Name(_)), "{name}");
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
        }
        for name in ["desktop.exe", "a.b", "..", "a b", "a;b", "a+b@1", "-x", "\u{e9}", "$(x)"] {
            let error = Helper::named(name).unwrap_err();
            assert!(matches!(error, HelperError::NotInstalled(_)), "{name}");
        }
        let missing = Helper::named("no-such_helper").unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the credential helper docker-credential-no-such_helper is not installed"
        );
        assert!(!missing.is_absence());
    }
}
