//! Reads `.helmignore` as Helm does (pkg/ignore/rules.go; its meaning has not changed from v3.0 to v4.2).
//!
//! It looks like `.gitignore` but differs. Rules are tried in order, and the first one that decides is final. A rule
//! with `!` ignores everything that does *not* match it. A rule without `/` is compared with the last component of the
//! path alone. `**` is an error. If a directory is ignored, nothing in it is looked at.
//!
//! A rule can only decide that a file is ignored, so the order of the rules makes no difference. Of thousands of rules,
//! only those are tried whose literal beginning or end the path has.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pattern;
use crate::limits::{MAX_IGNORE, MAX_IGNORE_STEPS};

/// The rule that Helm adds to those of every chart: hidden files directly in `templates/` are ignored
/// (`Rules.AddDefaults`).
const DEFAULT: &str = "templates/.?*";

/// The rules of a chart.
#[derive(Debug)]
pub(super) struct Rules {
    text: String,
    /// The rules with a `!`.
    negated: Vec<Rule>,
    /// The rules that are compared with the last component of a path.
    of_names: RuleIndex,
    /// The rules that are compared with the whole path.
    of_paths: RuleIndex,
    /// How many steps all comparisons so far have taken.
    steps: AtomicU64,
    /// How many steps all comparisons together may take.
    most: u64,
}

/// Why a `.helmignore` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// A rule has `**`, which Helm refuses.
    #[error("line {line}: `{rule}`: double-star (**) syntax is not supported")]
    DoubleStar {
        /// The number of its line, from 1.
        line: usize,
        /// The rule as it is written, at most its first 160 characters.
        rule: String,
    },
    /// A rule is malformed for Go's `filepath.Match`.
    #[error("line {line}: `{rule}`: syntax error in pattern")]
    Pattern {
        /// The number of its line, from 1.
        line: usize,
        /// The rule as it is written, at most its first 160 characters.
        rule: String,
    },
    /// The file is larger than [`MAX_IGNORE`].
    #[error("it is larger than the limit of {} MiB", MAX_IGNORE >> 20)]
    TooLarge,
    /// Comparing the files of the chart with the rules takes too many steps.
    #[error(
        "to compare the chart's files with its rules takes more than the limit of {MAX_IGNORE_STEPS} steps"
    )]
    TooManySteps,
}

impl Rules {
    /// The rules of a chart without a `.helmignore`: only the default rule.
    pub(super) fn empty() -> Self {
        Self::of(DEFAULT.to_owned(), vec![range(0, DEFAULT.len())])
    }

    /// Reads a `.helmignore`. The default rule is added after the rules of the file.
    pub(super) fn parse(text: &str) -> Result<Self, IgnoreError> {
        if text.len() as u64 > MAX_IGNORE {
            return Err(IgnoreError::TooLarge);
        }
        let text = format!("{}\n{DEFAULT}", text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut rules: Vec<Range<u32>> = Vec::new();
        let mut start = 0;
        for (number, line) in text.split('\n').enumerate() {
            let rule = line.trim();
            let at = start + (line.len() - line.trim_start().len());
            start += line.len() + 1;
            if rule.is_empty() || rule.starts_with('#') {
                continue;
            }
            let place = || (number + 1, rule.chars().take(160).collect());
            if rule.contains("**") {
                let (line, rule) = place();
                return Err(IgnoreError::DoubleStar { line, rule });
            }
            // As in Helm, the whole rule is tried as a pattern, with its `!` and `/`.
            if pattern::matches(rule, "abc", &mut 0).is_err() {
                let (line, rule) = place();
                return Err(IgnoreError::Pattern { line, rule });
            }
            rules.push(range(at, at + rule.len()));
        }
        Ok(Self::of(text, rules))
    }

    /// Makes rules of the lines that are in `text` at these ranges.
    fn of(text: String, mut ranges: Vec<Range<u32>>) -> Self {
        // Each rule is kept once, as a file may repeat one very many times.
        ranges.sort_unstable_by(|a, b| slice(&text, a).cmp(slice(&text, b)));
        ranges.dedup_by(|a, b| slice(&text, a) == slice(&text, b));
        let (mut negated, mut of_names, mut of_paths) =
            (Vec::new(), RuleIndex::default(), RuleIndex::default());
        for range in ranges {
            let rule = Rule::parse(&text, &range);
            match (rule.negated, rule.place) {
                (true, _) => negated.push(rule),
                (false, RulePlace::Name) => of_names.add(rule, &text),
                (false, RulePlace::Path) => of_paths.add(rule, &text),
            }
        }
        of_names.sort(&text);
        of_paths.sort(&text);
        Self { text, negated, of_names, of_paths, steps: AtomicU64::new(0), most: MAX_IGNORE_STEPS }
    }

    /// Whether the file or directory at `path`, relative to the chart and separated by `/`, is ignored. An error if all
    /// comparisons together take too many steps.
    pub(super) fn ignores(&self, path: &str, is_dir: bool) -> Result<bool, IgnoreError> {
        if matches!(path, "" | "." | "./") {
            return Ok(false);
        }
        let left = self.most.saturating_sub(self.steps.load(Ordering::Relaxed));
        let mut asked = AskedPath { text: &self.text, path, is_dir, steps: 0, left };
        let ignores = self.negated.iter().any(|rule| !asked.matches(rule))
            || self.of_names.any(&mut asked, name_of(path))
            || self.of_paths.any(&mut asked, path);
        let before = self.steps.fetch_add(asked.steps, Ordering::Relaxed);
        if before.saturating_add(asked.steps) > self.most {
            return Err(IgnoreError::TooManySteps);
        }
        Ok(ignores)
    }
}

/// The last component of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A rule, as the place of its pattern in the text.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// Where the pattern starts in the text; `end` is where it ends.
    start: u32,
    end: u32,
    negated: bool,
    only_directories: bool,
    place: RulePlace,
    well_formed: bool,
}

