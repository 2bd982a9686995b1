//! Hints for words that are not commands: the right word, or the nearest one.

use super::caller::Caller;
use super::failure::CommandFailure;
use super::words::{self, CommandWord};
use super::{foreign, topics};

/// The error for a word that is not a command. `word` includes its group if one was given, and `rest` are the words
/// behind it.
pub(super) fn command(caller: &Caller, word: &str, rest: &[&str]) -> CommandFailure {
    if word.starts_with('-') {
        return option(caller, word, rest);
    }
    let name = caller.name;
    if let [next, ..] = rest
        && foreign::GROUPS.contains(&word)
        && let Some(advice) = advice(caller, None, next)
    {
        return CommandFailure::usage(format!("`{word} {next}` is no command of {name}")).hint(advice);
    }
    let (group, last) =
        word.split_once(' ').map_or((caller.group, word), |(group, last)| (Some(group), last));
    let shown = if caller.group.is_some() { last } else { word };
    let failure = CommandFailure::usage(format!("`{shown}` is no command of {name}"));
    if let Some(advice) = advice(caller, group, last) {
        return failure.hint(advice);
    }
    if foreign::GROUPS.contains(&word) {
        return failure.hint(format!("here all is about charts: {name} help lists the commands"));
    }
    if topics::find(last).is_some() {
        return failure.hint(format!("a page of the manual is called so: {name} help {last}"));
    }
    match nearest(words::of_group(caller.group), last, |entry| entry.word) {
        Some(nearest) => failure.hint(format!("the nearest is {}", caller.spell(nearest))),
        None => failure.hint(format!("{name} help lists the commands")),
    }
}

/// The error for a page of help that does not exist.
pub(super) fn page(caller: &Caller, word: &str) -> CommandFailure {
    let name = caller.name;
    let failure = CommandFailure::usage(format!("there is no help about `{word}`"));
    let last = word.rsplit(' ').next().unwrap_or(word);
    if let Some(topic) = nearest(topics::names(), last, |topic| topic) {
        return failure.hint(format!("the nearest is {name} help {topic}"));
    }
    let group = word.split_once(' ').map(|(group, _)| group).or(caller.group);
    if let Some(advice) = advice(caller, group, last) {
        return failure.hint(advice);
    }
    match nearest(words::of_group(caller.group), last, |entry| entry.word) {
        Some(nearest) => failure.hint(format!("the nearest is {name} help {}", nearest.word)),
        None => failure.hint(format!("{name} help lists the commands and topics")),
    }
}

/// The hint for a word that another tool or another group has.
fn advice(caller: &Caller, group: Option<&str>, word: &str) -> Option<String> {
    let spell = |entry: &CommandWord| caller.spell_in_full(entry);
    let of_ours = || words::find(None, word).map(|entry| format!("here it is {}", spell(entry)));
    match group {
        Some("registry") if foreign::is_of_registries(word) => None,
        _ => of_ours(),
    }
    .or_else(|| foreign::advice(group, word, caller.name, spell))
}

/// The error for an option in the place of a command.
fn option(caller: &Caller, option: &str, rest: &[&str]) -> CommandFailure {
    let name = caller.name;
    // The value is not repeated, as it may be a password.
    let option = option.split('=').next().unwrap_or(option);
    if ["-v", "-V"].contains(&option) && rest.is_empty() {
        return CommandFailure::usage(format!("`{option}` is no option of {name}"))
            .hint("here it is --version");
    }
    let failure = CommandFailure::usage(format!("`{option}` stands before the command"));
    let command = rest.iter().find_map(|word| words::find(caller.group, word));
    let command = command.map_or_else(|| format!("{name} COMMAND"), |entry| caller.spell(entry));
    failure.hint(format!("options stand behind the command: {command} {option}"))
}

/// The item whose name was probably meant: it differs from the word by one slip, or by two in a long word.
pub(super) fn nearest<T>(all: impl Iterator<Item = T>, word: &str, name: impl Fn(&T) -> &str) -> Option<T> {
    all.filter_map(|one| Some((slips(word, name(&one))?, one)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, one)| one)
}

/// The number of slips that turn `name` into `word`, if that is likely: two are allowed from six letters on, and one
/// below. The first letter is rarely wrong: `dist` is not a slip for `list`, nor `plugin` for `login`.
pub(super) fn slips(word: &str, name: &str) -> Option<usize> {
    let slips = strsim::damerau_levenshtein(word, name);
    let (length, longer) = (word.chars().count(), word.chars().count() != name.chars().count());
    let most = if length.min(name.chars().count()) < 6 { 1 } else { 2 };
    let begins_alike = word.chars().next() == name.chars().next();
    // A letter was left out, typed twice or too early: `ush`, `ppush`, `upsh`.
    let slipped = slips == 1 && (longer || word.chars().nth(1) == name.chars().next());
    (slips <= most && length > 2 && (begins_alike || slipped)).then_some(slips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        for (word, name) in [
            ("psuh", "push"),
            ("pusj", "push"),
            ("upsh", "push"),
            ("ush", "push"),
            ("lst", "list"),
            ("lisst", "list"),
            ("exprot", "export"),
            ("exprt", "export"),
            ("remvoe", "remove"),
            ("stauts", "status"),
            ("longin", "login"),
            ("fsk", "fsck"),
        ] {
            assert!(slips(word, name).is_some(), "{word} {name}");
        }
        for (word, name) in [
            ("merge", "serve"),
            ("plugin", "login"),
            ("usage", "save"),
            ("listen", "list"),
            ("dist", "list"),
            ("cp", "rm"),
            ("tags", "save"),
            ("xyzzy", "tag"),
        ] {
            assert_eq!(slips(word, name), None, "{word} {name}");
        }
    }
}
