//! The embedded registry, from outside: what the OCI distribution spec 1.1 requires, and what it takes to be relied on.

mod access;
mod client;
mod connections;
mod discovery;
mod hostile;
mod lifecycle;
mod management;
mod pull;
mod push_blobs;
mod push_manifests;
