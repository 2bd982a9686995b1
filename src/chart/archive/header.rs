//! Reads a header block of a tar archive: POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"), GNU's format
//! (tar/src/tar.h), or the older one of Version 7.
//!
//! Where no standard says what a header means, programs differ: Go's archive/tar, with which Helm reads, Python's
//! tarfile, GNU tar, libarchive and the tar crate. So a block is accepted only in the form that all of them read alike,
//! or in another form that programs which make packages really write. Any other block is refused with the reason.

/// The size in bytes of a block, and so of a header.
pub(super) const BLOCK: usize = 512;

/// The reason for a block with a wrong checksum. Such a block is not a header, so its fields mean nothing.
pub(super) const WRONG_CHECKSUM: &str = "the checksum of a header is wrong";

/// What kind of entry a header begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderKind {
    /// A file, whose content follows the header.
    File,
    /// A directory, which has no content.
    Directory,
    /// A GNU long name: the content is the name of the next entry.
    LongName,
    /// A pax header for the next entry.
    Pax,
    /// A pax header for all entries that follow.
    GlobalPax,
    /// Something that a chart must not have. Holds what it is, for the message.
    Other(&'static str),
}

/// A header that all programs read alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The kind of its entry.
    pub(super) kind: HeaderKind,
    /// The size in bytes of the content that follows, without padding.
    pub(super) size: u64,
    /// The name of the entry, which an extension before it may replace. That of a directory may end with a slash; that
    /// of a file only if it is replaced.
    pub(super) name: Vec<u8>,
    /// Whether it has the format of Version 7, which has no extensions.
    pub(super) old: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    V7,
    Ustar,
    Gnu,
}

/// Reads a block that is not all zeros. The error says why it is no header, or why programs would read it differently.
pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Header, &'static str> {
    if octal(&block[148..156], Ending::Needed) != Ok(Some(sum(block))) {
        return Err(WRONG_CHECKSUM);
    }
    if let Some(what) = other(block[156]) {
        let (name, _) = terminated(&block[..100]);
        return Ok(Header { kind: HeaderKind::Other(what), size: 0, name: name.to_vec(), old: false });
    }
    let format = format(block)?;
    let size = match octal(&block[124..136], Ending::Needed) {
        Ok(Some(size)) => size,
        _ => return Err("its size is not an octal number"),
    };
    let mode = octal(&block[100..108], Ending::Optional)?.unwrap_or(0);
    for (number, is_owner) in [(&block[108..116], true), (&block[116..124], true), (&block[136..148], false)]
    {
        binary(number, is_owner).unwrap_or_else(|| octal(number, Ending::Optional).map(|_| ()))?;
    }
    for device in [&block[329..337], &block[337..345]] {
        octal(device, Ending::Optional)?;
    }
    let name = name(block, format)?;
    let old = format == Format::V7;
    let slash = name.ends_with(b"/");
    let kind = match block[156] {
        // The format of Version 7 has no type for directories; they are files with a slash at the end (Go 1.11 and
        // later, reader.go; Python and GNU tar alike).
        0 if slash && old && size == 0 => HeaderKind::Directory,
        0 if slash => return Err("it has the type of a file and the name of a directory"),
        0 | b'0' => HeaderKind::File,
        b'5' => HeaderKind::Directory,
        b'L' => HeaderKind::LongName,
        b'x' => HeaderKind::Pax,
        _ => HeaderKind::GlobalPax,
    };
    match kind {
        HeaderKind::Directory if size != 0 => return Err("it is a directory with a size"),
        HeaderKind::LongName | HeaderKind::Pax | HeaderKind::GlobalPax if old => {
            return Err("it is an extension, and its format knows none");
        }
        HeaderKind::File | HeaderKind::Directory if block[157] != 0 => {
            return Err("it names a file that it would be a link to");
        }
        _ => {}
    }
    // Only Go takes the kind of file from the mode as well (FileInfo().IsDir()).
    let own = match kind {
        HeaderKind::File => 0o100_000,
        HeaderKind::Directory => 0o040_000,
        _ => mode & !0o7777,
    };
    match mode & !0o7777 {
        0 => {}
        kind if kind == own => {}
        _ => return Err("its mode says that it is something else than its type"),
    }
    Ok(Header { kind, size, name, old })
}

