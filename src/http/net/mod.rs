//! Connections: names, addresses, proxies, TLS.

mod dialer;
mod names;
mod race;
mod route;
mod socks;
mod tcp;
mod tunnel;
mod via;

pub(super) use self::dialer::{Connected, Dialer, Purpose};
pub(super) use self::route::HttpRoute;
