//! `helm-chart-copy`: charts from registry to registry.

mod faulty;
mod interrupted;
mod jobs;
pub mod killed;
mod lists;
mod logins;
mod peers;
mod requests;
mod whole;
