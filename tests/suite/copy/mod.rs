//! `helm-chart-copy`: charts from registry to registry.

mod jobs;
mod killed;
mod lists;
mod logins;
mod peers;
mod requests;
mod whole;
