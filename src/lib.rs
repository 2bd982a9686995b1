//! Helm charts over OCI registries.
#![allow(missing_docs)] // TODO remove with the rest of the scaffold
pub mod cache;
pub mod chart;
pub mod cli;
pub mod connect;
pub mod digest;
pub mod disk;
pub mod environment;
pub mod go_json;
pub mod manifest;
pub mod media_type;
pub mod reference;
pub mod registry;
pub mod serve;
pub mod verbs;
pub mod version;
