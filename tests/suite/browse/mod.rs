//! `helm-chart-versions` and `helm-chart-search`: what registries tell, each in its own way.

mod places;
mod registries;
mod vendors;
mod versions;
