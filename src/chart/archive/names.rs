//! Checks the names of entries, and turns them into paths in the chart (LoadArchiveFiles in Helm's
//! pkg/chart/loader/archive.go, 3.0 and later). Names that other programs would unpack to another place are refused.

use crate::terminal;

/// The longest path, in bytes. Longer ones could not be written below a directory of usual depth (PATH_MAX is 4096).
pub(super) const MAX_PATH: usize = 1024;

/// The name of an entry, split after its first component.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::chart) struct EntryPlace {
    /// The first component, which Helm drops, even if it is `.`.
    pub(in crate::chart) top: String,
    /// The rest, with its components separated by `/`, without empty ones and `.`. Empty for the top directory itself.
    pub(in crate::chart) below: String,
}

/// Splits the name of an entry. The error says what is wrong with the name.
pub(in crate::chart) fn place(name: &[u8], is_directory: bool) -> Result<EntryPlace, &'static str> {
    let name = str::from_utf8(name).map_err(|_| "it is not UTF-8")?;
    // In names that Windows wrote, Helm takes backslashes for separators. In a name with both kinds they are refused.
    let slashes = if name.contains('/') { name.to_owned() } else { name.replace('\\', "/") };
    check(&slashes)?;
    if slashes.is_empty() {
        return Err("it has no name");
    }
    let (top, rest) = slashes.split_once('/').unwrap_or((&slashes, ""));
    let mut below = String::with_capacity(rest.len());
    for component in rest.split('/').filter(|component| !matches!(*component, "" | ".")) {
        if !below.is_empty() {
            below.push('/');
        }
        below.push_str(component);
    }
    let place = EntryPlace { top: top.to_owned(), below };
    // Helm ignores directories, and so does everything here.
    if is_directory {
        return Ok(place);
    }
    if slashes.ends_with('/') {
        return Err("it is a file and has the name of a directory");
    }
    if place.below.is_empty() {
        let is_name = !matches!(top, "" | ".");
        return Err(if is_name { "it is not inside the chart's directory" } else { "it has no name" });
    }
    // What Helm is left with would be an absolute path.
    if rest.starts_with('/') {
        return Err("it has two slashes behind its first component, and Helm loads no such package");
    }
    if top == "Chart.yaml" {
        return Err("it is in a directory of that name, where Helm looks for no chart");
    }
    check_in_chart(&place.below)?;
    Ok(place)
}

/// Checks a path relative to the chart's directory. The error says why no version of Helm would load such a file from a
/// package, or why it would be dangerous to unpack.
pub(in crate::chart) fn check_path(below: &str) -> Result<(), &'static str> {
    check(below)?;
    check_in_chart(below)
}

/// Checks the name of an entry of an archive that is not a chart, and returns it without `./` in front.
pub(super) fn check_name(name: &[u8]) -> Result<&str, &'static str> {
    let name = str::from_utf8(name).map_err(|_| "it is not UTF-8")?;
    check(name)?;
    let name = name.strip_prefix("./").unwrap_or(name);
    // The rest could be absolute.
    check(name)?;
    Ok(name)
}

/// An error for a path that no version of Helm loads.
fn check_in_chart(below: &str) -> Result<(), &'static str> {
    if has_drive(below) {
        return Err("it begins with a drive letter");
    }
    // Also other names than `..` itself, which `check` has refused.
    if below.starts_with("..") {
        return Err("it begins with two dots, and Helm loads no such package");
    }
    Ok(())
}

/// An error for a path that is dangerous to unpack or to show.
fn check(path: &str) -> Result<(), &'static str> {
    if path.len() > MAX_PATH {
        return Err("it is longer than 1024 bytes");
    }
    let (mut longest, mut leaves) = (0, false);
    for component in path.as_bytes().split(|byte| *byte == b'/') {
        longest = longest.max(component.len());
        leaves |= component == b"..";
    }
    // NAME_MAX: file systems in use do not allow longer names.
    if longest > 255 {
        return Err("a name in it is longer than 255 bytes");
    }
    // Nearly every path has only these characters.
    if !path.bytes().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
        if path.contains('\\') {
            return Err("it contains a backslash");
        }
        if path.contains(terminal::turns) {
            return Err("it contains control characters");
        }
    }
    if path.starts_with('/') {
        return Err("it is absolute");
    }
    if leaves {
        return Err("it leaves the chart's directory");
    }
    if has_drive(path) {
        return Err("it begins with a drive letter");
    }
    Ok(())
}

