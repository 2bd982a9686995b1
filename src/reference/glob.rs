//! Matches references with patterns of `*` and `?`.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::full::Reference;

/// A pattern for references as they are printed: `*` stands for any characters, also `/` and `:`, and `?` for any
/// single one. `oci://` in front makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| c.fmt(f))
    }
}

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(without_scheme(text).chars().collect()))
    }
}

impl Glob {
    /// Whether the pattern matches the whole reference.
    pub fn matches(&self, reference: &Reference) -> bool {
        let text: Vec<_> = without_scheme(&reference.to_string()).chars().collect();
        self.matches_text(&text)
    }

    /// Whether it is a pattern of this name, all of it.
    pub fn matches_name(&self, name: &str) -> bool {
        self.matches_text(&name.chars().collect::<Vec<_>>())
    }

    fn matches_text(&self, text: &[char]) -> bool {
        let (mut at, mut in_text) = (0, 0);
        // The place of the last `*` in the pattern, and the place in the text up to which it matches. If the rest does
        // not match, it takes one character more.
        let mut star: Option<(usize, usize)> = None;
        while in_text < text.len() {
            match self.0.get(at) {
                Some('*') => {
                    star = Some((at, in_text));
                    at += 1;
                }
                Some(c) if *c == '?' || *c == text[in_text] => {
                    at += 1;
                    in_text += 1;
                }
                _ => {
                    let Some((star_at, taken)) = star else { return false };
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    in_text = taken + 1;
                }
            }
        }
        self.0[at..].iter().all(|c| *c == '*')
    }
}

fn without_scheme(text: &str) -> &str {
    text.strip_prefix("oci://").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_references() {
        for (glob, reference, expected) in [
            ("*", "localhost:5000/a/b:1", true),
            ("localhost:5000/*", "localhost:5000/a/b:1", true),
            ("oci://localhost:5000/*", "localhost:5000/a/b:1", true),
            ("harbor/*", "oci://harbor/a:1", true),
            ("localhost:5000/a", "localhost:5000/a:1", false),
            ("localhost:5000/a:1", "localhost:5000/a:1", true),
            ("*:1.?", "localhost:5000/a:1.2", true),
            ("*:1.?", "localhost:5000/a:1.22", false),
            ("*-rc*", "localhost:5000/a:1.0.0-rc.1", true),
            ("*a*a*", "localhost:5000/b:1", false),
            ("**:1", "localhost:5000/b:1", true),
            ("", "localhost:5000/b:1", false),
        ] {
            let found = glob.parse::<Glob>().unwrap().matches(&reference.parse().unwrap());
            assert_eq!(found, expected, "{glob} of {reference}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let glob: Glob = "*a".repeat(50).parse().unwrap();
        let text: Vec<_> = "a".repeat(49).chars().chain("b".repeat(2000).chars()).collect();
        assert!(!glob.matches_text(&text));
    }
}
