//! Reads command lines as users of helm and docker write them: `--flag=value`, `-uUSER`, `--switch=false`, `--version`,
//! `--debug`. The argument parser only understands `--flag value`, so the words are rewritten for it.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

use super::failure::CommandFailure;
use super::misused;

/// The arguments of an executable, without its name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ArgumentWords {
    /// The arguments for the parser, rewritten.
    pub(super) words: Vec<String>,
    /// Whether the arguments are `--version` alone, which asks for the executable's version.
    pub(super) want_version: bool,
    /// The value of `--debug`, which every executable takes, if it is given.
    pub(super) debug: Option<bool>,
}

/// Reads the arguments that this process was called with. An error for one that is not UTF-8.
pub(super) fn read(name: &str, info: &CommandInfoWithArgs) -> Result<ArgumentWords, CommandFailure> {
    let mut words = Vec::new();
    for word in std::env::args_os().skip(1) {
        match word.into_string() {
            Ok(word) => words.push(word),
            Err(word) => {
                let shown = word.to_string_lossy();
                return Err(CommandFailure::usage(format!("the argument `{shown}` is not UTF-8")));
            }
        }
    }
    normalise(name, info, words)
}

/// The value that a word gives `--debug`; `None` if it is another word.
pub(super) fn debug(word: &str) -> Option<bool> {
    match word {
        "--debug" | "--debug=true" => Some(true),
        "--debug=false" => Some(false),
        _ => None,
    }
}

fn normalise(
    name: &str,
    info: &CommandInfoWithArgs,
    words: Vec<String>,
) -> Result<ArgumentWords, CommandFailure> {
    let flags = info.flags;
    // Next to other words `--version` means a chart's version, as with Helm (`helm pull --version`). If it printed our
    // version and succeeded, a script would believe that the command was done.
    if words.iter().filter(|word| debug(word).is_none()).eq(["--version"]) {
        return Ok(ArgumentWords { want_version: true, ..ArgumentWords::default() });
    }
    let (mut out, mut debugs) = (Vec::new(), None);
    let long = |name: &str| flags.iter().find(|flag| flag.long == name);
    let short = |letter: char| flags.iter().find(|flag| flag.short == Some(letter));
    let takes_value = |flag: &FlagInfo<'_>| matches!(flag.kind, FlagInfoKind::Option { .. });
    let (all, mut dashes) = (words.clone(), Vec::new());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            out.push(word);
            out.extend(words.by_ref());
        } else if let Some(said) = debug(&word) {
            debugs = Some(said);
        } else if long("--version").is_none() && (word == "--version" || word.starts_with("--version=")) {
            let failure =
                CommandFailure::usage("`--version` tells this command's own version, and stands alone");
            let hint = misused::version(name, info, &all).map(str::to_owned);
            return Err(failure.hint(hint.unwrap_or_else(|| misused::help_hint(name))));
        } else if let Some(flag) = word.strip_prefix('-').and_then(|bare| long(&format!("--{bare}"))) {
            // The parser would read `-user` as `-u ser`.
            return Err(CommandFailure::usage(format!("`{word}` has one dash"))
                .hint(format!("here it is {}", flag.long)));
        } else if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
            match long(name) {
                Some(flag) if takes_value(flag) => out.extend([name.to_owned(), value.to_owned()]),
                // Go's flags accept `--switch=true` and `--switch=false`.
                Some(_) => match value {
                    "true" => out.push(name.to_owned()),
                    "false" => {}
                    _ => {
                        return Err(CommandFailure::usage(format!(
                            "`{name}` is true or false, not `{value}`"
                        )));
                    }
                },
                None => out.push(name.to_owned()),
            }
        } else if word.starts_with("--") {
            let value = long(&word).is_some_and(takes_value).then(|| words.next()).flatten();
            out.push(word);
            out.extend(value);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                out.push(format!("-{letter}"));
                if short(letter).is_some_and(takes_value) {
                    let attached = rest.as_str().strip_prefix('=').unwrap_or(rest.as_str());
                    let value =
                        if rest.as_str().is_empty() { words.next() } else { Some(attached.to_owned()) };
                    out.extend(value);
                    break;
                }
            }
        } else if word == "-" || !dashes.is_empty() {
            // Standard input. The parser takes it for a flag, unless it stands behind all of them, and then so does what is behind
            // it.
            dashes.push(word);
        } else {
            out.push(word);
        }
    }
    if !dashes.is_empty() && !out.iter().any(|word| word == "--") {
        out.push("--".to_owned());
    }
    out.extend(dashes);
    Ok(ArgumentWords { words: out, want_version: false, debug: debugs })
}

