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
        Self { rules: Rule::parse(DEFAULT).into_iter().collect() }
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
            rules.extend(Rule::parse(rule));
        }
        rules.extend(Self::empty().rules);
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
    /// Takes a trimmed line apart; blank ones are no rule.
    fn parse(rule: &str) -> Option<Self> {
        if rule.is_empty() {
            return None;
        }
        let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest));
        let (only_directories, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let place = if rule.contains('/') { Place::Path } else { Place::Name };
        // Helm takes one leading `/` off each time that it asks a rule, so that from the second path on none is left.
        let pattern = rule.trim_start_matches('/').to_owned();
        Some(Self { negated, only_directories, place, pattern })
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
}
