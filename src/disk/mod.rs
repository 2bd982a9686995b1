//! Files and directories. Errors name their path, files are written whole or not at all, and open directories are
//! searched without following symbolic links.

mod changes;
mod descriptors;
mod directory;
mod files;
mod kind;
mod lasting;
mod names;
mod path_error;
mod put;
mod temporary;
#[cfg(test)]
pub(crate) mod testing;

pub use descriptors::allow_open_files;
pub use directory::{Directory, Status};
pub use files::{
    has_one_name, make_private_dirs, make_read_only, make_writable, may_run, open, open_private, read_at,
    target, uninterrupted,
};
pub use kind::{FileKind, Foreign};
pub use lasting::{Unsynced, Wait, at_once, in_background, make_dirs, sync_dir};
pub use names::Named;
pub use path_error::{AtPath, PathError, bare};
pub use put::put;
pub use temporary::{
    PREFIX, Temporary, age, clear_left_behind, is_at, left_behind, occupy, replace, temporary_name, unique,
};

#[cfg(test)]
mod tests;
