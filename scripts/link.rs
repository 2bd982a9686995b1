//! How static executables are linked: without what nobody reads.

// Cargo listens on standard output.
#![allow(clippy::print_stdout)]

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=scripts/link.rs");
    println!("cargo:rerun-if-changed=scripts/no-unwind-tables.ld");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "musl") || !is("PROFILE", "release")
    {
        return;
    }
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    // A panic ends the program, and what is shipped has no symbols. A tenth of an executable is tables for those who
    // unwind and look up names.
    println!("cargo:rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{root}/scripts/no-unwind-tables.ld");
    // 25 KB of relocations become less than one. musl reads these since 1.2.4, which came with Rust 1.93.
    if minor_version().is_some_and(|minor| minor >= 93) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// 95 of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn minor_version() -> Option<u32> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}