/// The argument parser's message as one sentence.
pub(super) fn one_line(output: &str) -> String {
    let text = output.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("Run "));
    let sentence = text.collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned();
    if let Some((given, reason)) = unparsed(&sentence) {
        return format!("`{given}`: {}", plainly(reason));
    }
    for missing in ["Required positional arguments not provided: ", "Required options not provided: "] {
        if let Some(names) = sentence.strip_prefix(missing) {
            let names: Vec<_> = names.split_whitespace().map(|name| format!("no {name}")).collect();
            return format!("{} {} given", names.join(" and "), if names.len() > 1 { "are" } else { "is" });
        }
    }
    let mut sentence = sentence;
    if let Some(first) = sentence.get(..1) {
        let lower = first.to_lowercase();
        sentence.replace_range(..1, &lower);
    }
    sentence
}

/// The value that the parser could not convert, and its reason, from either of its two sentences about that.
fn unparsed(sentence: &str) -> Option<(String, &str)> {
    let option = sentence.strip_prefix("Error parsing option '");
    let (name, rest) = match option {
        Some(rest) => rest.split_once("' with value '")?,
        None => sentence.strip_prefix("Error parsing positional argument '")?.split_once("' with value '")?,
    };
    // The value comes from the user, and may contain the same separator.
    let (value, reason) = rest.split_once("': ")?;
    Some((if option.is_some() { format!("{name} {value}") } else { value.to_owned() }, reason))
}

/// The standard library's messages about numbers, in plain words.
fn plainly(reason: &str) -> &str {
    match reason {
        "number would be zero for non-zero type" => "the least is 1",
        "invalid digit found in string" | "cannot parse integer from empty string" => "expected a number",
        "number too large to fit in target type" => "the number is too large",
        reason => reason,
    }
}

#[cfg(test)]
mod tests {
    use argh::{ArgsInfo as _, FromArgs};

    use super::*;

    /// A command.
    #[derive(FromArgs, argh::ArgsInfo)]
    struct Flags {
        /// an option
        #[argh(option, short = 'u')]
        #[allow(dead_code)]
        user: Option<String>,
        /// a switch
        #[argh(switch, short = 'q')]
        #[allow(dead_code)]
        quiet: bool,
        /// another
        #[argh(switch, short = 'f')]
        #[allow(dead_code)]
        force: bool,
    }

    #[test]
    fn all_spellings_become_the_one_that_the_parser_knows() {
        for (given, expected) in [
            ("--user=a b", "--user a b"),
            ("--user a b", "--user a b"),
            ("-u a b", "-u a b"),
            ("-ua b", "-u a b"),
            ("-u=a b", "-u a b"),
            ("-qf b", "-q -f b"),
            ("-qua b", "-q -u a b"),
            ("--user --quiet", "--user --quiet"),
            ("-u -q", "-u -q"),
            ("--user=", "--user "),
            ("--user=a=b", "--user a=b"),
            ("--quiet=true b", "--quiet b"),
            ("--quiet=false b", "b"),
            ("--unknown=x", "--unknown"),
            ("- b", "-- - b"),
            ("-q - --user=a -- c", "-q --user a -- c -"),
            ("-- --user=a -qf", "-- --user=a -qf"),
        ] {
            let words = given.split(' ').map(str::to_owned).collect();
            let found = normalise("helm-chart-x", &Flags::get_args_info(), words).unwrap();
            assert_eq!((found.words.join(" ").as_str(), found.want_version), (expected, false), "{given}");
            assert_eq!(found.debug, None, "{given}");
        }
        for (given, expected, debug) in [
            ("--debug b", "b", Some(true)),
            ("b -q --debug=true", "b -q", Some(true)),
            ("--debug --debug=false b", "b", Some(false)),
            ("-u --debug b", "-u --debug b", None),
            ("--user --debug b", "--user --debug b", None),
            ("b -- --debug", "b -- --debug", None),
        ] {
            let words = given.split(' ').map(str::to_owned).collect();
            let found = normalise("helm-chart-x", &Flags::get_args_info(), words).unwrap();
            assert_eq!((found.words.join(" ").as_str(), found.debug), (expected, debug), "{given}");
        }
        assert!(normalise("helm-chart-x", &Flags::get_args_info(), vec!["--quiet=maybe".into()]).is_err());
        assert!(normalise("helm-chart-x", &Flags::get_args_info(), vec!["-user".into()]).is_err());
        for words in [&["--version"][..], &["--debug", "--version"], &["--version", "--debug=false"]] {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            assert!(normalise("helm-chart-x", &Flags::get_args_info(), words).unwrap().want_version);
        }
    }
}
