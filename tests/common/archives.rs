//! Archives entry by entry, as no honest program would make them.

use std::io::Write as _;

/// One entry of a tar archive. Unless it says otherwise, what its header says is so.
#[derive(Clone, Copy)]
pub struct TarEntry<'a> {
    pub kind: u8,
    pub name: &'a str,
    pub link: &'a str,
    pub mode: u32,
    /// What the header says, if that is not how much there is.
    pub size: Option<u64>,
    pub content: &'a [u8],
}

impl Default for TarEntry<'_> {
    fn default() -> Self {
        Self { kind: b'0', name: "", link: "", mode: 0o644, size: None, content: b"" }
    }
}

impl TarEntry<'_> {
    /// The header and the content, filled up to whole blocks.
    pub fn bytes(self) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..self.name.len()].copy_from_slice(self.name.as_bytes());
        header.as_old_mut().linkname[..self.link.len()].copy_from_slice(self.link.as_bytes());
        header.set_entry_type(tar::EntryType::new(self.kind));
        header.set_mode(self.mode);
        header.set_size(self.size.unwrap_or(self.content.len() as u64));
        header.set_cksum();
        let mut bytes = [header.as_bytes(), self.content].concat();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// An entry of this kind, name and content.
pub fn entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    TarEntry { kind, name, content, ..TarEntry::default() }.bytes()
}

/// A file.
pub fn file(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    entry(b'0', name, content.as_ref())
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
