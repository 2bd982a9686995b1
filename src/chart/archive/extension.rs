//! Reads what precedes an entry and says more about it: pax headers (IEEE Std 1003.1, pax, "pax Extended Header") and
//! GNU's long names.
//!
//! Of all that they can say, a chart needs only long paths. Records that give the entry another size, a link target or
//! another encoding of its path are refused: not all programs know them, and of two records some take the first and
//! some the last.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// The reason why an extension is refused.
pub(super) type ExtensionRefusal = Cow<'static, str>;

/// What a pax header says about the next entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    /// The path of the entry.
    pub(super) path: Option<Vec<u8>>,
    /// The size of the entry in bytes, which node-tar repeats here.
    pub(super) size: Option<u64>,
}

/// Reads a pax header for the next entry.
pub(super) fn pax(records: &[u8]) -> Result<Pax, ExtensionRefusal> {
    let mut pax = Pax::default();
    for_each(records, |key, value| {
        match key {
            b"path" if value.is_empty() => return Err("a PAX header gives an empty path".into()),
            b"path" => pax.path = Some(value.to_vec()),
            b"size" => pax.size = Some(number(value).ok_or(OTHER_SIZE)?),
            // GNU tar, libarchive and Python look at this record. For UTF-8, which all paths must be, it changes
            // nothing.
            b"hdrcharset" if matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8") => {}
            _ => harmless(key, value)?,
        }
        Ok(())
    })?;
    Ok(pax)
}

/// Some programs take the size in a pax header, and some the one in the entry's own header (RUSTSEC-2026-0068).
pub(super) const OTHER_SIZE: &str = "a PAX header gives a size of its own";

/// Reads a number that has no sign and no needless zeros.
fn number(value: &[u8]) -> Option<u64> {
    let number = str::from_utf8(value).ok()?.parse::<u64>().ok()?;
    (number.to_string().as_bytes() == value).then_some(number)
}

/// Checks a pax header for all entries that follow. Git writes the commit into one.
pub(super) fn check_global_pax(records: &[u8]) -> Result<(), ExtensionRefusal> {
    for_each(records, |key, value| match key {
        b"path" => Err("a PAX header gives one path for all entries".into()),
        _ => harmless(key, value),
    })
}

/// Reads the name in a GNU long name.
pub(super) fn long_name(content: &[u8]) -> Result<Vec<u8>, ExtensionRefusal> {
    // Some programs take the text before the first NUL; some only remove the last one.
    let name = content.strip_suffix(b"\0").unwrap_or(content);
    match name {
        [] => Err("a long name is empty".into()),
        name if name.contains(&0) => Err("there is something behind a long name".into()),
        name => Ok(name.to_vec()),
    }
}

/// Calls `take` with the key and the value of each record. A record is `25 ctime=1084839148.1212\n`; the number is the
/// length of the whole record.
fn for_each(
    mut records: &[u8],
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), ExtensionRefusal>,
) -> Result<(), ExtensionRefusal> {
    let mut keys = BTreeSet::new();
    let mut has_break = false;
    while !records.is_empty() {
        let malformed = || ExtensionRefusal::from("a PAX header is malformed");
        let (record, rest) = split_record(records).ok_or_else(malformed)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        if key.is_empty() || key.contains(&0) {
            return Err(malformed());
        }
        // The tar crate and node-tar split the records into lines, whatever the lengths say, and ignore what follows an
        // empty one.
        if (has_break && matches!(key, b"path" | b"size")) || !may_have_breaks(key, value) {
            return Err(malformed());
        }
        has_break |= value.contains(&b'\n');
        if !keys.insert(key) {
            return Err(format!("a PAX header gives `{}` twice", String::from_utf8_lossy(key)).into());
        }
        take(key, value)?;
        records = rest;
    }
    if keys.is_empty() { Err("a PAX header is empty".into()) } else { Ok(()) }
}

