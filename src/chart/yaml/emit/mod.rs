//! YAML as Helm prints it: by go-yaml 2's emitter, over what sigs.k8s.io/yaml makes of JSON. `block` writes maps and lists,
//! `order` sorts keys, `looks` decides how a scalar may be written, `scalar` writes it.

mod block;
mod looks;
mod order;
mod scalar;
#[cfg(test)]
mod tests;

pub(in crate::chart) use block::emit;
