//! Hints about the versions that a registry has, if the one that was asked for is missing.

use crate::digest::Digest;
use crate::http::RequestLine;
use crate::reference::Tag;
use crate::verbs::Available;

/// The hint if a tag is missing. `request` is the request that asked for it.
pub(super) fn instead_of_tag(available: &Available, request: Option<&RequestLine>) -> String {
    let asked = request.and_then(|request| request.url().rsplit_once("/manifests/")).map(|(_, tag)| tag);
    let there = versions(available, Tag::to_string);
    match &available.alike {
        _ if available.listed => {
            "the registry lists this tag and has nothing under it: it may be on its way, or have been removed"
                .to_owned()
        }
        Some(alike) if is_all(available, alike) => format!("there is {alike}"),
        Some(alike) => format!("there is {alike}; {there}"),
        None if asked == Some(LATEST) && !available.newest.is_empty() => {
            format!("without a tag the newest is pulled; {there}")
        }
        None => there,
    }
}

/// The word that users of other tools use for the newest version; here it has no special meaning as a tag.
pub(super) const LATEST: &str = "latest";

/// The hint if no version matches a constraint.
pub(super) fn instead_of_range(available: &Available) -> String {
    let there = versions(available, Tag::to_version);
    let Some(passed_over) = &available.passed_over else { return there };
    let version = passed_over.to_version();
    let taken = format!("{version} is a prerelease, which --devel takes, or --version {version}");
    if is_all(available, passed_over) { taken } else { format!("{taken}; {there}") }
}

/// The hint for a text that is neither a version nor a constraint.
pub(super) fn instead_of_constraint(text: &str) -> Option<String> {
    match text.parse::<Tag>() {
        Ok(tag) if tag.as_str() == LATEST => Some("without --version the newest is pulled".to_owned()),
        Ok(tag) => Some(format!("a tag that is no version stands behind the repository: REPOSITORY:{tag}")),
        Err(_) => None,
    }
}

/// Whether a tag is the only one that a hint would name.
fn is_all(available: &Available, tag: &Tag) -> bool {
    match available.newest.as_slice() {
        [only] => only == tag && available.more == 0,
        [] => available.others.as_slice() == [tag.clone()],
        _ => false,
    }
}

/// The newest versions of a repository, and the number of the others.
fn versions(available: &Available, spelled: fn(&Tag) -> String) -> String {
    let list = |tags: &[Tag]| tags.iter().map(spelled).collect::<Vec<_>>().join(", ");
    let more = match available.more {
        0 => String::new(),
        more => format!(", and {more} older"),
    };
    if !available.newest.is_empty() {
        format!("the repository has {}{more}", list(&available.newest))
    } else if available.others.is_empty() {
        "the repository has no tags".to_owned()
    } else {
        let others = available.others.iter().map(Tag::to_string).collect::<Vec<_>>().join(", ");
        format!("the repository has no versions, but tags: {others}")
    }
}

/// The hint for something that a registry does not have. `instead` says what the command does without a tag.
pub(super) fn absent(request: &RequestLine, instead: &str) -> Option<String> {
    let hint = match request.url().rsplit_once("/manifests/") {
        _ if request.method() != "GET" => return None,
        Some((_, target)) if target.parse::<Digest>().is_ok() => {
            "there is nothing with this digest, or no such repository: a digest is looked for in its own repository alone"
        }
        Some(_) => return Some(format!("there is no such tag, or no such repository; {instead}")),
        None if request.url().contains("/tags/list") => {
            "the registry knows no such repository: is its name right, and has a chart been pushed to it?"
        }
        None => return None,
    };
    Some(hint.to_owned())
}
