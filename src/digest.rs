//! Content digests as the OCI image spec writes them (descriptor.md, "Digests"): `sha256:<64 hex>` and `sha512:<128 hex>`.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// A digest algorithm that the OCI image spec registers. Digests that we compute are SHA-256, except to check content
/// that is known by its SHA-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, 32 bytes.
    Sha256,
    /// `sha512`, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// The algorithm's registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// The digest of some content: its algorithm, and as many lowercase hexadecimal digits as that has.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    hex: Box<str>,
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text has no `:` between an algorithm and a value.
    #[error("invalid digest `{0}`: expected sha256:<64 hex digits>")]
    Shape(String),
    /// The algorithm is not one that the OCI image spec registers.
    #[error("invalid digest `{0}`: the algorithm is neither sha256 nor sha512")]
    Algorithm(String),
    /// The hex part is too short or too long for the algorithm.
    #[error("invalid digest `{text}`: expected {expected} hex digits, found {found}")]
    Length {
        /// The text that was given, at most its first 160 characters.
        text: String,
        /// How many hex digits a digest of that algorithm has.
        expected: usize,
        /// How many digits the text has.
        found: usize,
    },
    /// The hex part holds a character other than `0-9a-f`.
    #[error("invalid digest `{0}`: a digest has only the digits 0-9 and a-f")]
    Hex(String),
}

impl Digest {
    /// The SHA-256 digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::sha256();
        hasher.update(content);
        hasher.finish()
    }

    /// The algorithm that the digest was computed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// The first seven hex digits, as `helm chart list` of Helm 3.0 to 3.6 and git show them.
    pub fn short(&self) -> &str {
        &self.hex[..7]
    }

    /// A new hasher of the algorithm that this digest has.
    pub fn hasher(&self) -> Hasher {
        Hasher::new(self.algorithm)
    }

    fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        Self { algorithm, hex: hex.into() }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let shown = || text.chars().take(160).collect::<String>();
        let (algorithm, hex) = text.split_once(':').ok_or_else(|| DigestError::Shape(shown()))?;
        let algorithm = match algorithm {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            _ => return Err(DigestError::Algorithm(shown())),
        };
        if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(DigestError::Hex(shown()));
        }
        if hex.len() != algorithm.hex_len() {
            return Err(DigestError::Length {
                text: shown(),
                expected: algorithm.hex_len(),
                found: hex.len(),
            });
        }
        Ok(Self { algorithm, hex: hex.into() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes the digest of content that comes piece by piece.
#[derive(Clone)]
pub struct Hasher(HashState);

#[derive(Clone)]
enum HashState {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    /// A hasher of the given algorithm.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => HashState::Sha256(Sha256::new()),
            Algorithm::Sha512 => HashState::Sha512(Box::default()),
        })
    }

    /// A SHA-256 hasher: the algorithm of all digests that we give to content of our own.
    pub fn sha256() -> Self {
        Self::new(Algorithm::Sha256)
    }

    /// Hashes the next piece of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            HashState::Sha256(hasher) => hasher.update(bytes),
            HashState::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all pieces taken so far, in their order.
    pub fn finish(self) -> Digest {
        match self.0 {
            HashState::Sha256(hasher) => Digest::from_bytes(Algorithm::Sha256, &hasher.finalize()),
            HashState::Sha512(hasher) => Digest::from_bytes(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

/// Bytes that are written into a hasher are hashed; writing never fails.
impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            HashState::Sha256(_) => "Hasher(sha256)",
            HashState::Sha512(_) => "Hasher(sha512)",
        })
    }
}

/// A writer that passes everything on to `inner`, and computes its SHA-256 digest and its size on the way.
#[derive(Debug)]
pub struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Wraps `inner`. Only bytes written from now on are hashed and counted.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::sha256(), size: 0 }
    }

    /// How many bytes `inner` has taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the inner writer, and the digest and the size in bytes of everything that was written to it. Does not
    /// flush.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buf)?;
        self.hasher.update(&buf[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A reader that passes everything on from `inner`, and computes its SHA-256 digest on the way.
#[derive(Debug)]
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> HashingReader<R> {
    /// Wraps `inner`. Only bytes read from now on are hashed.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::sha256() }
    }

    /// Reads `inner` to its end, and returns the digest of everything that was read through this reader.
    pub fn finish(mut self) -> io::Result<Digest> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hasher.finish())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.hasher.update(&buf[..read]);
        Ok(read)
    }
}

