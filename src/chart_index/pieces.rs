//! Cuts an index in its usual form into pieces, where the indentation shows that something new begins.
//!
//! In block style, a line that is indented no more than the `-` or the key before it ends that one's value. There are
//! two exceptions, quoted strings and brackets, in which lines may begin anywhere (go-yaml's scanner looks at
//! indentation only outside of them). A piece cut inside one of them lacks its end and cannot be read by itself, so the
//! whole index is read instead. The same holds for anchors, and for all else that is in one piece and used in another.

use std::io::{self, BufRead};

use super::error::IndexError;

/// The largest piece, in bytes. A version of a chart takes a few kilobytes.
pub(super) const MAX_PIECE: usize = 4 << 20;

/// A piece of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexPiece {
    pub(super) what: PieceKind,
    /// The number of its first line, from 1.
    pub(super) line: u64,
    pub(super) text: Vec<u8>,
}

/// The kind of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// A key at the top of the document, with its value.
    Top,
    /// The line `entries:`.
    Entries,
    /// The line with a chart's name if its versions follow as pieces of their own; else the name with its whole value.
    Chart,
    /// A list with one version of the chart whose line came before.
    Version,
}

/// Cuts a text into pieces.
pub(super) struct IndexPieces<R> {
    from: R,
    /// How many lines were read.
    lines: u64,
    /// The last line that was read, if it is not in a piece yet.
    next: Vec<u8>,
    /// The part of the document that is being read.
    place: IndexPlace,
    /// Whether there was anything but comments.
    begun: bool,
    ended: bool,
}

/// A part of the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IndexPlace {
    Top,
    /// Below `entries:`. Holds the indentation of the charts' names, once there was one.
    Entries(Option<usize>),
    /// In the list of a chart's versions. Holds the indentation of the charts' names, and that of the list's `-` once
    /// there was one.
    Versions(usize, Option<usize>),
}

/// What a line means for the piece before it.
enum IndexLineKind {
    /// The line is empty or a comment.
    Nothing,
    /// The line has this many blanks, and then text.
    Text(usize),
    /// The line is `---` or `...`.
    Marker,
}

impl<R: BufRead> IndexPieces<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, lines: 0, next: Vec::new(), place: IndexPlace::Top, begun: false, ended: false }
    }

    /// Reads the next piece. None after the last one.
    pub(super) fn next(&mut self) -> Result<Option<IndexPiece>, IndexError> {
        let Some((indent, line)) = self.begin()? else { return Ok(None) };
        let what = self.what(indent)?;
        let mut text = std::mem::take(&mut self.next);
        if what == PieceKind::Entries {
            self.place = IndexPlace::Entries(None);
            return Ok(Some(IndexPiece { what, line, text }));
        }
        let opens = what == PieceKind::Chart && opens(&text);
        if opens {
            self.place = IndexPlace::Versions(indent, None);
        }
        // A chart's name whose list begins on the next line is a piece of its own. Its own line shows that.
        while !opens && self.read_line()? {
            match kind(&self.next) {
                IndexLineKind::Text(next) if next <= indent && !self.continues(what, indent, next) => break,
                IndexLineKind::Marker => {
                    self.ended = true;
                    self.next.clear();
                    break;
                }
                _ => text.append(&mut self.next),
            }
            if text.len() > MAX_PIECE {
                return Err(IndexError::Unusual { line });
            }
        }
        if has_odd_breaks(&text) {
            return Err(IndexError::Unusual { line });
        }
        Ok(Some(IndexPiece { what, line, text }))
    }

    /// Goes to the first line of the next piece. Returns its indentation and its number; None at the end.
    fn begin(&mut self) -> Result<Option<(usize, u64)>, IndexError> {
        while !self.ended && (!self.next.is_empty() || self.read_line()?) {
            match kind(&self.next) {
                IndexLineKind::Nothing => self.next.clear(),
                IndexLineKind::Text(_) if self.next.starts_with(b"%") => return Err(self.unusual()),
                IndexLineKind::Text(indent) => {
                    self.begun = true;
                    return Ok(Some((indent, self.lines)));
                }
                // Before all else `---` begins the document; later it ends it.
                IndexLineKind::Marker if !self.begun && self.next.trim_ascii() == b"---" => {
                    self.begun = true;
                    self.next.clear();
                }
                IndexLineKind::Marker if !self.begun => return Err(self.unusual()),
                IndexLineKind::Marker => self.ended = true,
            }
        }
        Ok(None)
    }

    fn what(&mut self, indent: usize) -> Result<PieceKind, IndexError> {
        let rest = self.next.get(indent..).unwrap_or_default();
        let is_entry = is_entry(rest);
        let what = match self.place {
            _ if !begins_a_key(rest) && !is_entry => None,
            _ if indent == 0 && !is_entry => {
                self.place = IndexPlace::Top;
                let is_entries =
                    opens(rest) && matches!(key(rest), b"entries" | b"\"entries\"" | b"'entries'");
                Some(if is_entries { PieceKind::Entries } else { PieceKind::Top })
            }
            IndexPlace::Entries(None) if !is_entry => {
                self.place = IndexPlace::Entries(Some(indent));
                Some(PieceKind::Chart)
            }
            IndexPlace::Entries(Some(names)) | IndexPlace::Versions(names, _)
                if indent == names && !is_entry =>
            {
                self.place = IndexPlace::Entries(Some(names));
                Some(PieceKind::Chart)
            }
            IndexPlace::Versions(names, None) if is_entry && indent >= names => {
                self.place = IndexPlace::Versions(names, Some(indent));
                Some(PieceKind::Version)
            }
            IndexPlace::Versions(_, Some(list)) if is_entry && indent == list => Some(PieceKind::Version),
            _ => None,
        };
        what.ok_or_else(|| self.unusual())
    }

    /// Whether a line that is not indented more than the first one of the piece belongs to it: a list may have the
    /// indentation of its key.
    fn continues(&self, what: PieceKind, indent: usize, next: usize) -> bool {
        let is_list = is_entry(self.next.get(next..).unwrap_or_default());
        matches!(what, PieceKind::Top | PieceKind::Chart) && next == indent && is_list
    }

    fn unusual(&self) -> IndexError {
        IndexError::Unusual { line: self.lines }
    }

    /// Reads a line into `next`. Returns false at the end.
    fn read_line(&mut self) -> Result<bool, IndexError> {
        self.next.clear();
        if self.lines == 0 {
            self.skip_mark()?;
        }
        self.lines += 1;
        loop {
            let buffer = match self.from.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |end| end + 1);
            self.next.extend_from_slice(&buffer[..length]);
            self.from.consume(length);
            if end.is_some() || length == 0 {
                return Ok(!self.next.is_empty());
            }
            if self.next.len() > MAX_PIECE {
                return Err(self.unusual());
            }
        }
    }

    /// Skips the byte order mark of UTF-8. For UTF-16 the index must be read as a whole.
    fn skip_mark(&mut self) -> Result<(), IndexError> {
        let buffer = self.from.fill_buf()?;
        if buffer.starts_with(b"\xff\xfe") || buffer.starts_with(b"\xfe\xff") {
            return Err(self.unusual());
        }
        let mark = if buffer.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        self.from.consume(mark);
        Ok(())
    }
}

