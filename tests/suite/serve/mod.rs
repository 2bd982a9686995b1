//! The embedded registry, from outside: what the OCI distribution spec 1.1 requires, and what it takes to be relied on.

mod access;
mod client;
mod connections;
mod crowds;
mod discovery;
mod full_disk;
mod hostile;
mod lifecycle;
mod management;
mod memory;
mod pages;
mod pull;
mod push_blobs;
mod push_manifests;
