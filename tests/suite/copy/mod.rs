//! `helm-chart-copy`: charts from registry to registry.

mod faulty;
mod interrupted;
mod jobs;
mod killed;
mod lists;
mod logins;
mod peers;
mod requests;
mod whole;
