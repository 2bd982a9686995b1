//! `.helmignore`, as Helm reads it (pkg/ignore/rules.go, unchanged in meaning from v3.0 to v4.2).
//!
//! It looks like `.gitignore` and is not: rules are asked in order and the first that decides ends the matter, a rule
//! with `!` ignores everything that does *not* match it, a rule without `/` is compared with the last component alone,
//! and `**` is an error. What a directory holds is never asked for once the directory itself is ignored.

use super::pattern;

/// What Helm adds to every chart's rules: hidden files right below `templates/` (`Rules.AddDefaults`).
const DEFAULT: &str = "templates/.?*";

/// The rules of one chart.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

/// Why a text is not a `.helmignore`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// `**` in a rule.
    #[error("line {line}: `{rule}`: double-star (**) syntax is not supported")]
    DoubleStar {
        /// Where it stands, counted from 1.
        line: usize,
        /// The rule as it is written.
        rule: String,
    },
    /// A rule that Go's `filepath.Match` refuses.
    #[error("line {line}: `{rule}`: syntax error in pattern")]
    Pattern {
        /// Where it stands, counted from 1.
        line: usize,
        /// The rule as it is written.
        rule: String,
    },
}

impl Rules {
    /// The rules of a chart without a `.helmignore`: the default rule alone.
    pub(super) fn empty() -> Self {
        Self { rules: vec![Rule::parse(DEFAULT)] }
    }

    /// Reads a `.helmignore`. The default rule comes after the file's own.
    pub(super) fn parse(text: &str) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Vec::new();
        for (number, line) in text.split('\n').enumerate() {
            let rule = line.trim();
            if rule.is_empty() || rule.starts_with('#') {
                continue;
            }
            let place = || (number + 1, rule.chars().take(160).collect());
            if rule.contains("**") {
                let (line, rule) = place();
                return Err(IgnoreError::DoubleStar { line, rule });
            }
            // As in Helm the whole rule is tried, with its `!` and `/`.
            if pattern::matches(rule, "abc").is_err() {
                let (line, rule) = place();
                return Err(IgnoreError::Pattern { line, rule });
            }
            rules.push(Rule::parse(rule));
        }
        rules.push(Rule::parse(DEFAULT));
        Ok(Self { rules })
    }

    /// Whether the file or directory at `path`, relative to the chart and separated by `/`, is left out.
    pub(super) fn ignores(&self, path: &str, is_dir: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.rules {
            let matched = (is_dir || !rule.only_directories) && rule.matches(path);
            if matched != rule.negated {
                return true;
            }
        }
        false
    }
}

#[derive(Debug, Clone)]
struct Rule {
    negated: bool,
    only_directories: bool,
    place: Place,
    pattern: String,
}

/// What a rule is compared with.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The whole path.
    Path,
    /// The last component.
    Name,
}