/// Whether a program that splits records into lines takes the lines of this value for no other record. Extended
/// attributes of macOS may hold any bytes.
fn may_have_breaks(key: &[u8], value: &[u8]) -> bool {
    let mut behind = value.split(|byte| *byte == b'\n').skip(1).peekable();
    if behind.peek().is_none() {
        return !key.contains(&b'\n');
    }
    let is_number =
        |line: &[u8]| line.strip_prefix(b"+").unwrap_or(line).first().is_some_and(u8::is_ascii_digit);
    key.starts_with(b"SCHILY.xattr.") && !key.contains(&b'\n') && !behind.any(is_number)
}

/// Splits off the first record. Returns the text between its length and its line break, and the other records.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = records.iter().position(|byte| *byte == b' ')?;
    // A header has at most 64 KiB.
    if digits > 5 || !records[..digits].iter().all(u8::is_ascii_digit) || records[0] == b'0' {
        return None;
    }
    let length = std::str::from_utf8(&records[..digits]).ok()?.parse::<usize>().ok()?;
    let record = records.get(..length)?.get(digits + 1..)?;
    Some((record.strip_suffix(b"\n")?, &records[length..]))
}

/// An error if some program could take the entry for another one because of this record.
fn harmless(key: &[u8], value: &[u8]) -> Result<(), ExtensionRefusal> {
    let valid = match key {
        b"size" => return Err(OTHER_SIZE.into()),
        b"linkpath" => return Err("a PAX header gives a link".into()),
        _ if key.starts_with(b"GNU.sparse.") => return Err("a PAX header describes a sparse file".into()),
        // Go refuses an archive with times that it cannot read.
        b"mtime" | b"atime" | b"ctime" => is_time(value),
        // GNU tar does not accept an owner of more than 32 bits.
        b"uid" | b"gid" => number(value).is_some_and(|number| u32::try_from(number).is_ok()),
        b"uname" | b"gname" => !value.contains(&0),
        b"comment" | b"charset" => true,
        _ => is_harmless_extension(key),
    };
    if valid {
        return Ok(());
    }
    Err(format!("a PAX header has a `{}` that not all programs read alike", String::from_utf8_lossy(key))
        .into())
}

/// Whether a keyword of a vendor (`VENDOR.keyword`) says nothing about where the content of the entry is, how long it
/// is, or what it belongs to. GNU has such keywords for volumes and directories, Solaris for holes, and star for types
/// and sizes.
fn is_harmless_extension(key: &[u8]) -> bool {
    let Some(dot) = key.iter().position(|byte| *byte == b'.') else { return false };
    let (vendor, keyword) = (&key[..dot], &key[dot + 1..]);
    let is_vendor =
        !vendor.is_empty() && vendor.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    match vendor {
        b"GNU" | b"SUN" => false,
        b"SCHILY" => {
            matches!(keyword, b"dev" | b"ino" | b"nlink" | b"fflags")
                || keyword.starts_with(b"acl.")
                || keyword.starts_with(b"xattr.")
        }
        b"LIBARCHIVE" => keyword == b"creationtime" || keyword.starts_with(b"xattr."),
        _ => is_vendor,
    }
}