/// The part of a path that a rule is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RulePlace {
    /// The whole path.
    Path,
    /// The last component.
    Name,
}

impl Rule {
    /// Reads a trimmed line, which is in `text` at `range`.
    fn parse(text: &str, range: &Range<u32>) -> Self {
        let rule = slice(text, range);
        let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest));
        let (only_directories, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let place = if rule.contains('/') { RulePlace::Path } else { RulePlace::Name };
        // Helm removes one leading `/` each time that it applies a rule, so that from the second path on there is none
        // left.
        let pattern = rule.trim_start_matches('/');
        let end = range.end - u32::from(only_directories);
        let start = end - u32::try_from(pattern.len()).unwrap_or(end);
        // A pattern may be malformed only without its last `/` (`a\/`). Helm logs that, and the rule matches nothing.
        let well_formed = pattern::is_well_formed(pattern);
        Self { start, end, negated, only_directories, place, well_formed }
    }

    fn pattern<'t>(&self, text: &'t str) -> &'t str {
        slice(text, &(self.start..self.end))
    }
}

/// Makes a range of 32-bit numbers. The text is limited to far less than 4 GiB.
fn range(start: usize, end: usize) -> Range<u32> {
    let [start, end] = [start, end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    start..end
}

fn slice<'t>(text: &'t str, range: &Range<u32>) -> &'t str {
    text.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// A path that is compared with rules.
struct AskedPath<'a> {
    text: &'a str,
    path: &'a str,
    is_dir: bool,
    steps: u64,
    /// How many steps these comparisons may take. After that, nothing is compared.
    left: u64,
}

impl AskedPath<'_> {
    /// Whether the path matches a rule.
    fn matches(&mut self, rule: &Rule) -> bool {
        self.steps += 1;
        if self.steps > self.left || (rule.only_directories && !self.is_dir) {
            return false;
        }
        let subject = match rule.place {
            RulePlace::Path => self.path,
            RulePlace::Name => name_of(self.path),
        };
        let pattern = rule.pattern(self.text);
        match rule.well_formed {
            true => pattern::well_formed_matches(pattern, subject, &mut self.steps),
            false => pattern::matches(pattern, subject, &mut self.steps).unwrap_or(false),
        }
    }
}

/// Rules that are found by the literal beginning or end of their pattern: by the end, unless the beginning is longer.
#[derive(Debug, Default)]
struct RuleIndex {
    /// Rules with a literal end, sorted by that, read backwards.
    tails: Vec<Keyed>,
    /// Rules with a literal beginning, sorted by that.
    heads: Vec<Keyed>,
    /// Rules that have neither.
    others: Vec<Rule>,
}

/// A rule whose pattern begins or ends with `length` literal bytes.
#[derive(Debug)]
struct Keyed {
    rule: Rule,
    length: u32,
}

/// The end of a text from which it is read.
#[derive(Clone, Copy)]
enum From {
    Head,
    Tail,
}

impl From {
    fn at(self, text: &[u8], number: usize) -> Option<u8> {
        match self {
            Self::Head => text.get(number).copied(),
            Self::Tail => text.len().checked_sub(number + 1).map(|at| text[at]),
        }
    }
}