fn kind(line: &[u8]) -> IndexLineKind {
    let indent = line.iter().take_while(|byte| **byte == b' ').count();
    let rest = line[indent..].trim_ascii();
    match rest {
        [] | [b'#', ..] => IndexLineKind::Nothing,
        [b'-', b'-', b'-'] | [b'.', b'.', b'.'] if indent == 0 => IndexLineKind::Marker,
        [b'-', b'-', b'-', next, ..] | [b'.', b'.', b'.', next, ..]
            if indent == 0 && next.is_ascii_whitespace() =>
        {
            IndexLineKind::Marker
        }
        _ => IndexLineKind::Text(indent),
    }
}

/// Whether a key may begin here that is a plain or a quoted scalar: in a block map every other one is unusual.
fn begins_a_key(rest: &[u8]) -> bool {
    !matches!(
        rest.first(),
        Some(
            b'?' | b':'
                | b'{'
                | b'}'
                | b'['
                | b']'
                | b','
                | b'!'
                | b'&'
                | b'*'
                | b'|'
                | b'>'
                | b'%'
                | b'@'
                | b'`'
        )
    )
}

/// Whether this is the `-` of a list's entry.
fn is_entry(rest: &[u8]) -> bool {
    matches!(rest, [b'-'] | [b'-', b' ' | b'\t' | b'\n' | b'\r', ..])
}

/// Whether a line is a key alone, with its value on the next lines.
fn opens(line: &[u8]) -> bool {
    without_comment(line).ends_with(b":")
}

/// The key of a line that is a key alone.
fn key(line: &[u8]) -> &[u8] {
    let line = without_comment(line);
    line.strip_suffix(b":").unwrap_or(line).trim_ascii()
}

fn without_comment(line: &[u8]) -> &[u8] {
    let comment = line.windows(2).position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'#');
    line[..comment.unwrap_or(line.len())].trim_ascii()
}

/// Whether go-yaml sees line breaks in the text other than `\n`.
fn has_odd_breaks(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | 0xc2 | 0xe2)) {
        rest = &rest[at..];
        match rest {
            [b'\r', b'\n', ..] => {}
            [b'\r', ..] | [0xc2, 0x85, ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..] => return true,
            _ => {}
        }
        rest = &rest[1..];
    }
    false
}
