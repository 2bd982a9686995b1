//! What the executables and the library do, from outside: one binary, because each further one is linked with all of the
//! library again. `house` reads the sources alone, and `torture` has a script of its own.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic says what failed"
)]

#[path = "../common/mod.rs"]
mod common;

mod attached;
mod auth;
mod auth_leaks;
mod bombs;
mod browse;
mod bundle;
mod cache;
mod classic;
mod client;
mod copy;
mod corpus;
mod credentials;
mod diff;
mod differential;
mod export;
mod faulty;
mod fsck;
mod generations;
mod habits;
mod hints;
mod hostile;
mod images;
mod import;
mod interop;
mod interrupted;
mod keyring;
mod list;
mod login;
mod memory;
mod migrate;
mod misused;
mod nesting;
mod network;
mod oracles;
mod packers;
mod plugin;
mod prune;
mod pull;
mod push;
mod readme;
mod remote;
mod remove;
mod request_log;
mod round_trips;
mod save;
mod secrets;
mod serve;
mod show;
mod tag;
mod terminal;
mod update;
mod words;
mod yaml;
