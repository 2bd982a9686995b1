//! Matches shell file name patterns as Go's `path/filepath.Match` does (match.go, Go 1.18, on Unix).
//!
//! Helm matches `.helmignore` with it, so the content of a chart depends on its peculiarities. A character class can
//! match `/`, which `*` and `?` do not. `*` advances by bytes. A malformed part is an error only if it is reached:
//! everything up to the next `*` is read, even after a mismatch, and nothing beyond it.

/// The error of a pattern that Go calls malformed (`filepath.ErrBadPattern`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub(super) struct BadPattern;

/// Whether `pattern` matches the whole of `name`. Adds to `steps` how many bytes, characters and ranges it has looked
/// at.
pub(super) fn matches(pattern: &str, name: &str, steps: &mut u64) -> Result<bool, BadPattern> {
    let mut rest = pattern.as_bytes();
    let mut name = name.as_bytes();
    'segments: while !rest.is_empty() {
        let (star, chunk, after) = split_chunk(rest);
        *steps += (rest.len() - after.len()) as u64;
        rest = after;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        // The last chunk must match up to the end of the name; otherwise a star in front of it can still advance.
        if let Some(left) = match_chunk(chunk, name, steps)?
            && (left.is_empty() || !rest.is_empty())
        {
            name = left;
            continue;
        }
        if star {
            for skipped in 0..name.len() {
                if name[skipped] == b'/' {
                    break;
                }
                if let Some(left) = match_chunk(chunk, &name[skipped + 1..], steps)? {
                    if rest.is_empty() && !left.is_empty() {
                        continue;
                    }
                    name = left;
                    continue 'segments;
                }
            }
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Whether all parts of `pattern` are well formed, even those that no comparison may reach.
pub(super) fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern.as_bytes();
    while !rest.is_empty() {
        let (_, mut chunk, after) = split_chunk(rest);
        rest = after;
        while !chunk.is_empty() {
            match element(chunk, None, &mut 0) {
                Ok((_, after)) => chunk = after,
                Err(BadPattern) => return false,
            }
        }
    }
    true
}

/// Whether `pattern`, which must be well formed, matches the whole of `name`. The result is that of [`matches()`], but
/// nothing is read after a mismatch, so the time depends on the name and not on the length of the pattern.
pub(super) fn well_formed_matches(pattern: &str, name: &str, steps: &mut u64) -> bool {
    let mut rest = pattern.as_bytes();
    let mut name = name.as_bytes();
    'segments: while !rest.is_empty() {
        let stars = rest.iter().take_while(|&&byte| byte == b'*').count();
        *steps += stars as u64;
        rest = &rest[stars..];
        if stars > 0 && rest.is_empty() {
            return !name.contains(&b'/');
        }
        let begins_at = if stars > 0 { name.iter().take_while(|&&byte| byte != b'/').count() } else { 0 };
        for skipped in 0..=begins_at {
            if let Some((left, after)) = begins_with(rest, &name[skipped..], steps)
                && (left.is_empty() || !after.is_empty())
            {
                (name, rest) = (left, after);
                continue 'segments;
            }
        }
        return false;
    }
    name.is_empty()
}

/// Matches `pattern` up to its next star with the beginning of `name`. Returns what is left of both, or None if it does
/// not match.
fn begins_with<'p, 'n>(
    mut pattern: &'p [u8],
    mut name: &'n [u8],
    steps: &mut u64,
) -> Option<(&'n [u8], &'p [u8])> {
    while !pattern.is_empty() && pattern[0] != b'*' {
        let (left, after) = element(pattern, Some(name), steps).ok()?;
        (name, pattern) = (left?, after);
    }
    Some((name, pattern))
}

/// Splits a pattern into its first chunk, up to the next star, and the rest. Returns whether stars precede the chunk,
/// the chunk, and the rest.
fn split_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|&&byte| byte == b'*').count();
    let pattern = &pattern[stars..];
    let mut in_class = false;
    let mut end = 0;
    while end < pattern.len() {
        match pattern[end] {
            b'\\' if end + 1 < pattern.len() => end += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => break,
            _ => {}
        }
        end += 1;
    }
    (stars > 0, &pattern[..end], &pattern[end..])
}

/// Matches a chunk, in which every element stands for one character, with the beginning of `name`, and returns what is
/// left of that. After a mismatch the rest of the chunk is read for errors, and the result is None.
fn match_chunk<'n>(
    mut chunk: &[u8],
    name: &'n [u8],
    steps: &mut u64,
) -> Result<Option<&'n [u8]>, BadPattern> {
    let mut name = Some(name);
    while !chunk.is_empty() {
        (name, chunk) = element(chunk, name, steps)?;
    }
    Ok(name)
}