/// What an entry of this type is, for the message, if a chart must not have it; else None.
fn other(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 | b'0' | b'5' | b'L' | b'x' | b'g' => return None,
        b'1' | b'K' => "a hard link",
        b'2' => "a symbolic link",
        b'3' | b'4' => "a device",
        b'6' => "a fifo",
        b'S' => "a sparse file",
        _ => "something unknown",
    })
}

/// The sum of all bytes, with those of the checksum counted as blanks. Some old programs summed up signed bytes, which
/// not all readers accept.
fn sum(block: &[u8; BLOCK]) -> u64 {
    let of = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    of(&block[..148]) + 8 * u64::from(b' ') + of(&block[156..])
}

/// The format of the block. An error if fields are used that the format does not have.
fn format(block: &[u8; BLOCK]) -> Result<Format, &'static str> {
    let (format, unused) = match &block[257..265] {
        b"ustar\x0000" => (Format::Ustar, &block[500..]),
        // After the device numbers, GNU's format has times and maps of sparse files, where some readers see a prefix.
        b"ustar  \0" => (Format::Gnu, &block[345..]),
        [0, 0, 0, 0, 0, 0, 0, 0] => (Format::V7, &block[345..]),
        _ => return Err("its format is none that all programs know"),
    };
    if !is_zero(unused) || (format == Format::V7 && !is_zero(&block[265..329])) {
        return Err("it has something where its format has nothing");
    }
    Ok(format)
}

/// The name, joined from its two fields.
fn name(block: &[u8; BLOCK], format: Format) -> Result<Vec<u8>, &'static str> {
    let (name, rest) = terminated(&block[..100]);
    if !is_zero(rest) {
        return Err("there is something behind its name");
    }
    if format != Format::Ustar {
        return Ok(name.to_vec());
    }
    let (prefix, rest) = terminated(&block[345..500]);
    if !is_zero(rest) && !is_followed_by_times(prefix, &block[345..500]) {
        return Err("there is something behind its name");
    }
    Ok(if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() })
}

/// Whether a prefix field ends with the times of access and change, as star and node-tar write them: after at most 130
/// bytes of prefix and a NUL.
fn is_followed_by_times(prefix: &[u8], field: &[u8]) -> bool {
    let (padding, times) = field.split_at(131);
    prefix.len() < padding.len()
        && is_zero(&padding[prefix.len()..])
        && times.chunks(12).all(|time| octal(time, Ending::Optional).is_ok())
}

/// Splits a field at its first NUL.
fn terminated(field: &[u8]) -> (&[u8], &[u8]) {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    field.split_at(end)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Whether a number must be followed by a blank or a NUL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Needed,
    Optional,
}

/// Reads an octal number, with blanks in front and blanks or NULs after it. None for a field of NULs alone. A field of
/// blanks alone is an error, as in GNU tar.
fn octal(field: &[u8], ending: Ending) -> Result<Option<u64>, &'static str> {
    const NOT_OCTAL: &str = "a number in its header is not octal";
    if is_zero(field) {
        return Ok(None);
    }
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let digits = field[start..].iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (digits, rest) = field[start..].split_at(digits);
    let ends =
        rest.iter().all(|byte| matches!(byte, b' ' | 0)) && (!rest.is_empty() || ending == Ending::Optional);
    if digits.is_empty() || !ends {
        return Err(NOT_OCTAL);
    }
    // There are at most twelve digits.
    let value = digits.iter().fold(0, |value, digit| value << 3 | u64::from(digit - b'0'));
    Ok(Some(value))
}

