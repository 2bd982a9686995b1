//! Writes a file of the user's whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::directory::Directory;
use super::files::uninterrupted;
use super::kind::FileKind;
use super::path_error::{AtPath as _, PathError};
use super::temporary::{Temporary, clear_left_behind, temporary_name};

/// Writes all that `content` gives into the file at `path`. It replaces an existing file, and only when all is written.
/// Its mode is 0666 less the umask. An error in reading `content` is returned as one of writing `path`.
pub fn put(path: &Path, mut content: impl Read) -> Result<(), PathError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput.into()).at("write", path)?;
    let mut directory = Directory::open_existing(parent.to_path_buf())?;
    clear_left_behind(&mut directory, name, FileKind::File, |_| true);
    let directory = Arc::new(directory);
    let temporary = Temporary::shared(&directory, || temporary_name(name)).at("write", path)?;
    let mut file: &File = temporary.file();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match uninterrupted(|| content.read(&mut buffer)).at("write", path)? {
            0 => break,
            read => file.write_all(&buffer[..read]).at("write", path)?,
        }
    }
    temporary.persist(&directory, name).at("write", path)
}
