//! `helm-chart-migrate`: a classic chart repository into a registry.

mod corpus;
mod differs;
mod faulty;
mod indexes;
mod killed;
mod news;
mod no_clobber;
mod oracle;
mod signed;
mod site;
mod sources;