/// Checks a number in base 256, in which GNU tar writes numbers that are too large or negative; None if it is not one.
/// An error if it does not fit: a time into the 64 bits that Go has for it, an owner into the 32 bits without sign of
/// GNU tar.
fn binary(field: &[u8], is_owner: bool) -> Option<Result<(), &'static str>> {
    let (sign, rest) = field.split_first()?;
    let fill = match sign {
        0x80 => 0,
        0xff => 0xff,
        _ => return None,
    };
    let (above, value) = rest.split_at(rest.len().saturating_sub(if is_owner { 4 } else { 8 }));
    let fits = above.iter().all(|byte| *byte == fill)
        && if is_owner { fill == 0 } else { value.first().is_some_and(|byte| (byte ^ fill) & 0x80 == 0) };
    Some(if fits { Ok(()) } else { Err("a number in its header is too large") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields of a header: an offset and the bytes.
    type Fields<'a> = &'a [(usize, &'a [u8])];

    /// A block with these fields and the right checksum.
    fn block(fields: Fields<'_>) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let standard: [(usize, &[u8]); 9] = [
            (0, b"mychart/x"),
            (100, b"0000644\0"),
            (108, b"0000000\0"),
            (116, b"0000000\0"),
            (124, b"00000000005\0"),
            (136, b"00000000000\0"),
            (156, b"0"),
            (257, b"ustar\x0000"),
            (329, b"0000000\x000000000\0"),
        ];
        for (at, bytes) in standard.iter().chain(fields) {
            block[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        if !fields.iter().any(|(at, _)| (148..156).contains(at)) {
            let sum = format!("{:06o}\0 ", sum(&block));
            block[148..156].copy_from_slice(sum.as_bytes());
        }
        block
    }

    const GNU: (usize, &[u8]) = (257, b"ustar  \0");
    const V7: (usize, &[u8]) = (257, &[0; 8]);
    const EMPTY: (usize, &[u8]) = (124, b"00000000000\0");
    const DIRECTORY: (usize, &[u8]) = (156, b"5");

    #[test]
    fn what_programs_write_is_read() {
        let long = [b'p'; 155];
        let node = [&[b'p'; 130][..], b"\x0000000000001\x0000000000002 "].concat();
        let both = [b'n'; 100];
        let git = format!("{:07o}\0", sum(&block(&[])));
        let cases: &[(&str, Fields<'_>, HeaderKind, u64, &[u8])] = &[
            ("Go, Helm", &[], HeaderKind::File, 5, b"mychart/x"),
            ("GNU", &[GNU], HeaderKind::File, 5, b"mychart/x"),
            ("GNU, V7", &[V7, (156, &[0])], HeaderKind::File, 5, b"mychart/x"),
            ("Go before 1.11", &[(156, &[0])], HeaderKind::File, 5, b"mychart/x"),
            ("GNU, blank devices", &[GNU, (329, &[0; 16])], HeaderKind::File, 5, b"mychart/x"),
            ("libarchive", &[(100, b"000644 \0"), (124, b"00000000005 ")], HeaderKind::File, 5, b"mychart/x"),
            ("node-tar", &[(124, b"0000000005 \0")], HeaderKind::File, 5, b"mychart/x"),
            ("node-tar, portable", &[(108, &[0; 16]), (136, &[0; 12])], HeaderKind::File, 5, b"mychart/x"),
            ("Perl", &[(100, b"   644 \0"), (124, b"          5\0")], HeaderKind::File, 5, b"mychart/x"),
            ("a mode with a type", &[(100, b"0100644\0")], HeaderKind::File, 5, b"mychart/x"),
            ("all of a field", &[(100, b"00100644")], HeaderKind::File, 5, b"mychart/x"),
            (
                "an owner in base 256",
                &[GNU, (108, b"\x80\0\0\0\x7f\xff\xff\xff")],
                HeaderKind::File,
                5,
                b"mychart/x",
            ),
            (
                "a time before 1970",
                &[GNU, (136, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0")],
                HeaderKind::File,
                5,
                b"mychart/x",
            ),
            ("a directory", &[DIRECTORY, EMPTY, (9, b"/")], HeaderKind::Directory, 0, b"mychart/x/"),
            ("without a slash", &[DIRECTORY, EMPTY], HeaderKind::Directory, 0, b"mychart/x"),
            (
                "a directory with its mode",
                &[DIRECTORY, EMPTY, (100, b"0040755\0")],
                HeaderKind::Directory,
                0,
                b"mychart/x",
            ),
            ("libarchive, V7", &[V7, (156, &[0]), EMPTY, (9, b"/")], HeaderKind::Directory, 0, b"mychart/x/"),
            ("a long name", &[GNU, (156, b"L")], HeaderKind::LongName, 5, b"mychart/x"),
            ("Java's long name", &[(156, b"L")], HeaderKind::LongName, 5, b"mychart/x"),
            ("pax", &[(156, b"x")], HeaderKind::Pax, 5, b"mychart/x"),
            ("git", &[(156, b"g")], HeaderKind::GlobalPax, 5, b"mychart/x"),
            ("a prefix", &[(345, b"a/b")], HeaderKind::File, 5, b"a/b/mychart/x"),
            (
                "the longest name",
                &[(0, &both), (345, &long)],
                HeaderKind::File,
                5,
                &[&long[..], b"/", &both].concat(),
            ),
            (
                "node-tar's times",
                &[(345, &node)],
                HeaderKind::File,
                5,
                &[&node[..130], b"/mychart/x"].concat(),
            ),
            ("cut at a slash", &[(9, b"/")], HeaderKind::File, 5, b"mychart/x/"),
            ("git's checksum", &[(148, git.as_bytes())], HeaderKind::File, 5, b"mychart/x"),
        ];
        for (what, fields, kind, size, name) in cases {
            let header = parse(&block(fields)).unwrap_or_else(|reason| panic!("{what}: {reason}"));
            assert_eq!((header.kind, header.size, header.name), (*kind, *size, name.to_vec()), "{what}");
            assert_eq!(header.old, fields.contains(&V7), "{what}");
        }
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        const NUMBER: &str = "a number in its header is not octal";
        const SIZE: &str = "its size is not an octal number";
        const FORMAT: &str = "its format is none that all programs know";
        const UNUSED: &str = "it has something where its format has nothing";
        const BEHIND: &str = "there is something behind its name";
        const MODE: &str = "its mode says that it is something else than its type";
        let signed: i64 = block(&[(0, b"\xff")])
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { i64::from(byte.cast_signed()) })
            .sum();
        let signed = format!("{signed:06o}\0 ");
        let cases: &[(&str, Fields<'_>, &str)] = &[
            ("no checksum", &[(148, &[0; 8])], WRONG_CHECKSUM),
            ("another checksum", &[(148, b"000001\0 ")], WRONG_CHECKSUM),
            ("a checksum of signed bytes", &[(0, b"\xff"), (148, signed.as_bytes())], WRONG_CHECKSUM),
            ("a checksum without an end", &[(148, b"00012653")], WRONG_CHECKSUM),
            ("a size in base 256", &[GNU, (124, b"\x80\0\0\0\0\0\0\0\0\0\0\x05")], SIZE),
            ("a negative size", &[GNU, (124, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb")], SIZE),
            ("a size with a sign", &[(124, b"-0000000005\0")], SIZE),
            ("a positive size with a sign", &[(124, b"+0000000005\0")], SIZE),
            ("a size with a prefix", &[(124, b"0o000000005\0")], SIZE),
            ("a size with a line", &[(124, b"0_000000005\0")], SIZE),
            ("a size that ends early", &[(124, b"0000005\x009999")], SIZE),
            ("a size with a blank in it", &[(124, b"000005 00005")], SIZE),
            ("a size behind a NUL", &[(124, b"\0\x000000000005")], SIZE),
            ("a size behind a tab", &[(124, b"\t0000000005\0")], SIZE),
            ("a size without an end", &[(124, b"000000000005")], SIZE),
            ("a decimal size", &[(124, b"00000000008\0")], SIZE),
            ("no size", &[(124, &[0; 12])], SIZE),
            ("a blank size", &[(124, b"            ")], SIZE),
            ("a mode that is none", &[(100, b"rw-r--r-")], NUMBER),
            ("an owner that is none", &[(108, b"root\0\0\0\0")], NUMBER),
            ("an owner in Go's base 256 alone", &[(108, b"\x81\0\0\0\0\0\0\0")], NUMBER),
            (
                "a time in base 256 that is too large",
                &[(136, b"\x80\0\0\0\x80\0\0\0\0\0\0\0")],
                "a number in its header is too large",
            ),
            (
                "an owner below zero",
                &[GNU, (108, b"\xff\xff\xff\xff\xff\xff\xff\xff")],
                "a number in its header is too large",
            ),
            (
                "an owner beyond GNU's",
                &[GNU, (108, b"\x80\0\0\x01\0\0\0\0")],
                "a number in its header is too large",
            ),
            ("an owner of blanks", &[(108, b"        ")], NUMBER),
            ("a device that is none", &[(329, b"x")], NUMBER),
            ("another version", &[(263, b"\0\0")], FORMAT),
            ("a version of blanks", &[(263, b" \0")], FORMAT),
            ("half of GNU's magic", &[(257, b"ustar 00")], FORMAT),
            ("magic of nothing", &[(257, b"x")], FORMAT),
            ("a trailer of star", &[(508, b"tar\0")], UNUSED),
            ("a prefix in a GNU header", &[GNU, (345, b"a/b")], UNUSED),
            ("times in a GNU header", &[GNU, (345, b"00000000001\0")], UNUSED),
            ("a prefix in an old header", &[V7, (345, b"a/b")], UNUSED),
            ("an owner's name in an old header", &[V7, (265, b"root")], UNUSED),
            ("a name behind the name", &[(0, b"mychart/x\0y")], BEHIND),
            ("a name behind the prefix", &[(345, b"a\0b")], BEHIND),
            ("times that are none", &[(345, b"a"), (476, b"x")], BEHIND),
            ("a directory with a size", &[DIRECTORY], "it is a directory with a size"),
            (
                "an old directory with a size",
                &[V7, (156, &[0]), (9, b"/")],
                "it has the type of a file and the name of a directory",
            ),
            (
                "a directory without a type",
                &[(156, &[0]), EMPTY, (9, b"/")],
                "it has the type of a file and the name of a directory",
            ),
            (
                "a directory without a type, GNU",
                &[GNU, (156, &[0]), EMPTY, (9, b"/")],
                "it has the type of a file and the name of a directory",
            ),
            (
                "an extension of Version 7",
                &[V7, (156, b"L")],
                "it is an extension, and its format knows none",
            ),
            ("a file that is a link", &[(157, b"/etc/passwd")], "it names a file that it would be a link to"),
            ("a file with a directory's mode", &[(100, b"0040755\0")], MODE),
            ("a file with a link's mode", &[(100, b"0120755\0")], MODE),
            ("a directory with a file's mode", &[DIRECTORY, EMPTY, (100, b"0100755\0")], MODE),
            ("a mode beyond all", &[(100, b"1000644\0")], MODE),
        ];
        for (what, fields, reason) in cases {
            assert_eq!(parse(&block(fields)), Err(*reason), "{what}");
        }
        for kind in (0..=u8::MAX).filter(|kind| !b"\x0005Lxg".contains(kind)) {
            let header = parse(&block(&[(156, &[kind])])).unwrap();
            assert!(matches!(header.kind, HeaderKind::Other(_)), "{kind}");
        }
    }

    /// No bytes make it panic, and every flipped bit is noticed.
    #[test]
    fn no_bit_can_be_flipped_unnoticed() {
        let good = block(&[(345, b"a/b")]);
        for bit in 0..BLOCK * 8 {
            let mut other = good;
            other[bit / 8] ^= 1 << (bit % 8);
            // Blanks in front of the checksum mean the same as zeros.
            assert!(parse(&other).is_err() || (148..156).contains(&(bit / 8)), "{bit}");
        }
    }
}
