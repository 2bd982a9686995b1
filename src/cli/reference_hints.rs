//! Hints for references that cannot be parsed, and for references that the cache does not have.

use super::default_cache::default_cache;
use std::path::Path;

use crate::environment;
use crate::reference::{Reference, ReferenceError, Tag};
use crate::version::{Newest, Version};

/// How many references of the cache a hint names.
const NAMED: usize = 3;

/// The hint for a text that is not a reference.
pub(super) fn of(error: &ReferenceError) -> Option<String> {
    match error {
        ReferenceError::NoHost(text) | ReferenceError::NoRepository(text) if is_digest(text) => {
            let digits = text.trim_start_matches('@').trim_start_matches("sha256:");
            let digits = if digits.len() == 64 { digits } else { "<64 digits>" };
            let shown = "helm oci list -q shows those of the cache";
            Some(format!(
                "a digest stands behind its repository, in full: HOST/REPOSITORY@sha256:{digits}; {shown}"
            ))
        }
        ReferenceError::NoHost(text) => {
            Some(format!("name the registry, too: localhost:5000/{}", text.trim_start_matches('/')))
        }
        ReferenceError::Userinfo => {
            Some("credentials are given to login, or with -u and --password-stdin".to_owned())
        }
        ReferenceError::Scheme(text) => {
            let (_, rest) = text.split_once("://")?;
            Some(format!("without it, or with the other: oci://{rest}"))
        }
        ReferenceError::Prefix(_) => Some(
            "to push under a name of your own: helm oci save PATH REFERENCE, then push REFERENCE".to_owned(),
        ),
        ReferenceError::Tag(tag) if is_digest(tag) => {
            Some(format!("a digest stands behind an `@`: REPOSITORY@{tag}"))
        }
        ReferenceError::Tag(text) if is_constraint(text) => Some(format!(
            "which versions will do is told by pull --version: helm oci pull REPOSITORY --version {}",
            quoted(text)
        )),
        ReferenceError::Tag(tag) if tag.contains('+') => {
            Some(format!("tags have no `+`; Helm writes `_` for it: {}", tag.replace('+', "_")))
        }
        ReferenceError::Repository(text)
            if text.contains("//") || text.starts_with('/') || text.ends_with('/') =>
        {
            Some("one / alone stands between two parts".to_owned())
        }
        ReferenceError::Digest(_) => Some("helm oci list -q shows digests in full".to_owned()),
        _ => None,
    }
}

/// The hint for an argument that is not a reference, though the command takes references. `others` are all arguments.
pub(super) fn of_argument(name: &str, text: &str, others: &[String]) -> Option<String> {
    let called = environment::called_as().unwrap_or_else(|| name.to_owned());
    let is_path = Path::new(text).exists() || text.starts_with(['.', '/']);
    let reference = others.iter().find(|other| other.parse::<Reference>().is_ok());
    match (name, reference) {
        ("helm-chart-pull", Some(reference)) if is_path => {
            Some(format!("-d says where to: {called} {reference} -d {text}"))
        }
        ("helm-chart-pull", Some(reference)) if text == "latest" => {
            Some(format!("without a version the newest is pulled: {called} {reference}"))
        }
        ("helm-chart-pull", Some(reference)) if is_constraint(text) || is_version(text) => {
            Some(format!("a version is given so: {called} {reference} --version {}", quoted(text)))
        }
        ("helm-chart-pull", _) if is_path => {
            let name = Path::new(text).file_name().map_or("REPOSITORY".into(), |name| name.to_string_lossy());
            Some(format!("the registry comes first: {called} oci://HOST/{name}"))
        }
        ("helm-chart-pull", _) if !text.contains("://") && !is_digest(text) => {
            let Err(ReferenceError::NoHost(_)) = text.parse::<Reference>() else { return None };
            let first = format!("the registry comes first: {called} oci://HOST/{text}");
            // The form that Helm uses for a chart repository that was added.
            let from_helm = format!("from a repository of helm repo add, Helm pulls: helm pull {text}");
            Some(if text.split('/').count() == 2 { format!("{first}; {from_helm}") } else { first })
        }
        ("helm-chart-remove", _) if is_path => {
            Some("a file or directory is no reference: helm oci list shows those of the cache".to_owned())
        }
        _ if is_path => Some("a file or directory is no reference: helm oci save gives it one".to_owned()),
        _ => None,
    }
}

/// The hint for the new name `text` of a chart that is called `source` in the cache; `None` if the name is fine.
pub fn target_advice(name: &str, source: &Reference, text: &str) -> Option<String> {
    let called = environment::called_as().unwrap_or_else(|| name.to_owned());
    let target = match text.parse::<Reference>() {
        Err(ReferenceError::NoHost(_) | ReferenceError::NoRepository(_)) if !is_digest(text) => {
            let bare = text.trim_start_matches([':', '/']);
            let as_tag = bare.parse::<Tag>().map(|tag| source.with_tag(tag));
            let target = as_tag.or_else(|_| format!("oci://{}/{bare}", source.host).parse()).ok()?;
            Reference { digest: None, ..target }
        }
        _ => return None,
    };
    Some(format!("a reference is named in full: {called} {source} {target}"))
}

/// The hint for a reference that the cache does not have: similar references that it has.
pub fn instead_of(reference: &Reference) -> String {
    let asked = reference.to_string();
    let repository = reference.name();
    let mut found: Vec<(usize, String)> = Vec::new();
    let taken = |other: Reference| {
        let text = other.to_string();
        let slips = strsim::damerau_levenshtein(&asked, &text);
        if other.name() == repository || slips <= 2 {
            found.push((slips, text));
        }
    };
    // An error here is ignored, as the one that led here is reported.
    let looked = default_cache().ok().map(|cache| cache.each_reference(|_| {}, taken));
    if !matches!(looked, Some(Ok(()))) || found.is_empty() {
        return "helm oci list shows what is there".to_owned();
    }
    found.sort();
    let named: Vec<_> = found.iter().take(NAMED).map(|(_, text)| text.as_str()).collect();
    let more = if found.len() > NAMED { ", and more" } else { "" };
    format!("the cache has {}{more}", named.join(", "))
}

/// Whether the text is a digest, or as much of one as tables show.
fn is_digest(text: &str) -> bool {
    let digits = text.trim_start_matches('@');
    let (is_named, digits) = match digits.strip_prefix("sha256:") {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let is_hex =
        digits.len() <= 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    // `decade1` is a word; a short digest has more digits and letters.
    is_hex
        && (is_named
            || digits.len() == 64
            || (digits.len() >= 7 && digits.bytes().any(|b| b.is_ascii_digit())))
}

/// Whether the text is a constraint on versions, and not a version.
fn is_constraint(text: &str) -> bool {
    text.contains(['^', '~', '<', '>', '=', '*', ' ']) && Newest::new(text).is_ok()
}

fn is_version(text: &str) -> bool {
    text.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
        && (Version::parse_lenient(text).is_ok() || Newest::new(text).is_ok())
}

/// The text as it has to be typed into a shell.
fn quoted(text: &str) -> String {
    if text.contains(|c: char| !c.is_ascii_alphanumeric() && !".-_+".contains(c)) {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}
