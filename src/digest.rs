//! Content digests as the OCI image spec writes them (descriptor.md, "Digests"): `sha256:<64 hex>` and `sha512:<128 hex>`.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// A registered digest algorithm. What we make is always SHA-256; SHA-512 is read where a registry uses it.
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

/// The digest of some content: an algorithm and lowercase hex of just the right length.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    hex: Box<str>,
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No `algorithm:` in front.
    #[error("invalid digest `{0}`: expected sha256:<64 hex digits>")]
    Shape(String),
    /// An algorithm that the OCI image spec does not register.
    #[error("invalid digest `{0}`: the algorithm is neither sha256 nor sha512")]
    Algorithm(String),
    /// The hex part is too short or too long.
    #[error("invalid digest `{text}`: expected {expected} hex digits, found {found}")]
    Length {
        /// What was given.
        text: String,
        /// How many hex digits the algorithm has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// Something in the hex part that is not `0-9a-f`.
    #[error("invalid digest `{0}`: a digest has only the digits 0-9 and a-f")]
    Hex(String),
}

impl Digest {
    /// The SHA-256 of `content`.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::sha256();
        hasher.update(content);
        hasher.finish()
    }

    /// Which algorithm made it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hex digits alone.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// The first seven hex digits, as `helm chart list` and git show them.
    pub fn short(&self) -> &str {
        &self.hex[..7]
    }

    /// A hasher of the same algorithm.
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

/// Takes content piece by piece and yields its digest.
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

    /// A SHA-256 hasher: what everything that we make is addressed by.
    pub fn sha256() -> Self {
        Self::new(Algorithm::Sha256)
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            HashState::Sha256(hasher) => hasher.update(bytes),
            HashState::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all that was taken.
    pub fn finish(self) -> Digest {
        match self.0 {
            HashState::Sha256(hasher) => Digest::from_bytes(Algorithm::Sha256, &hasher.finalize()),
            HashState::Sha512(hasher) => Digest::from_bytes(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

/// What is written into it becomes part of what it hashes.
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

/// Passes what is written through to `inner`, and knows its digest and size.
#[derive(Debug)]
pub struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Starts with nothing written; the digest is a SHA-256.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::sha256(), size: 0 }
    }

    /// How many bytes went through so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The writer, the digest and the size of all that went through.
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

/// Passes what is read through, and knows its digest.
#[derive(Debug)]
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> HashingReader<R> {
    /// Starts with nothing read; the digest is a SHA-256.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::sha256() }
    }

    /// Reads to the end, and returns the digest of everything.
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

/// Reads `inner` as content of a known digest and size. The last byte is handed out only with everything before it
/// proven; longer, shorter or other content is an error ([`Mismatch`]) and never an end of file.
#[derive(Debug)]
pub struct VerifiedReader<R> {
    inner: R,
    expected: Digest,
    hasher: Option<Hasher>,
    size: u64,
    seen: u64,
}

/// Content that is not what its descriptor says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Fewer or more bytes than the descriptor says.
    #[error("the content of {digest} is {found} bytes long, not {expected}")]
    Size {
        /// The content asked for.
        digest: Digest,
        /// The size its descriptor gives.
        expected: u64,
        /// How many bytes came (at least, where more came than expected).
        found: u64,
    },
    /// Other bytes than the descriptor says.
    #[error("expected content {expected}, found {found}")]
    Digest {
        /// The content asked for.
        expected: Digest,
        /// What came instead.
        found: Digest,
    },
}

impl Mismatch {
    /// The mismatch inside an I/O error of [`VerifiedReader`], if that is what it is.
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

    /// Everything was read: is it what was asked for?
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
            // Before the last bytes are handed out: a caller that stops at the size must not miss the verdict.
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
