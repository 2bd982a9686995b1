//! Reads versions and compares them.

use std::cmp::Ordering;
use std::fmt;

/// The constraint that Helm's `--devel` stands for: any version, prereleases included.
pub const DEVEL: &str = ">0.0.0-0";

/// A semantic version. Its build metadata is kept but never compared, so there is no `==` on versions: see
/// [`Version::precedence`].
#[derive(Debug, Clone)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: String,
    build: String,
}

/// Why a text is not a version. Each error holds the text, at most its first 160 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text does not have the form of a version.
    #[error("invalid version `{0}`: expected MAJOR.MINOR.PATCH")]
    Shape(String),
    /// One of the numbers does not fit in 64 bits.
    #[error("invalid version `{0}`: a number is too large")]
    Number(String),
    /// A number, or a numeric identifier of the prerelease, starts with 0.
    #[error("invalid version `{0}`: a number cannot start with 0")]
    LeadingZero(String),
}

impl Version {
    /// Reads what `semver.NewVersion` accepts: one to three numbers, which may start with 0, and a `v` in front if any.
    pub fn parse_lenient(text: &str) -> Result<Self, VersionError> {
        let spelled = Spelled::read_all(text).ok_or_else(|| VersionError::Shape(shorten(text)))?;
        spelled.version(text)
    }

    /// Reads what `semver.StrictNewVersion` accepts: three numbers that do not start with 0, without `v`.
    ///
    /// This follows v3.5 of the package. v3.1 also accepted `1.2.3-` and `1.2.3-a..b`, with empty identifiers.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        let shape = || VersionError::Shape(shorten(text));
        let spelled = Spelled::read_all(text).ok_or_else(shape)?;
        let (Some(minor), Some(patch), false) = (spelled.minor, spelled.patch, text.starts_with('v')) else {
            return Err(shape());
        };
        if [spelled.major, minor, patch].into_iter().any(has_leading_zero) {
            return Err(VersionError::LeadingZero(shorten(text)));
        }
        spelled.version(text)
    }

    /// The first number, MAJOR.
    pub fn major(&self) -> u64 {
        self.major
    }

    /// The second number, MINOR; 0 if the text had none.
    pub fn minor(&self) -> u64 {
        self.minor
    }

    /// The third number, PATCH; 0 if the text had none.
    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// The text after the `-`; empty for a release.
    pub fn prerelease(&self) -> &str {
        &self.prerelease
    }

    /// The text after the `+`; empty if there is none.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// Compares two versions as semver.org, section 11, does. Versions that differ in build metadata alone are equal.
    pub fn precedence(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(
            || match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
                (mine, theirs) => mine.cmp(&theirs),
            },
        )
    }

    /// The version without its prerelease suffix; None for a version that has no such suffix.
    pub(super) fn release(&self) -> Option<Self> {
        let release = Self { prerelease: String::new(), ..self.clone() };
        (!self.prerelease.is_empty()).then_some(release)
    }
}

/// Written as `MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD]`, also if it was read from a shorter text.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

/// The parts of a version as they are spelled. In a constraint, `*`, `x` and `X` may stand for a number.
pub(super) struct Spelled<'a> {
    pub(super) major: &'a str,
    pub(super) minor: Option<&'a str>,
    pub(super) patch: Option<&'a str>,
    pub(super) prerelease: Option<&'a str>,
    pub(super) build: Option<&'a str>,
    /// The length of the version in the text, in bytes.
    pub(super) len: usize,
}

impl<'a> Spelled<'a> {
    /// Reads a text that is a version and nothing else; None for any other.
    pub(super) fn read_all(text: &'a str) -> Option<Self> {
        Self::read(text, u8::is_ascii_digit).filter(|spelled| spelled.len == text.len())
    }

    /// Reads the longest version at the beginning of `text`, as the regular expressions of Masterminds/semver match it.
    pub(super) fn read(text: &'a str, is_number: fn(&u8) -> bool) -> Option<Self> {
        let bytes = text.as_bytes();
        let run = |from: usize, wanted: fn(&u8) -> bool| {
            let end = from + bytes[from..].iter().take_while(|byte| wanted(byte)).count();
            (end > from).then_some(end)
        };
        let after = |at: usize, mark: u8| (bytes.get(at) == Some(&mark)).then_some(at + 1);

        let start = after(0, b'v').unwrap_or(0);
        let mut len = run(start, is_number)?;
        let major = &text[start..len];
        let mut number = || {
            let start = after(len, b'.')?;
            len = run(start, is_number)?;
            Some(&text[start..len])
        };
        let minor = number();
        let patch = if minor.is_some() { number() } else { None };
        let mut identifiers = |mark: u8| {
            let start = after(len, mark)?;
            len = run(start, |byte| is_identifier(*byte))?;
            while let Some(end) = after(len, b'.').and_then(|dot| run(dot, |byte| is_identifier(*byte))) {
                len = end;
            }
            Some(&text[start..len])
        };
        let prerelease = identifiers(b'-');
        let build = identifiers(b'+');
        Some(Self { major, minor, patch, prerelease, build, len })
    }