/// Whether a path begins with a drive letter and a slash. As in Helm, `a:b` is a usual name.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_component_is_dropped() {
        for (name, top, below) in [
            ("mychart/a", "mychart", "a"),
            ("./a", ".", "a"),
            ("./mychart/a", ".", "mychart/a"),
            ("././a", ".", "a"),
            ("mychart/./a", "mychart", "a"),
            ("mychart/a//b", "mychart", "a/b"),
            ("mychart/a/./b", "mychart", "a/b"),
            ("mychart/a/..b", "mychart", "a/..b"),
            ("mychart/.helmignore", "mychart", ".helmignore"),
            ("mychart\\a\\b", "mychart", "a/b"),
            ("a:b/c", "a:b", "c"),
            ("mychart/ö\u{200d}", "mychart", "ö\u{200d}"),
        ] {
            let expected = EntryPlace { top: top.to_owned(), below: below.to_owned() };
            assert_eq!(place(name.as_bytes(), false), Ok(expected), "{name}");
        }
        for (name, top, below) in [
            ("mychart/", "mychart", ""),
            ("mychart", "mychart", ""),
            ("./", ".", ""),
            (".", ".", ""),
            ("./mychart/", ".", "mychart"),
            ("mychart//a//", "mychart", "a"),
            ("mychart/..a/", "mychart", "..a"),
            ("mychart\\a\\", "mychart", "a"),
        ] {
            let expected = EntryPlace { top: top.to_owned(), below: below.to_owned() };
            assert_eq!(place(name.as_bytes(), true), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_helm_refuses_or_others_unpack_elsewhere_is_refused() {
        let long = "a/".repeat(512) + "x";
        let name = format!("a/{}", "n".repeat(256));
        for (path, reason) in [
            ("", "it has no name"),
            (".", "it has no name"),
            ("./.", "it has no name"),
            ("mychart", "it is not inside the chart's directory"),
            ("mychart/a/", "it is a file and has the name of a directory"),
            ("mychart//a", "it has two slashes behind its first component, and Helm loads no such package"),
            ("/a", "it is absolute"),
            ("//a", "it is absolute"),
            ("..", "it leaves the chart's directory"),
            ("../a", "it leaves the chart's directory"),
            ("mychart/../a", "it leaves the chart's directory"),
            ("mychart\\..\\a", "it leaves the chart's directory"),
            ("mychart/..a", "it begins with two dots, and Helm loads no such package"),
            ("mychart/./..a/b", "it begins with two dots, and Helm loads no such package"),
            ("mychart/..\\a", "it contains a backslash"),
            ("c:/a/b", "it begins with a drive letter"),
            ("c:\\a\\b", "it begins with a drive letter"),
            ("mychart/c:/a", "it begins with a drive letter"),
            ("Chart.yaml/a", "it is in a directory of that name, where Helm looks for no chart"),
            ("mychart/\u{1b}", "it contains control characters"),
            ("mychart/\u{85}", "it contains control characters"),
            ("mychart/\u{202e}", "it contains control characters"),
            (&long, "it is longer than 1024 bytes"),
            (&name, "a name in it is longer than 255 bytes"),
        ] {
            assert_eq!(place(path.as_bytes(), false), Err(reason), "{path}");
        }
        assert_eq!(place(b"mychart/\xff", false), Err("it is not UTF-8"));
        for path in ["../a", "/a/", "mychart/../", "c:/", "mychart/\u{7}/", "mychart/a\\b/"] {
            assert!(place(path.as_bytes(), true).is_err(), "{path}");
        }
    }
}