/// Matches the first element of a chunk, which must not be empty, with the first character of `name`. Returns what is
/// left of `name`, or None if it does not match, and what is left of the chunk.
fn element<'p, 'n>(
    chunk: &'p [u8],
    name: Option<&'n [u8]>,
    steps: &mut u64,
) -> Result<(Option<&'n [u8]>, &'p [u8]), BadPattern> {
    let name = name.filter(|left| !left.is_empty());
    *steps += 1;
    let (&first, after) = chunk.split_first().ok_or(BadPattern)?;
    match first {
        b'[' => {
            let character = name.map(decode);
            let (matched, after) = match_class(after, character.map(|(character, _)| character), steps)?;
            let left = match (name, character) {
                (Some(left), Some((_, width))) if matched => Some(&left[width..]),
                _ => None,
            };
            Ok((left, after))
        }
        b'?' => Ok((name.filter(|left| left[0] != b'/').map(|left| &left[decode(left).1..]), after)),
        _ => {
            let (literal, after) = match first {
                b'\\' => after.split_first().ok_or(BadPattern)?,
                _ => (&first, after),
            };
            Ok((name.and_then(|left| left.strip_prefix(&[*literal])), after))
        }
    }
}

/// Reads a character class after its `[`. Returns whether it contains `character`, and what follows the class.
fn match_class<'p>(
    mut class: &'p [u8],
    character: Option<u32>,
    steps: &mut u64,
) -> Result<(bool, &'p [u8]), BadPattern> {
    let negated = class.first() == Some(&b'^');
    if negated {
        class = &class[1..];
    }
    let mut found = false;
    let mut ranges = 0;
    loop {
        if ranges > 0 && class.first() == Some(&b']') {
            return Ok((found != negated, &class[1..]));
        }
        let (low, after) = class_character(class)?;
        class = after;
        let mut high = low;
        if class.first() == Some(&b'-') {
            (high, class) = class_character(&class[1..])?;
        }
        *steps += 1;
        found |= character.is_some_and(|character| (low..=high).contains(&character));
        ranges += 1;
    }
}

/// Reads one character of a class, which may be escaped. An error if the class ends with it.
fn class_character(class: &[u8]) -> Result<(u32, &[u8]), BadPattern> {
    let class = match class {
        [] | [b'-' | b']', ..] => return Err(BadPattern),
        [b'\\', after @ ..] => after,
        _ => class,
    };
    if class.is_empty() {
        return Err(BadPattern);
    }
    let (character, width) = decode(class);
    let after = &class[width..];
    let damaged = character == REPLACEMENT && width == 1;
    if damaged || after.is_empty() { Err(BadPattern) } else { Ok((character, after)) }
}

const REPLACEMENT: u32 = char::REPLACEMENT_CHARACTER as u32;

