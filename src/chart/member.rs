//! Joins metadata and content to a chart layer, and splits a layer again, without compressing anything anew.
//!
//! A gzip file may have several members in a row (RFC 1952 2.2), and all programs that read charts take them as one
//! stream. A layer that we make has two: the head, which holds only `<name>/Chart.yaml`, and the content blob as it is.
//! The head uses stored blocks (RFC 1951 3.2.4), so the update of a compressor cannot change its bytes, and with them
//! the digests of charts that were pushed before.

use std::io::{self, Read};

use super::metadata::Metadata;
use super::packing::Writer;
use super::yaml::YamlError;
use super::{archive, chart_yaml, gzip, yaml};
use crate::limits::{Budget, MAX_METADATA};

const STORED_MAX: usize = 0xffff;
/// The size of the end-of-archive marker, two empty blocks. The head has none, because the content follows.
const END_OF_ARCHIVE: usize = 1024;
/// The largest head that is read, in bytes. It holds a Chart.yaml and a few headers. A Chart.yaml that we write may be
/// larger than the one that it was made from. If a head is larger, the package is kept whole.
const MAX_HEAD: u64 = 2 * MAX_METADATA;

/// The first member of a chart layer: a gzip stream of a tar archive with `<name>/Chart.yaml` alone.
pub fn head(metadata: &Metadata) -> io::Result<Vec<u8>> {
    stored_member(&archive_of(metadata)?)
}

/// The tar archive in a head.
fn archive_of(metadata: &Metadata) -> io::Result<Vec<u8>> {
    let text = chart_yaml::write(metadata);
    // Room for a header, two more if the name is long, the text, and the end. It is no more than that, because the text
    // may have a MiB.
    let mut tar = Writer::new(Vec::with_capacity(text.len() + 4 * 512 + END_OF_ARCHIVE), 0);
    tar.append(&format!("{}/Chart.yaml", metadata.name), text.len() as u64, text.as_bytes())?;
    drop(text);
    let mut tar = tar.finish()?;
    tar.truncate(tar.len() - END_OF_ARCHIVE);
    Ok(tar)
}

