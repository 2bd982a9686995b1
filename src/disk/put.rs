//! A file of the user's that comes into being whole.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::directory::Directory;
use super::files::uninterrupted;
use super::kind::FileKind;
use super::path_error::{AtPath as _, PathError};
use super::temporary::{Temporary, clear_left_behind, temporary_name};

/// Writes a file of what `content` gives, in the place of what is there: whole or not at all. Who may read it is what the
/// umask says. An error of `content` is one of the file that was to be written.
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
