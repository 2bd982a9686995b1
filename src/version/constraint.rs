//! Version constraints, the language of Helm's `--version`, as the Go package Masterminds/semver reads them
//! (constraints.go).
//!
//! The package has changed its mind about prereleases. This is its v3.5, which Helm 4.2 has: a comparison that names a
//! prerelease admits prereleases for all comparisons beside it, as in `>=1.0.0-0, <2`. In v3.1, which Helm 3.10 has,
//! each comparison had to name one.

use std::cmp::Ordering;

use super::semantic::{Spelled, Version, shorten};

/// A constraint: one of several alternatives must hold, each of which is a list of comparisons that must all hold.
#[derive(Debug, Clone)]
pub struct Constraint {
    alternatives: Vec<Vec<Comparison>>,
}

/// The error of a text that is not a constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid version constraint `{0}`: expected comparisons like `>=1.2, <2`, `^1.2`, `~1.2`, `1.2.x` or `1 - 2`"
)]
pub struct ConstraintError(String);

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// The first of the three numbers that the text leaves open: in `1.x` the minor version.
    open: OpenBound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenBound {
    Major,
    Minor,
    Patch,
    Nothing,
}

impl Constraint {
    /// The constraint `*`, which every release satisfies.
    pub fn any() -> Self {
        Self { alternatives: vec![Vec::new()] }
    }

    /// Reads a constraint. The empty text is an error.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        let error = || ConstraintError(shorten(text));
        let text = rewrite_ranges(text);
        let alternatives = text.split("||").map(parse_comparisons).collect::<Option<_>>();
        Ok(Self { alternatives: alternatives.ok_or_else(error)? })
    }

    /// Whether `version` satisfies the constraint. A prerelease can only satisfy an alternative in which some
    /// comparison names a prerelease.
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let welcome = version.prerelease().is_empty()
                || all.iter().any(|comparison| !comparison.version.prerelease().is_empty());
            welcome && all.iter().all(|comparison| comparison.holds(version))
        })
    }
}

/// Reads comparisons that are separated by commas or white space. None if the text is anything else.
fn parse_comparisons(text: &str) -> Option<Vec<Comparison>> {
    let mut rest = skip_spaces(text);
    let mut comparisons = Vec::new();
    loop {
        let operator = rest.len() - rest.trim_start_matches(['=', '!', '<', '>', '~', '^']).len();
        let (operator, after) = rest.split_at(operator);
        let after = skip_spaces(after);
        let spelled = Spelled::read(after, is_number_or_wildcard)?;
        comparisons.push(Comparison::new(operator, &spelled)?);
        let after = &after[spelled.len..];
        rest = skip_spaces(after);
        if rest.is_empty() {
            return Some(comparisons);
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = skip_spaces(next),
            None if rest.len() < after.len() => {}
            None => return None,
        }
    }
}

impl Comparison {
    fn new(operator: &str, spelled: &Spelled<'_>) -> Option<Self> {
        let operator = match operator {
            "" | "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterOrEqual,
            "<=" | "=<" => Operator::LessOrEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => return None,
        };
        let given = |part: Option<&'_ str>| part.is_some_and(|part| !matches!(part, "x" | "X" | "*"));
        // Numbers after an open one are ignored: `1.x.x` means `1`, and so does `1.x.5`.
        let (open, known) = if !given(Some(spelled.major)) {
            (OpenBound::Major, 0)
        } else if !given(spelled.minor) {
            (OpenBound::Minor, 1)
        } else if !given(spelled.patch) {
            (OpenBound::Patch, 2)
        } else {
            (OpenBound::Nothing, 3)
        };
        let numbers = [Some(spelled.major), spelled.minor, spelled.patch];
        let mut full = ["0"; 3];
        for (number, spelled) in full.iter_mut().zip(numbers).take(known) {
            *number = spelled?;
        }
        let text = match spelled.prerelease {
            Some(prerelease) => format!("{}-{prerelease}", full.join(".")),
            None => full.join("."),
        };
        Some(Self { operator, version: Version::parse_lenient(&text).ok()?, open })
    }

    fn holds(&self, version: &Version) -> bool {
        let order = version.precedence(&self.version);
        match self.operator {
            Operator::Equal if self.open == OpenBound::Nothing => order.is_eq(),
            Operator::Equal | Operator::Tilde => self.tilde(version, order),
            Operator::NotEqual => self.not_equal(version, order),
            Operator::Greater => self.greater(version, order),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => self.less_or_equal(version, order),
            Operator::Caret => self.caret(version, order),
        }
    }