impl Keyed {
    fn at(&self, from: From, text: &str, number: usize) -> Option<u8> {
        let within = number < self.length as usize;
        within.then(|| from.at(self.rule.pattern(text).as_bytes(), number)).flatten()
    }
}

impl RuleIndex {
    fn add(&mut self, rule: Rule, text: &str) {
        let pattern = rule.pattern(text).as_bytes();
        let is_special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
        let head = pattern.iter().take_while(|byte| !is_special(byte)).count();
        let tail = literal_tail(pattern);
        let keyed = |length| Keyed { rule, length: u32::try_from(length).unwrap_or(0) };
        match rule.well_formed {
            true if tail > 0 && tail >= head => self.tails.push(keyed(tail)),
            true if head > 0 => self.heads.push(keyed(head)),
            _ => self.others.push(rule),
        }
    }

    fn sort(&mut self, text: &str) {
        for (keyed, from) in [(&mut self.tails, From::Tail), (&mut self.heads, From::Head)] {
            keyed.sort_unstable_by(|a, b| {
                let key = |keyed: &Keyed| {
                    let (rule, length) = (keyed.rule, keyed.length as usize);
                    (0..length).map_while(move |number| from.at(rule.pattern(text).as_bytes(), number))
                };
                key(a).cmp(key(b))
            });
        }
    }

    /// Whether any of the rules matches `subject`, which is the path or its last component.
    fn any(&self, asked: &mut AskedPath<'_>, subject: &str) -> bool {
        self.others.iter().any(|rule| asked.matches(rule))
            || any_of(&self.tails, From::Tail, asked, subject.as_bytes())
            || any_of(&self.heads, From::Head, asked, subject.as_bytes())
    }
}

/// Whether any of these rules matches `subject`. They are sorted by their literal bytes, which are compared one by one:
/// after each byte, only the part of the list is left that has all bytes so far.
fn any_of(mut rules: &[Keyed], from: From, asked: &mut AskedPath<'_>, subject: &[u8]) -> bool {
    let mut number = 0;
    loop {
        // Rules whose literal bytes end here come first.
        while let Some((first, others)) = rules.split_first()
            && first.length as usize == number
        {
            if asked.matches(&first.rule) {
                return true;
            }
            rules = others;
        }
        let Some(byte) = from.at(subject, number).filter(|_| !rules.is_empty()) else { return false };
        asked.steps += 2 * u64::from(rules.len().ilog2() + 1);
        let text = asked.text;
        let start = rules.partition_point(|keyed| keyed.at(from, text, number) < Some(byte));
        let end = rules.partition_point(|keyed| keyed.at(from, text, number) <= Some(byte));
        rules = rules.get(start..end).unwrap_or_default();
        number += 1;
    }
}

