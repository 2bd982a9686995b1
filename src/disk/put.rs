//! A file of the user's that comes into being whole.

use std::io::{Read, Write as _};
use std::path::Path;

use super::{At as _, PREFIX, PathError, occupy, uninterrupted};

/// Writes a file of what `content` gives, in the place of what is there: whole or not at all. Who may read it is what the
/// umask says. An error of `content` is one of the file that was to be written.
pub fn put(path: &Path, mut content: impl Read) -> Result<(), PathError> {
    let directory =
        path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory).at("write", path)?;
        if occupy(file.as_file(), file.path()) {
            break file;
        }
    };
    let mut buffer = vec![0; 64 << 10];
    loop {
        match uninterrupted(|| content.read(&mut buffer)).at("write", path)? {
            0 => break,
            read => file.write_all(&buffer[..read]).at("write", path)?,
        }
    }
    file.persist(path).map_err(|e| e.error).at("write", path).map(drop)
}
