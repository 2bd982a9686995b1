//! `helm-oci`: runs for `helm oci …`. It finds the executable for a command and replaces itself by it.

use std::process::ExitCode;

fn main() -> ExitCode {
    oci::cli::dispatch()
}