    fn not_equal(&self, version: &Version, order: Ordering) -> bool {
        let bound = &self.version;
        match self.open {
            OpenBound::Major | OpenBound::Nothing => order.is_ne(),
            OpenBound::Minor => version.major() != bound.major(),
            OpenBound::Patch => {
                (version.major(), version.minor()) != (bound.major(), bound.minor())
                    || version.prerelease() != bound.prerelease()
            }
        }
    }

    /// Whether `>` holds: `>1` starts at 2.0.0 and `>1.2` at 1.3.0.
    fn greater(&self, version: &Version, order: Ordering) -> bool {
        let bound = &self.version;
        match self.open {
            OpenBound::Major | OpenBound::Nothing => order.is_gt(),
            OpenBound::Minor => version.major() > bound.major(),
            OpenBound::Patch => (version.major(), version.minor()) > (bound.major(), bound.minor()),
        }
    }

    /// Whether `<=` holds: `<=1` ends before 2.0.0 and `<=1.2` before 1.3.0.
    fn less_or_equal(&self, version: &Version, order: Ordering) -> bool {
        let bound = &self.version;
        match self.open {
            OpenBound::Nothing => order.is_le(),
            OpenBound::Minor => version.major() <= bound.major(),
            OpenBound::Major | OpenBound::Patch => {
                (version.major(), version.minor()) <= (bound.major(), bound.minor())
            }
        }
    }

    /// Whether `~` holds: `~1.2.3` and `~1.2` allow other patch versions, `~1` other minor versions, `~*` and `~0.0.0`
    /// all.
    fn tilde(&self, version: &Version, order: Ordering) -> bool {
        let bound = &self.version;
        let zero = (bound.major(), bound.minor(), bound.patch()) == (0, 0, 0);
        if order.is_lt() {
            return false;
        }
        match self.open {
            OpenBound::Major => true,
            OpenBound::Nothing if zero => true,
            OpenBound::Minor => version.major() == bound.major(),
            OpenBound::Patch | OpenBound::Nothing => {
                (version.major(), version.minor()) == (bound.major(), bound.minor())
            }
        }
    }

    /// Whether `^` holds: the first number that is not 0 must stay the same.
    fn caret(&self, version: &Version, order: Ordering) -> bool {
        let bound = &self.version;
        if order.is_lt() {
            return false;
        }
        if bound.major() > 0 || self.open == OpenBound::Minor {
            version.major() == bound.major()
        } else if bound.minor() > 0 || self.open == OpenBound::Patch {
            (version.major(), version.minor()) == (0, bound.minor())
        } else {
            (version.major(), version.minor(), version.patch()) == (0, 0, bound.patch())
        }
    }
}

/// Rewrites each `1.2 - 3` as `>= 1.2, <= 3`. Masterminds/semver does so before it reads anything else, with a regular
/// expression that matches anywhere in the text; it reads only the result.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((low, high, after)) = read_range(rest) {
            rewritten.push_str(">= ");
            rewritten.push_str(low);
            rewritten.push_str(", <= ");
            rewritten.push_str(high);
            rewritten.push(' ');
            rest = after;
        } else {
            rewritten.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    rewritten
}

/// Reads a hyphen range such as ` 1.2 - 3 `, and returns its two ends and the text after it. None if the text does not
/// begin with one.
fn read_range(text: &str) -> Option<(&str, &str, &str)> {
    let read = |text| Spelled::read(text, is_number_or_wildcard).map(|spelled| spelled.len);
    let spaces = |text| Some(skip_spaces(text)).filter(|after| after.len() < text.len());

    let text = skip_spaces(text);
    let (low, text) = text.split_at(read(text)?);
    let text = spaces(spaces(text)?.strip_prefix('-')?)?;
    let (high, text) = text.split_at(read(text)?);
    Some((low, high, skip_spaces(text)))
}