    /// Parses the numbers. An error shows `text`.
    pub(super) fn version(&self, text: &str) -> Result<Version, VersionError> {
        let number = |digits: Option<&str>| {
            digits.map_or(Ok(0), str::parse).map_err(|_| VersionError::Number(shorten(text)))
        };
        let prerelease = self.prerelease.unwrap_or_default();
        if prerelease.split('.').any(has_leading_zero) {
            return Err(VersionError::LeadingZero(shorten(text)));
        }
        Ok(Version {
            major: number(Some(self.major))?,
            minor: number(self.minor)?,
            patch: number(self.patch)?,
            prerelease: prerelease.to_owned(),
            build: self.build.unwrap_or_default().to_owned(),
        })
    }
}

fn compare_prereleases(mine: &str, theirs: &str) -> Ordering {
    let (mut mine, mut theirs) = (mine.split('.'), theirs.split('.'));
    loop {
        let (a, b) = match (mine.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            // To Masterminds/semver a missing identifier and an empty one are the same.
            (a, b) => (a.unwrap_or_default(), b.unwrap_or_default()),
        };
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            _ if a.is_empty() || b.is_empty() => b.is_empty().cmp(&a.is_empty()),
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Whether an identifier is a number with a needless zero in front: `01`, but not `0` or `0a`.
fn has_leading_zero(identifier: &str) -> bool {
    identifier.len() > 1
        && identifier.starts_with('0')
        && identifier.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The first 160 characters of a text, for an error.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_helm_reads() {
        // Text, what NewVersion makes of it, whether StrictNewVersion accepts it: the answers of Helm 4.2.3.
        let table = [
            ("1.2.3", Some("1.2.3"), true),
            ("1.2.3-alpha.1+build.5", Some("1.2.3-alpha.1+build.5"), true),
            ("1.2.3--", Some("1.2.3--"), true),
            ("1.2.3+01", Some("1.2.3+01"), true),
            ("v1.2.3", Some("1.2.3"), false),
            ("1", Some("1.0.0"), false),
            ("1.2", Some("1.2.0"), false),
            ("01.0.0", Some("1.0.0"), false),
            ("1.2-beta", Some("1.2.0-beta"), false),
            ("18446744073709551615.0.0", Some("18446744073709551615.0.0"), true),
            ("18446744073709551616.0.0", None, false),
            ("1.2.3-01", None, false),
            ("1.2.3-", None, false),
            ("1.2.3+", None, false),
            ("1.2.3-a..b", None, false),
            ("1.0.0+a_b", None, false),
            ("V1.2.3", None, false),
            ("1.2.3.4", None, false),
            ("1.x", None, false),
            (" 1.2.3", None, false),
            ("-1.2.3", None, false),
            ("latest", None, false),
            ("", None, false),
        ];
        for (text, lenient, strict) in table {
            let read = Version::parse_lenient(text).ok().map(|version| version.to_string());
            assert_eq!(read.as_deref(), lenient, "`{text}`");
            assert_eq!(Version::parse_strict(text).is_ok(), strict, "`{text}`");
        }
    }

    #[test]
    fn orders_by_precedence() {
        let ascending = [
            "0.0.1",
            "0.1.0",
            "1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0--1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
            "2.0.0",
        ];
        let versions: Vec<_> = ascending.iter().map(|text| Version::parse_strict(text).unwrap()).collect();
        for (i, a) in versions.iter().enumerate() {
            for (j, b) in versions.iter().enumerate() {
                assert_eq!(a.precedence(b), i.cmp(&j), "{a} and {b}");
            }
        }
        let build = Version::parse_strict("1.0.0+build").unwrap();
        assert!(build.precedence(&Version::parse_strict("1.0.0").unwrap()).is_eq());
    }

    #[test]
    fn says_what_is_wrong() {
        let table = [
            ("one", "invalid version `one`: expected MAJOR.MINOR.PATCH"),
            ("1.2", "invalid version `1.2`: expected MAJOR.MINOR.PATCH"),
            ("1.02.3", "invalid version `1.02.3`: a number cannot start with 0"),
            ("99999999999999999999.0.0", "invalid version `99999999999999999999.0.0`: a number is too large"),
        ];
        for (text, expected) in table {
            assert_eq!(Version::parse_strict(text).unwrap_err().to_string(), expected);
        }
    }
}
