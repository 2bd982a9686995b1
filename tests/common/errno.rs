//! What the system's C library says of an error. The executables that are shipped are linked with musl, whose words are not
//! always those of glibc.

use std::sync::OnceLock;

use super::home::executables;

/// The words of the library that the executables under test are linked with.
pub fn said(error: &str) -> &'static str {
    let (glibc, musl) = match error {
        "EACCES" => ("Permission denied", "Permission denied"),
        "EDQUOT" => ("Disk quota exceeded", "Quota exceeded"),
        "EIO" => ("Input/output error", "I/O error"),
        "ELOOP" => ("Too many levels of symbolic links", "Symbolic link loop"),
        "ENOSPC" => ("No space left on device", "No space left on device"),
        "EROFS" => ("Read-only file system", "Read-only file system"),
        _ => panic!("no words are known for {error}"),
    };
    if is_glibc() { glibc } else { musl }
}

/// An executable that is linked with glibc names the loader that brings it in.
fn is_glibc() -> bool {
    static GLIBC: OnceLock<bool> = OnceLock::new();
    *GLIBC.get_or_init(|| {
        let executable = std::fs::read(executables().join("helm-chart-list")).unwrap();
        executable.windows(8).any(|bytes| bytes == b"ld-linux")
    })
}