/// Whether a byte may be part of a number or a wildcard. The `|` is a mistake in the regular expression of
/// Masterminds/semver; its only effect is that `1 - 2||3 - 4` is an error.
fn is_number_or_wildcard(byte: &u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

/// Skips the characters that `\s` matches in Go: no vertical tab, and none outside of ASCII.
fn skip_spaces(text: &str) -> &str {
    text.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_what_helm_matches() {
        // Constraint, versions that satisfy it, versions that do not: the answers of Helm 4.2.3 (`semverCompare`).
        #[rustfmt::skip]
        let table: &[(&str, &[&str], &[&str])] = &[
            ("1.2.3", &["1.2.3", "1.2.3+build"], &["1.2.4", "1.2.3-a"]),
            ("=v1.2.3", &["1.2.3"], &["1.2.4"]),
            ("=1.2", &["1.2.0", "1.2.9"], &["1.3.0", "1.2.0-a"]),
            ("!=1.2.3", &["1.2.4"], &["1.2.3", "1.2.3+b", "1.2.4-a"]),
            ("!=1.2", &["1.3.0"], &["1.2.0", "1.2.9"]),
            ("!=1", &["2.0.0", "0.9.0"], &["1.0.0", "1.9.9"]),
            ("!=x", &["0.0.1", "1.0.0"], &["0.0.0"]),
            (">1.2.3", &["1.2.4", "2.0.0"], &["1.2.3", "1.3.0-a"]),
            (">1.2", &["1.3.0"], &["1.2.9"]),
            (">1", &["2.0.0"], &["1.9.9"]),
            (">*", &["0.0.1"], &["0.0.0"]),
            ("<1.2", &["1.1.9"], &["1.2.0"]),
            (">=1.2", &["1.2.0", "2.0.0"], &["1.1.9"]),
            ("=>1.2.3", &["1.2.3"], &["1.2.2"]),
            ("<=1.2", &["1.2.9", "1.0.0"], &["1.3.0"]),
            ("<=1", &["1.9.9"], &["2.0.0"]),
            ("=<1.2.3", &["1.2.3"], &["1.2.4"]),
            ("<=x", &["0.0.9"], &["0.1.0", "1.0.0"]),
            ("~1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0"]),
            ("~1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
            ("~>1", &["1.0.0", "1.9.0"], &["2.0.0"]),
            ("~*", &["0.0.0", "9.0.0"], &["1.0.0-a"]),
            ("~0.0.0", &["0.0.0", "9.0.0"], &[]),
            ("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0"]),
            ("^1", &["1.0.0", "1.9.0"], &["2.0.0", "0.9.0"]),
            ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "0.2.2"]),
            ("^0.0.3", &["0.0.3"], &["0.0.4", "0.1.0"]),
            ("^0.0", &["0.0.0", "0.0.9"], &["0.1.0"]),
            ("^0", &["0.0.0", "0.9.0"], &["1.0.0"]),
            ("^*", &["0.0.0"], &["0.1.0", "1.0.0"]),
            ("*", &["0.0.0", "9.9.9"], &["1.0.0-a"]),
            ("1.X", &["1.0.0", "1.9.0"], &["2.0.0"]),
            ("1.*.5", &["1.0.0", "1.9.0"], &["2.0.0"]),
            (">=1.0.0, <2", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.9"]),
            (">= 1.0.0 < 2", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.9"]),
            ("^1 || ^3", &["1.5.0", "3.0.0"], &["2.0.0"]),
            ("1.2 - 1.4", &["1.2.0", "1.4.9"], &["1.1.9", "1.5.0"]),
            ("1 - 2 || 4 - 5", &["1.0.0", "5.9.0"], &["3.0.0"]),
            ("1 - 3 !=2.0.0", &["1.0.0", "2.0.1"], &["2.0.0"]),
            // Prereleases: a comparison that names one admits them for the comparisons beside it, and for no others.
            (">0.0.0-0", &["0.0.0", "1.0.0-a"], &["0.0.0-0"]),
            (">=1.0.0-0, <2", &["1.0.0-a", "1.5.0-a", "2.0.0-a"], &["2.0.0", "0.9.0-a"]),
            ("~1.2.3-beta.2", &["1.2.3-beta.11", "1.2.4-a", "1.2.3"], &["1.2.3-beta.1", "1.3.0-a"]),
            ("1.2.x-0", &["1.2.0-a", "1.2.3"], &["1.3.0-a"]),
            ("^1.0.0-0 || ^2", &["1.5.0-a", "2.0.0"], &["2.0.0-a", "2.5.0-a"]),
        ];
        for (text, inside, outside) in table {
            let constraint = Constraint::parse(text).unwrap();
            let matches = |version: &str| constraint.matches(&Version::parse_lenient(version).unwrap());
            for version in *inside {
                assert!(matches(version), "`{text}` with {version}");
            }
            for version in *outside {
                assert!(!matches(version), "`{text}` with {version}");
            }
        }
    }

    #[test]
    fn refuses_what_helm_refuses() {
        let table = [
            "",
            " ",
            "||",
            "1 ||",
            "latest",
            ">",
            "==1",
            "> =1",
            ">=1<2",
            ">1,",
            ",>1",
            ">1,,<2",
            "1.2.3.4",
            "1xx",
            "V1",
            "1 -2",
            "1.2.3-01",
            "1.2.3-",
            "1 & 2",
            "1 - 2||3 - 4",
            "99999999999999999999",
            "1\u{b}2",
        ];
        for text in table {
            assert!(Constraint::parse(text).is_err(), "`{text}`");
        }
    }
}