/// Reads `inner` as content of a known digest and size. It hands out the last bytes only after the digest of the whole
/// was compared. Content that is longer, shorter or different gives an I/O error with a [`Mismatch`] inside, never an
/// end of file.
#[derive(Debug)]
pub struct VerifiedReader<R> {
    inner: R,
    expected: Digest,
    hasher: Option<Hasher>,
    size: u64,
    seen: u64,
}

/// How content differs from what its descriptor says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The content has fewer or more bytes than the descriptor says.
    #[error("the content of {digest} is {found} bytes long, not {expected}")]
    Size {
        /// The digest of the content that was asked for.
        digest: Digest,
        /// The size that its descriptor gives, in bytes.
        expected: u64,
        /// How many bytes came. Reading stops when there are too many, so even more may have followed.
        found: u64,
    },
    /// The content has another digest than the descriptor says.
    #[error("expected content {expected}, found {found}")]
    Digest {
        /// The digest of the content that came instead.
        expected: Digest,
        /// The digest of the content that came instead.
        found: Digest,
    },
}

impl Mismatch {
    /// The mismatch inside an I/O error of a [`VerifiedReader`], or None if the error has another cause.
    pub fn in_error(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl<R: Read> VerifiedReader<R> {
    /// Reads `inner`, which must hold exactly `size` bytes with the digest `expected`.
    pub fn new(inner: R, expected: Digest, size: u64) -> Self {
        let hasher = Some(expected.hasher());
        Self { inner, expected, hasher, size, seen: 0 }
    }

    fn size_mismatch(&self, found: u64) -> io::Error {
        let (digest, expected) = (self.expected.clone(), self.size);
        io::Error::new(io::ErrorKind::InvalidData, Mismatch::Size { digest, expected, found })
    }

    /// Compares the digest of everything read with the expected one. An error if they differ.
    fn finish(&mut self) -> io::Result<()> {
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        let found = hasher.finish();
        if found != self.expected {
            let expected = self.expected.clone();
            return Err(io::Error::new(io::ErrorKind::InvalidData, Mismatch::Digest { expected, found }));
        }
        Ok(())
    }
}

impl<R: Read> Read for VerifiedReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buf)?;
        self.seen += read as u64;
        if self.seen > self.size {
            return Err(self.size_mismatch(self.seen));
        }
        if read == 0 {
            if self.seen < self.size {
                return Err(self.size_mismatch(self.seen));
            }
            self.finish()?;
            return Ok(0);
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buf[..read]);
        }
        if self.seen == self.size {
            // Compared before the last bytes are handed out: a caller that stops at the size must not miss the error.
            self.finish()?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for content in [&b""[..], b"{}", b"chart"] {
            let digest = Digest::of(content);
            assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        }
        assert_eq!(
            Digest::of(b"{}").to_string(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }

    #[test]
    fn refuses_everything_else() {
        let hex = "a".repeat(64);
        for text in [
            "",
            "sha256:",
            "sha256:abc",
            "sha256:../../x",
            "md5:00",
            &format!("SHA256:{hex}"),
            &format!("sha256:{}", hex.to_uppercase()),
            &format!("sha256:{hex}a"),
            &format!("sha512:{hex}"),
            &hex,
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
        assert_eq!(
            "sha256:abc".parse::<Digest>().unwrap_err().to_string(),
            "invalid digest `sha256:abc`: expected 64 hex digits, found 3"
        );
    }

    #[test]
    fn a_verified_reader_fails_on_short_long_and_other_content() {
        let read = |content: &[u8], claimed: &[u8]| {
            let mut out = Vec::new();
            VerifiedReader::new(content, Digest::of(claimed), claimed.len() as u64)
                .read_to_end(&mut out)
                .map(|_| out)
        };
        assert_eq!(read(b"chart", b"chart").unwrap(), b"chart");
        assert_eq!(read(b"", b"").unwrap(), b"");
        for wrong in [&b"char"[..], b"charts", b"chert", b""] {
            let error = read(wrong, b"chart").unwrap_err();
            assert!(Mismatch::in_error(&error).is_some(), "{wrong:?}: {error}");
        }
    }
}
