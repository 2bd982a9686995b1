//! The cache as the commands leave it, and find it.

mod counts;
mod created;
mod digests;
mod foreign;
mod unreadable;