impl Rule {
    /// Takes a trimmed line apart.
    fn parse(rule: &str) -> Self {
        let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest));
        let (only_directories, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let place = if rule.contains('/') { Place::Path } else { Place::Name };
        // Helm takes one leading `/` off each time that it asks a rule, so that from the second path on none is left.
        let pattern = rule.trim_start_matches('/').to_owned();
        Self { negated, only_directories, place, pattern }
    }

    fn matches(&self, path: &str) -> bool {
        let subject = match self.place {
            Place::Path => path,
            Place::Name => path.rsplit('/').next().unwrap_or(path),
        };
        // A pattern can be malformed without its `/` (`a\/`): Helm logs that and takes it for no match.
        pattern::matches(&self.pattern, subject).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
        .git/config .hidden Chart.yaml a a*b b dir/a dir/sub/a dir/sub/b foo.txt foo/bar.txt foo/foo/foo.txt \
        templates/.hid templates/a.yaml templates/sub/.hid #hash !bang";

    /// What is left of the tree: a file is out too where a directory above it is.
    fn kept(rules: &Rules) -> Vec<&'static str> {
        let kept = |file: &&str| {
            let above = file.match_indices('/').map(|(at, _)| &file[..at]);
            !above.into_iter().any(|directory| rules.ignores(directory, true)) && !rules.ignores(file, false)
        };
        TREE.split_whitespace().filter(kept).collect()
    }

    #[test]
    fn ignores_what_helm_ignores() {
        // Rules and what they take away. Each was packaged with Helm 3.10.1.
        #[rustfmt::skip]
        let table: &[(&str, &str)] = &[
            ("", "templates/.hid"),
            ("a", "a dir/a dir/sub/a templates/.hid"),
            ("  a \t", "a dir/a dir/sub/a templates/.hid"),
            ("a\r\nb\r\n", "a b dir/a dir/sub/a dir/sub/b templates/.hid"),
            ("\u{feff}b", "b dir/sub/b templates/.hid"),
            ("\u{feff}#b", "templates/.hid"),
            ("#hash", "templates/.hid"),
            ("\\#hash", "templates/.hid #hash"),
            ("\\!bang", "templates/.hid !bang"),
            ("/a", "a templates/.hid"),
            ("a/", "templates/.hid"),
            ("/", "templates/.hid"),
            ("dir", "dir/a dir/sub/a dir/sub/b templates/.hid"),
            ("sub/", "dir/sub/a dir/sub/b templates/.hid templates/sub/.hid"),
            ("/sub/", "templates/.hid"),
            ("dir/sub/", "dir/sub/a dir/sub/b templates/.hid"),
            ("dir/../a", "templates/.hid"),
            ("foo/*", "foo/bar.txt foo/foo/foo.txt templates/.hid"),
            ("foo/*/", "foo/foo/foo.txt templates/.hid"),
            ("*/a", "dir/a templates/.hid"),
            ("*.txt", "foo.txt foo/bar.txt foo/foo/foo.txt templates/.hid"),
            ("/*.txt", "foo.txt templates/.hid"),
            (".?*", ".git/config .hidden templates/.hid templates/sub/.hid"),
            ("a\\*b", "a*b templates/.hid"),
            ("a[^x]b", "a*b templates/.hid"),
            ("dir[^x]a", "templates/.hid"), // Without a `/` of its own it sees names alone.
            ("dir[^x]su*/*", "dir/sub/a dir/sub/b templates/.hid"),
            ("{a,b}", "templates/.hid"),
            ("foo\\/", "templates/.hid"), // Malformed once its `/` is off: no match.
            ("z*[", "templates/.hid"), // Malformed beyond where the match ended: not seen.
            ("!*", "templates/.hid"),
            ("!Chart.yaml", ".git/config .hidden a a*b b dir/a dir/sub/a dir/sub/b foo.txt foo/bar.txt foo/foo/foo.txt \
                templates/.hid templates/a.yaml templates/sub/.hid #hash !bang"),
            ("!*a*\n!?*\n", ".git/config .hidden b dir/a dir/sub/a dir/sub/b foo.txt foo/bar.txt foo/foo/foo.txt \
                templates/.hid templates/sub/.hid"),
            // The first rule that decides ends the matter: what follows cannot bring anything back.
            ("a\n!*", "a dir/a dir/sub/a templates/.hid"),
        ];
        for (text, expected) in table {
            let kept = kept(&Rules::parse(text).unwrap());
            let gone: Vec<_> = TREE.split_whitespace().filter(|file| !kept.contains(file)).collect();
            assert_eq!(gone, expected.split_whitespace().collect::<Vec<_>>(), "{text:?}");
        }
        assert_eq!(kept(&Rules::empty()), kept(&Rules::parse("").unwrap()));
    }

    #[test]
    fn never_ignores_the_chart_itself() {
        let rules = Rules::parse("*\n!nothing").unwrap();
        for path in ["", ".", "./"] {
            assert!(!rules.ignores(path, true), "`{path}`");
        }
        assert!(rules.ignores("a", false));
    }

    #[test]
    fn refuses_what_helm_refuses() {
        let table = [
            ("a\n\n**/b", "line 3: `**/b`: double-star (**) syntax is not supported"),
            ("a**", "line 1: `a**`: double-star (**) syntax is not supported"),
            ("[", "line 1: `[`: syntax error in pattern"),
            ("# x\n[a", "line 2: `[a`: syntax error in pattern"),
            ("[]", "line 1: `[]`: syntax error in pattern"),
            ("a\\", "line 1: `a\\`: syntax error in pattern"),
            ("*[", "line 1: `*[`: syntax error in pattern"),
        ];
        for (text, expected) in table {
            assert_eq!(Rules::parse(text).unwrap_err().to_string(), expected, "{text:?}");
        }
    }
}
