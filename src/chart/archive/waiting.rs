//! Keeps what extension headers have said about the next entry.

use std::io::Read as _;

use super::entries::EntryContent;
use super::error::{ArchiveError, limit};
use super::extension::{self, Pax};
use super::header::{Header, HeaderKind};
use crate::limits::Budget;

/// The largest extension header, in bytes. A long name or a pax header is little more than a path.
const MAX_EXTENSION: u64 = 64 << 10;

/// The extension that has come for the next entry, if there is one.
#[derive(Default)]
pub(super) struct WaitingHeader(Option<Extension>);

enum Extension {
    /// A GNU long name.
    Name(Vec<u8>),
    /// A pax header.
    Pax(Pax),
}

impl WaitingHeader {
    /// Reads an extension header, for the next entry or for all. Returns false if this is none, but the header of an
    /// entry.
    pub(super) fn take(
        &mut self,
        header: &Header,
        content: &mut EntryContent<'_>,
        budget: &Budget,
    ) -> Result<bool, ArchiveError> {
        if !matches!(header.kind, HeaderKind::LongName | HeaderKind::Pax | HeaderKind::GlobalPax) {
            return Ok(false);
        }
        if header.size > MAX_EXTENSION {
            return limit("a header of the archive", "64 KiB");
        }
        let _held = budget.hold(header.size)?;
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let extension = match header.kind {
            HeaderKind::LongName => extension::long_name(&bytes).map(|name| Some(Extension::Name(name))),
            HeaderKind::Pax => extension::pax(&bytes).map(|pax| Some(Extension::Pax(pax))),
            _ => extension::check_global_pax(&bytes).map(|()| None),
        };
        let extension = extension.map_err(ArchiveError::malformed)?;
        // Of two extensions some programs take the first and some the last, and in Go a global header ends the one
        // before it.
        if self.0.is_some() {
            return Err(ArchiveError::malformed("two headers in a row are for one entry"));
        }
        self.0 = extension;
        Ok(true)
    }

    /// The name of the entry of this header, from its extension if there was one.
    pub(super) fn name_of(&mut self, header: &Header) -> Result<Vec<u8>, ArchiveError> {
        if header.old && self.0.is_some() {
            return Err(ArchiveError::entry(
                &header.name,
                "its format knows no extension, and there is one before it",
            ));
        }
        match self.0.take() {
            Some(Extension::Pax(Pax { size: Some(size), .. })) if size != header.size => {
                Err(ArchiveError::malformed(extension::OTHER_SIZE))
            }
            Some(Extension::Name(name) | Extension::Pax(Pax { path: Some(name), .. })) => Ok(name),
            Some(Extension::Pax(_)) | None => Ok(header.name.clone()),
        }
    }

    /// An error if the archive ends here, and an extension has no entry.
    pub(super) fn finish(&self) -> Result<(), ArchiveError> {
        match self.0 {
            Some(_) => Err(ArchiveError::malformed("it ends behind a header that is for another entry")),
            None => Ok(()),
        }
    }
}