/// The first character of a text, and its width in bytes. As in Go, a byte that begins no character counts as U+FFFD
/// with a width of 1.
fn decode(text: &[u8]) -> (u32, usize) {
    for width in 1..=text.len().min(4) {
        if let Ok(first) = std::str::from_utf8(&text[..width]) {
            return (first.chars().next().map_or(REPLACEMENT, u32::from), width);
        }
    }
    (REPLACEMENT, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go_does() {
        // The table of Go's own match_test.go, and more.
        #[rustfmt::skip]
        let table: &[(&str, &str, Result<bool, BadPattern>)] = &[
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "a", Ok(true)),
            ("a*", "abc", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*/b", "a/c/b", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", Ok(false)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Ok(true)),
            ("a*b?c*x", "abxbbxdbxebxczzy", Ok(false)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[b-d]", "abc", Ok(true)),
            ("ab[e-g]", "abc", Ok(false)),
            ("ab[^c]", "abc", Ok(false)),
            ("ab[^b-d]", "abc", Ok(false)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a\\*b", "ab", Ok(false)),
            ("a?b", "a☺b", Ok(true)),
            ("a[^a]b", "a☺b", Ok(true)),
            ("a???b", "a☺b", Ok(false)),
            ("a[^a][^a][^a]b", "a☺b", Ok(false)),
            ("[a-ζ]*", "α", Ok(true)),
            ("*[a-ζ]", "A", Ok(false)),
            ("a?b", "a/b", Ok(false)),
            ("a*b", "a/b", Ok(false)),
            ("a[^x]b", "a/b", Ok(true)),
            ("[\\]a]", "]", Ok(true)),
            ("[\\-]", "-", Ok(true)),
            ("[x\\-]", "x", Ok(true)),
            ("[x\\-]", "-", Ok(true)),
            ("[x\\-]", "z", Ok(false)),
            ("[\\-x]", "x", Ok(true)),
            ("[\\-x]", "-", Ok(true)),
            ("[\\-x]", "a", Ok(false)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[x-]", "x", Err(BadPattern)),
            ("[x-]", "-", Err(BadPattern)),
            ("[x-]", "z", Err(BadPattern)),
            ("[-x]", "x", Err(BadPattern)),
            ("[-x]", "a", Err(BadPattern)),
            ("\\", "a", Err(BadPattern)),
            ("[a-b-c]", "a", Err(BadPattern)),
            ("[", "a", Err(BadPattern)),
            ("[^", "a", Err(BadPattern)),
            ("[^bc", "a", Err(BadPattern)),
            ("a[", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("a[", "x", Err(BadPattern)),
            ("a/b[", "x", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("", "", Ok(true)),
            ("", "a", Ok(false)),
            ("*", "", Ok(true)),
            ("a**b", "axxb", Ok(true)),
            ("[!a]", "b", Ok(false)),
            ("[!a]", "!", Ok(true)),
            ("[*]", "*", Ok(true)),
            ("[]", "a", Err(BadPattern)),
            ("[^]", "a", Err(BadPattern)),
            ("b*[", "a", Ok(false)),
            ("a*[", "a", Err(BadPattern)),
            ("a\\", "b", Err(BadPattern)),
            ("{a,b}", "a", Ok(false)),
            ("[b-a]", "a", Ok(false)),
            ("*\u{fffd}", "é", Ok(false)),
            ("*[\u{fffd}]", "é", Ok(true)), // The star stops inside of é.
        ];
        for (pattern, name, expected) in table {
            assert_eq!(&matches(pattern, name, &mut 0), expected, "`{pattern}` with `{name}`");
            if is_well_formed(pattern) {
                let quick = Ok(well_formed_matches(pattern, name, &mut 0));
                assert_eq!(&quick, expected, "`{pattern}` with `{name}`");
            }
        }
    }

    /// All texts of at most this many of these parts.
    fn texts(parts: &[&str], most: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..most {
            last =
                last.iter().flat_map(|text| parts.iter().map(move |part| format!("{text}{part}"))).collect();
            all.extend_from_slice(&last);
        }
        all
    }

    #[test]
    fn what_is_well_formed_is_matched_alike_and_what_is_not_is_malformed_somewhere() {
        let names = texts(&["a", "b", "/", "é"], 2);
        let (mut pairs, mut well_formed, mut matched) = (0, 0, 0);
        for pattern in texts(&["a", "b", "*", "?", "[", "]", "\\", "^", "-", "/"], 4) {
            let is_well_formed = is_well_formed(&pattern);
            well_formed += usize::from(is_well_formed);
            for name in &names {
                let (expected, mut slow, mut quick) = (matches(&pattern, name, &mut 0), 0, 0);
                pairs += 1;
                if is_well_formed {
                    let found = well_formed_matches(&pattern, name, &mut quick);
                    assert_eq!(Ok(found), expected, "`{pattern}` with `{name}`");
                    matches(&pattern, name, &mut slow).unwrap();
                    assert!(quick <= slow + 1, "`{pattern}` with `{name}`: {quick} steps, not {slow}");
                    matched += usize::from(found);
                }
            }
        }
        assert!(pairs > 200_000 && well_formed > 3_000 && matched > 1_000, "{pairs} {well_formed} {matched}");
    }

    #[test]
    fn steps_grow_with_the_name_and_not_with_the_pattern() {
        let name = "a".repeat(1000);
        for pattern in [
            "b".repeat(1 << 20),
            format!("*{}", "b".repeat(1 << 20)),
            format!("*{}b", "a*".repeat(1 << 19)),
            format!("*{}", "?".repeat(1 << 20)),
            format!("{}b", "*a".repeat(900)),
            format!("*{}b*{}b", "a".repeat(500), "a".repeat(500)),
            format!("[{}]*b", "b".repeat(1000)),
        ] {
            let mut steps = 0;
            assert!(is_well_formed(&pattern));
            assert!(!well_formed_matches(&pattern, &name, &mut steps));
            assert!(steps <= 1_002_000, "{steps} steps for a pattern of {} bytes", pattern.len());
        }
    }
}
