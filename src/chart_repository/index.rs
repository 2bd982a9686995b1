//! The index of a repository, fetched if it has changed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, Write as _};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::client::ChartRepository;
use super::error::RepositoryError;
use crate::digest::{Digest, Hasher};
use crate::http::{self, Asks as _, HttpResponse};

/// What the server said of an index, so that it can be asked whether there is another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IndexValidators {
    /// `ETag`; empty if there was none.
    pub etag: String,
    /// `Last-Modified`; empty if there was none.
    pub last_modified: String,
    /// The digest of its lines without those that say when it was made.
    pub content: Option<Digest>,
}

/// What a repository has.
#[derive(Debug)]
pub enum FetchedIndex {
    /// The one that is known.
    Unchanged,
    /// This one.
    New {
        /// Decompressed, in a file without a name.
        file: File,
        /// What to ask with the next time.
        validators: IndexValidators,
        /// The size in bytes, decompressed.
        size: u64,
    },
}

/// What comes with each answer.
struct ReceivedIndex {
    file: File,
    hasher: Hasher,
    size: u64,
}

impl ChartRepository {
    /// Fetches the index, which must not be larger than `limit` when it is decompressed. Where it is known already, the server is
    /// asked for another one; the same lines but for `generated:` are the same index.
    pub fn index(
        &self,
        known: Option<&IndexValidators>,
        limit: u64,
    ) -> Result<FetchedIndex, RepositoryError> {
        let target = self.index_target();
        // Ten times less goes over the wire. A chart is never asked for like that: its digest is of what it is.
        let mut headers = vec![("Accept-Encoding", "gzip".to_owned())];
        if let Some(known) = known {
            let conditions = [("If-None-Match", &known.etag), ("If-Modified-Since", &known.last_modified)];
            let given = conditions.into_iter().filter(|(_, value)| !value.is_empty());
            headers.extend(given.map(|(name, value)| (name, value.clone())));
        }
        let request = target.request(headers);
        let fetched = self.transport.retrying(|_| {
            let response = self.send(&request)?;
            match response.status {
                200 => receive(response, limit).map(Some),
                304 if known.is_some() => Ok(None),
                _ => Err(self.refused(response)),
            }
        })?;
        Ok(match fetched {
            Some((_, validators)) if known.is_some_and(|known| known.content == validators.content) => {
                FetchedIndex::Unchanged
            }
            Some((received, validators)) => {
                FetchedIndex::New { file: received.file, validators, size: received.size }
            }
            None => FetchedIndex::Unchanged,
        })
    }
}

fn receive(response: HttpResponse, limit: u64) -> Result<(ReceivedIndex, IndexValidators), RepositoryError> {
    let request = response.request.clone();
    let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
    let (etag, last_modified, encoding) =
        (header("etag"), header("last-modified"), header("content-encoding"));
    let mut body = IndexBody { response, failed: None };
    let received = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => keep(&mut body, limit),
        "gzip" | "x-gzip" => keep(MultiGzDecoder::new(BufReader::with_capacity(64 << 10, &mut body)), limit),
        other => {
            let source = io::Error::other(format!("its encoding is {other}, and gzip was asked for"));
            return Err(RepositoryError::Compressed { request, source });
        }
    };
    if let Some(failed) = body.failed {
        return Err(failed.into());
    }
    let received = match received {
        Ok(received) => received,
        Err(IndexTrouble::Source(source)) => return Err(RepositoryError::Compressed { request, source }),
        Err(IndexTrouble::Disk(source)) => return Err(RepositoryError::Kept { request, source }),
        Err(IndexTrouble::TooLarge) => {
            return Err(http::HttpError::TooLarge { what: format!("{request}: the index"), limit }.into());
        }
    };
    let content = Some(received.hasher.clone().finish());
    Ok((received, IndexValidators { etag, last_modified, content }))
}

/// What went wrong with what is kept.
enum IndexTrouble {
    Source(io::Error),
    Disk(io::Error),
    TooLarge,
}

fn keep(mut from: impl Read, limit: u64) -> Result<ReceivedIndex, IndexTrouble> {
    let mut file = tempfile::tempfile().map_err(IndexTrouble::Disk)?;
    let (mut lines, mut size, mut buffer) = (IndexLines::default(), 0, vec![0; 64 << 10]);
    loop {
        let read = crate::disk::uninterrupted(|| from.read(&mut buffer)).map_err(IndexTrouble::Source)?;
        if read == 0 {
            break;
        }
        size += read as u64;
        if size > limit {
            return Err(IndexTrouble::TooLarge);
        }
        let piece = &buffer[..read];
        file.write_all(piece).map_err(IndexTrouble::Disk)?;
        lines.take(piece);
    }
    file.rewind().map_err(IndexTrouble::Disk)?;
    Ok(ReceivedIndex { file, hasher: lines.finish(), size })
}

/// Hashes lines, but for those that say when the index was made.
struct IndexLines {
    hasher: Hasher,
    /// The beginning of a line of which it is not known yet.
    begun: Vec<u8>,
    /// Whether the rest of the line counts, once that is known.
    counts: Option<bool>,
}

const GENERATED: &[u8] = b"generated:";

impl Default for IndexLines {
    fn default() -> Self {
        Self { hasher: Hasher::sha256(), begun: Vec::new(), counts: None }
    }
}

impl IndexLines {
    fn take(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.counts.is_none() {
                let room = GENERATED.len() - self.begun.len();
                let end = piece.iter().take(room).position(|byte| *byte == b'\n').map(|end| end + 1);
                let (begin, rest) = piece.split_at(end.unwrap_or(room.min(piece.len())));
                self.begun.extend_from_slice(begin);
                piece = rest;
                if end.is_some() {
                    self.hasher.update(&self.begun);
                    self.begun.clear();
                } else if self.begun.len() == GENERATED.len() {
                    self.counts = Some(self.begun != GENERATED);
                    if self.begun != GENERATED {
                        self.hasher.update(&self.begun);
                    }
                    self.begun.clear();
                }
                continue;
            }
            let end = piece.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            let (line, rest) = piece.split_at(end.unwrap_or(piece.len()));
            if self.counts == Some(true) {
                self.hasher.update(line);
            }
            if end.is_some() {
                self.counts = None;
            }
            piece = rest;
        }
    }

    fn finish(mut self) -> Hasher {
        self.hasher.update(&self.begun);
        self.hasher
    }
}

/// The body of an answer, for who reads. What went wrong with it is kept, so that who decompresses it does not hide it.
struct IndexBody {
    response: HttpResponse,
    failed: Option<http::HttpError>,
}

impl Read for IndexBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.response.next(buffer).map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.failed = Some(error);
            told
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(text: &str, piece: usize) -> Digest {
        let mut lines = IndexLines::default();
        text.as_bytes().chunks(piece).for_each(|piece| lines.take(piece));
        lines.finish().finish()
    }

    #[test]
    fn when_an_index_was_made_does_not_count() {
        let text = "apiVersion: v1\na\n\ngenerated: \"2024\"\nentries:\n  generated: x\nlast";
        let later = text.replace("\"2024\"", "\"2025\" and more");
        let expected = Digest::of(text.replace("generated: \"2024\"\n", "").as_bytes());
        for piece in [1, 2, 3, 9, 10, 11, 64, 1000] {
            assert_eq!(hashed(text, piece), expected, "{piece}");
            assert_eq!(hashed(&later, piece), expected, "{piece}");
        }
        assert_ne!(hashed(&text.replace(": x", ": y"), 7), expected);
        assert_ne!(hashed(&text.replace("last", "generate"), 7), expected);
    }
}
