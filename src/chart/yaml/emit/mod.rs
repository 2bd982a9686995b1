//! Writes YAML as Helm prints it: as go-yaml 2 writes what sigs.k8s.io/yaml makes of JSON. `block` writes maps and
//! lists, `order` sorts keys, `looks` decides how a scalar is written, and `scalar` writes it.

mod block;
mod looks;
mod order;
mod scalar;
#[cfg(test)]
mod tests;

pub(in crate::chart) use block::emit;
