//! Authentication: challenges, credentials and tokens.

mod attempt;
mod client;
mod known;
mod token;

pub(super) use self::client::AuthClient;
