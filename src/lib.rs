//! Helm charts over OCI registries: a local, content-addressed chart cache with registry transport.
//!
//! The layers, each of which only uses those below it (`tests/house/layering.rs` checks that):
//!
//! ```text
//! bin/          one page per executable: its arguments, its verb, what it prints
//! cli           arguments, output, errors with hints and exit codes
//! verbs         save, push, pull, export, fsck…       connect   flags + environment -> client
//! cache         the store on disk                   registry  the client            serve  the embedded registry
//!                        chart_repository  the client of a classic repository
//!                                                   http  connections, trust, verified downloads
//! bundle        image layouts as tar archives and directories
//! chart_index   what the index of a classic repository says
//! chart         Helm's rules, archives, metadata    credentials, os_keyring, known_registries, kept_documents    disk, environment
//! graph                    what manifests refer to          layout    what an image layout says
//! reference, digest, credential, manifest, media_type, version, go_json, yaml_text, terminal, causes, limits  values, without I/O
//! threads, process         work that is done meanwhile; what the system knows of us
//! ```
//!
//! `fuzz` is outside the layers, and only for tests.
//!
//! The cache does not use the network, and the registry client does not use the cache: `verbs` combines them.

pub mod bundle;
pub mod cache;
pub mod causes;
pub mod chart;
pub mod chart_index;
pub mod chart_repository;
pub mod cli;
pub mod connect;
pub mod credential;
pub mod credentials;
pub mod digest;
pub mod disk;
pub mod environment;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod go_json;
pub mod graph;
pub mod http;
pub mod kept_documents;
pub mod known_registries;
pub mod layout;
pub mod limits;
pub mod manifest;
pub mod media_type;
pub mod os_keyring;
pub mod process;
pub mod reference;
pub mod registry;
pub mod serve;
pub mod terminal;
pub mod threads;
pub mod verbs;
pub mod version;
pub mod yaml_text;
