//! `helm-oci`: what `helm oci …` runs. It finds the executable that the words name and becomes it.

use std::process::ExitCode;

fn main() -> ExitCode {
    oci::cli::dispatch()
}