/// How many bytes at the end of a well-formed pattern are literal.
fn literal_tail(pattern: &[u8]) -> usize {
    let (mut at, mut start) = (0, 0);
    while let Some(byte) = pattern.get(at) {
        at += 1;
        match byte {
            b'*' | b'?' => start = at,
            // An escaped character is written differently from what it matches.
            b'\\' => {
                at += 1;
                start = at;
            }
            b'[' => {
                while let Some(byte) = pattern.get(at)
                    && *byte != b']'
                {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                at += 1;
                start = at;
            }
            _ => {}
        }
    }
    pattern.len().saturating_sub(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
        .git/config .hidden Chart.yaml a a*b b dir/a dir/sub/a dir/sub/b foo.txt foo/bar.txt foo/foo/foo.txt \
        templates/.hid templates/a.yaml templates/sub/.hid #hash !bang";

    fn ignores(rules: &Rules, path: &str, is_dir: bool) -> bool {
        rules.ignores(path, is_dir).unwrap()
    }

    /// The paths that are left of a tree. A file is also ignored if a directory above it is.
    fn kept(rules: &Rules) -> Vec<&'static str> {
        let kept = |file: &&str| {
            let above = file.match_indices('/').map(|(at, _)| &file[..at]);
            !above.into_iter().any(|directory| ignores(rules, directory, true))
                && !ignores(rules, file, false)
        };
        TREE.split_whitespace().filter(kept).collect()
    }

    #[test]
    fn ignores_what_helm_ignores() {
        // Rules, and the files that they remove: the results of `helm package` of Helm 3.10.1.
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
            // The first rule that decides is final, so no later rule can bring a file back.
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
            assert!(!ignores(&rules, path, true), "`{path}`");
        }
        assert!(ignores(&rules, "a", false));
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

    /// Helm's way: each rule in its order.
    fn by_the_book(lines: &[String], path: &str, is_dir: bool) -> bool {
        for line in lines {
            let (negated, rule) = line.strip_prefix('!').map_or((false, line.as_str()), |rest| (true, rest));
            let (only_directories, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
            let subject = if rule.contains('/') { path } else { name_of(path) };
            let matched = (is_dir || !only_directories)
                && pattern::matches(rule.trim_start_matches('/'), subject, &mut 0).unwrap_or(false);
            if matched != negated {
                return true;
            }
        }
        false
    }

    #[test]
    fn the_order_of_rules_and_how_they_are_found_make_no_difference() {
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let parts = ["a", "b", "ab", "*", "?", "[ab]", "[^a]", "\\a", "\\*", "/", "é", "*", "a/"];
        let (mut compared, mut ignored) = (0, 0);
        for _ in 0..20_000 {
            let lines: Vec<String> = (0..1 + random(6))
                .map(|_| {
                    let negation = if random(8) == 0 { "!" } else { "" };
                    let pattern: String = (0..1 + random(4)).map(|_| parts[random(parts.len())]).collect();
                    format!("{negation}{pattern}")
                })
                .collect();
            let Ok(rules) = Rules::parse(&lines.join("\n")) else { continue };
            for path in ["a", "b", "ab", "aab", "a/b", "b/ab", "é", "a/é", "a*", "ba/a*b"] {
                let is_dir = random(2) == 0;
                let expected = by_the_book(&lines, path, is_dir);
                assert_eq!(ignores(&rules, path, is_dir), expected, "{lines:?} for {path}");
                compared += 1;
                ignored += usize::from(expected);
            }
        }
        assert!(compared > 50_000 && ignored > 10_000 && compared > ignored + 10_000, "{compared} {ignored}");
    }

    /// Paths as a chart with very many files may have.
    fn paths() -> Vec<String> {
        (0..1000).map(|n| format!("templates/part-{}/deployment-{n}.yaml", n % 7)).collect()
    }

    /// This many bytes of rules.
    fn rules_of(size: usize, line: impl Fn(usize) -> String) -> Rules {
        let mut text = String::new();
        for number in 0.. {
            let line = line(number);
            if text.len() + line.len() > size {
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        Rules::parse(&text).unwrap()
    }

    #[test]
    fn a_megabyte_of_rules_and_a_thousand_files_take_few_steps() {
        /// What they are, how many bytes of them, and how to write the line of a number.
        type Row = (&'static str, usize, fn(usize) -> String);
        let table: [Row; 8] = [
            ("names", 1_000_000, |n| format!("file-{n}.yaml")),
            ("ends", 1_000_000, |n| format!("*-{n}.txt")),
            ("both", 300_000, |n| format!("a{n}*b{n}")),
            ("paths", 100_000, |n| format!("templates/part-1/{n}.yaml")),
            ("beginnings", 100_000, |n| format!("templates/{n}*")),
            ("directories", 100_000, |n| format!("part-1/{n}/")),
            ("escapes", 100_000, |n| format!("\\#{n}?x")),
            ("the same", 100_000, |_| "*x*".to_owned()),
        ];
        for (what, size, line) in table {
            let rules = rules_of(size, line);
            for path in paths() {
                assert!(!ignores(&rules, &path, false), "{what}: {path}");
            }
            let steps = rules.steps.load(Ordering::Relaxed);
            // A few hundred steps for each file, with about fifty thousand rules.
            assert!(steps < 2_000_000, "{what}: {steps} steps");
        }
    }

    #[test]
    fn what_takes_too_many_steps_is_an_error_that_says_so() {
        for line in [|n| format!("*x{n}*"), |n| format!("!*[^{n}x]*"), |n| format!("tx{n}*[")] {
            let mut rules = rules_of(300_000, line);
            rules.most = 3_000_000;
            let failed = paths().iter().find_map(|path| rules.ignores(path, false).err());
            assert_eq!(failed, Some(IgnoreError::TooManySteps), "{}", line(1));
            // It stops soon after the limit.
            let steps = rules.steps.load(Ordering::Relaxed);
            assert!(steps < rules.most + 300_000, "{}: {steps}", line(1));
        }
        let large = "x".repeat(usize::try_from(MAX_IGNORE).unwrap() + 1);
        assert_eq!(Rules::parse(&large).unwrap_err(), IgnoreError::TooLarge);
    }
}