fn stored_member(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(content.len() + 5 * content.len().div_ceil(STORED_MAX) + 64);
    out.extend(gzip::HEADER);
    let mut blocks = content.chunks(STORED_MAX).peekable();
    while let Some(block) = blocks.next() {
        let last = blocks.peek().is_none();
        let length = u16::try_from(block.len()).map_err(io::Error::other)?;
        out.push(u8::from(last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let mut crc = flate2::Crc::new();
    crc.update(content);
    out.extend(gzip::trailer(&crc));
    Ok(out)
}

/// Whether the head, if it is one block, can have this length. Only the length marks the place between the head and the
/// content.
pub fn may_be_head(length: u64) -> bool {
    const FRAME: u64 = 10 + 5 + 8;
    const TAR: u64 = 512;
    // It has at least a header and one block of text.
    (FRAME + 2 * TAR..=FRAME + STORED_MAX as u64).contains(&length) && (length - FRAME).is_multiple_of(TAR)
}

/// The length in bytes of the head at the beginning of `layer`, if there is one and it is, byte for byte, what [`head`]
/// makes from the Chart.yaml in it. None for any other package, which must be kept whole. Memory is taken from
/// `budget`.
pub fn split(layer: impl Read, budget: &Budget) -> io::Result<Option<u64>> {
    let mut held = budget.hold(0).map_err(io::Error::other)?;
    let grow = |bytes: u64| held.grow(bytes).map_err(io::Error::other);
    let Some((tar, length)) = read_stored_member(&mut layer.take(MAX_HEAD), grow)? else { return Ok(None) };
    let Some(metadata) = metadata_in(&tar, budget)? else { return Ok(None) };
    // While it is made, it is in memory as a text and as an archive.
    let _held = budget.hold(2 * tar.len() as u64).map_err(io::Error::other)?;
    Ok((archive_of(&metadata)? == tar).then_some(length))
}

/// The metadata in a head; None if it is not one.
fn metadata_in(tar: &[u8], budget: &Budget) -> io::Result<Option<Metadata>> {
    let Some(text) = archive::first_file(tar) else { return Ok(None) };
    let document = match yaml::read(text, budget) {
        Err(YamlError::Memory(error)) => return Err(io::Error::other(error)),
        Err(_) => return Ok(None),
        Ok(document) => document,
    };
    let mut metadata = Metadata::default();
    let taken = metadata.take(document.value).is_ok() && metadata.validate().is_ok();
    Ok(taken.then_some(metadata))
}

/// The content and the length of a member that was written by [`stored_member`]; None if it was not. `grow` is called
/// with the number of bytes that more memory takes, before it is used.
fn read_stored_member(
    layer: &mut impl Read,
    mut grow: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut header = [0; gzip::HEADER.len()];
    if !read_fully(layer, &mut header)? || header != gzip::HEADER {
        return Ok(None);
    }
    let mut content = Vec::new();
    let mut length_of_all = header.len();
    loop {
        let mut block = [0; 5];
        if !read_fully(layer, &mut block)? {
            return Ok(None);
        }
        let [kind, l0, l1, n0, n1] = block;
        let length = u16::from_le_bytes([l0, l1]);
        if kind > 1 || length != !u16::from_le_bytes([n0, n1]) {
            return Ok(None);
        }
        // We fill every block except the last, and that is not empty.
        if length == 0 || (kind == 0 && usize::from(length) != STORED_MAX) {
            return Ok(None);
        }
        length_of_all += block.len() + usize::from(length);
        let start = content.len();
        // A growing vector may have twice the room that it needs.
        grow(2 * u64::from(length))?;
        content.resize(start + usize::from(length), 0);
        if !read_fully(layer, &mut content[start..])? {
            return Ok(None);
        }
        if kind == 1 {
            let mut trailer = [0; 8];
            let mut crc = flate2::Crc::new();
            crc.update(&content);
            let whole = read_fully(layer, &mut trailer)?;
            length_of_all += trailer.len();
            return Ok((whole && trailer == gzip::trailer(&crc)).then_some((content, length_of_all as u64)));
        }
    }
}

/// Fills the buffer. Returns false if the reader has fewer bytes.
fn read_fully(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(layer: &[u8]) -> io::Result<Option<u64>> {
        super::split(layer, &Budget::default())
    }

    fn metadata() -> Metadata {
        let (name, version, api_version) = ("a".to_owned(), "1.0.0".to_owned(), "v2".to_owned());
        Metadata { name, version, api_version, ..Metadata::default() }
    }

    #[test]
    fn no_more_is_read_of_a_head_than_it_holds() {
        let mut header = tar::Header::new_gnu();
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[0] = b'a';
        gnu.typeflag = [b'S'];
        // One mebibyte of zeros; the size is octal.
        let mebibyte = b"00004000000";
        gnu.realsize[..11].copy_from_slice(mebibyte);
        gnu.sparse[0].offset[..11].copy_from_slice(mebibyte);
        gnu.sparse[0].numbytes[..11].copy_from_slice(b"00000000000");
        header.set_size(0);
        header.set_cksum();
        let tar = [header.as_bytes(), &[0; 512][..]].concat();
        assert_eq!(archive::first_file(&tar), None);
        assert_eq!(split(stored_member(&tar).unwrap().as_slice()).unwrap(), None);
    }

    #[test]
    fn a_head_is_recognised_only_as_we_write_it() {
        let head = head(&metadata()).unwrap();
        assert_eq!(split(head.as_slice()).unwrap(), Some(head.len() as u64));
        assert_eq!(
            split([head.as_slice(), b"and more"].concat().as_slice()).unwrap(),
            Some(head.len() as u64)
        );
        for at in 0..head.len() {
            let mut other = head.clone();
            other[at] ^= 1;
            assert_eq!(split(other.as_slice()).unwrap(), None, "{at}");
            assert_eq!(split(&head[..at]).unwrap(), None, "{at}");
        }
        // The same content in two blocks makes a head of another length.
        let content = &head[15..head.len() - 8];
        let (one, two) = content.split_at(512);
        let block = |last: u8, bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap();
            [&[last][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat()
        };
        let parts = [&head[..10], &block(0, one), &block(1, two), &head[head.len() - 8..]].concat();
        assert_eq!(split(parts.as_slice()).unwrap(), None);
        let parts = [&head[..10], &block(0, content), &block(1, b""), &head[head.len() - 8..]].concat();
        assert_eq!(split(parts.as_slice()).unwrap(), None);
    }
}