fn is_integer(value: &[u8]) -> bool {
    // So many digits always fit into 64 bits.
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// Whether this is a number of seconds, with a fraction of any length.
fn is_time(value: &[u8]) -> bool {
    let dot = value.iter().position(|byte| *byte == b'.').unwrap_or(value.len());
    let (seconds, fraction) = value.split_at(dot);
    is_integer(seconds) && fraction.iter().skip(1).all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with its length in front.
    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
        [length.to_string().as_bytes(), &rest].concat()
    }

    #[test]
    fn what_programs_write_is_read() {
        for (records, path) in [
            (vec![("path", "mychart/höß.txt")], Some("mychart/höß.txt")),
            (vec![("mtime", "1795906973.998747831"), ("atime", "1"), ("ctime", "-1.5")], None),
            (
                vec![("path", "a"), ("SCHILY.dev", "65024"), ("SCHILY.ino", "1"), ("SCHILY.nlink", "1")],
                Some("a"),
            ),
            (vec![("uid", "0"), ("gid", "4294967295"), ("uname", "Jörg"), ("gname", "")], None),
            (vec![("comment", "3771774b85af7cb930cf3d906a0136747406c639")], None),
            (vec![("LIBARCHIVE.creationtime", "1"), ("LIBARCHIVE.xattr.com.apple.quarantine", "MDA")], None),
            (vec![("hdrcharset", "BINARY"), ("path", "ö")], Some("ö")),
            (vec![("SCHILY.xattr.security.selinux", "system_u:object_r\0"), ("path", "a")], Some("a")),
            (
                vec![("path", "a"), ("SCHILY.xattr.com.apple.provenance", "\u{1}\0\n\nx"), ("mtime", "1")],
                Some("a"),
            ),
            (
                vec![("MSWINDOWS.rawsd", "AQ=="), ("RHT.security.selinux", "x"), ("path", "a=b c")],
                Some("a=b c"),
            ),
        ] {
            let bytes: Vec<u8> =
                records.iter().flat_map(|(key, value)| record(key, value.as_bytes())).collect();
            let found = pax(&bytes).unwrap_or_else(|reason| panic!("{records:?}: {reason}"));
            assert_eq!(found.path.as_deref(), path.map(str::as_bytes), "{records:?}");
            let global = check_global_pax(&bytes);
            assert_eq!(global.is_ok(), path.is_none(), "{records:?}: {global:?}");
        }
        assert_eq!(pax(&record("size", b"5")), Ok(Pax { path: None, size: Some(5) }));
        assert_eq!(long_name(b"a\0"), Ok(b"a".to_vec()));
        assert_eq!(long_name(b"a/"), Ok(b"a/".to_vec()));
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        for (key, value) in [
            ("path", ""),
            ("path", "a\nb"),
            ("linkpath", "a"),
            ("SCHILY.xattr.a", "b\n9 path=c"),
            ("SCHILY.xattr.a", "b\n+9 path=c"),
            ("comment", "b\nc"),
            ("SCHILY.xattr.a\nb", "c"),
            ("size", ""),
            ("size", "05"),
            ("size", "+5"),
            ("size", "-5"),
            ("size", "5.0"),
            ("hdrcharset", "UTF-8"),
            ("uid", "root"),
            ("uid", ""),
            ("uid", "+1"),
            ("uid", "-1"),
            ("uid", "4294967296"),
            ("gid", "99999999999999999999"),
            ("mtime", "1e3"),
            ("mtime", "."),
            ("uname", "a\0b"),
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.name", "a"),
            ("GNU.volume.label", "a"),
            ("GNU.dumpdir", "a"),
            ("SCHILY.realsize", "1"),
            ("SCHILY.filetype", "dir"),
            ("SUN.holesdata", " 0"),
            ("LIBARCHIVE.symlinktype", "dir"),
            ("PATH", "a"),
            ("type", "5"),
            ("a.b", "c"),
            (".b", "c"),
        ] {
            let records = record(key, value.as_bytes());
            assert!(pax(&records).is_err(), "{key}={value}");
            assert!(check_global_pax(&records).is_err(), "{key}={value}");
        }
        let behind = [record("SCHILY.xattr.a", b"b\n\n"), record("path", b"c")].concat();
        assert_eq!(pax(&behind).unwrap_err(), "a PAX header is malformed");
        let twice = [record("mtime", b"1"), record("mtime", b"1")].concat();
        assert_eq!(pax(&twice).unwrap_err(), "a PAX header gives `mtime` twice");
        for bytes in [
            &b""[..],
            b"8 path=a",
            b"9 path=ab\n",
            b"12 path=ab\n",
            b"010 path=a\n",
            b"+9 path=a\n",
            b" 9 path=a\n",
            b"9\tpath=a\n",
            b"9  path=\n",
            b"4 =\n",
            b"4 a\n",
            b"7 a\0b=\n",
            b"9 path=a\n\0",
            b"9 path=a\n9 path",
            b"18446744073709551625 path=a\n",
        ] {
            // A blank before a key is a part of the key.
            assert!(pax(bytes).is_err(), "{}", bytes.escape_ascii());
        }
        for bytes in [&b""[..], b"\0", b"a\0\0", b"a\0b", b"a\0b\0"] {
            assert!(long_name(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
