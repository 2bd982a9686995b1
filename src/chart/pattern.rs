//! Shell file name patterns as Go's `path/filepath.Match` reads them (match.go, Go 1.18, on Unix).
//!
//! Helm matches `.helmignore` with it, so a chart's content depends on its odd corners: a character class matches `/`
//! where `*` and `?` do not, `*` moves on by bytes, and a malformed part is an error exactly if it is reached: all of the
//! pattern up to the next `*` is read, even after a mismatch, and nothing beyond it.

/// A pattern that Go calls malformed (`filepath.ErrBadPattern`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub(super) struct BadPattern;

/// Whether `pattern` matches all of `name`.
pub(super) fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let mut rest = pattern.as_bytes();
    let mut name = name.as_bytes();
    'segments: while !rest.is_empty() {
        let (star, chunk, after) = split_chunk(rest);
        rest = after;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        // The last chunk has to exhaust the name; else a star in front of it may still move on.
        if let Some(left) = match_chunk(chunk, name)?
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
                if let Some(left) = match_chunk(chunk, &name[skipped + 1..])? {
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

/// Splits off the stars in front and what follows them up to the next star.
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

/// Matches a chunk, in which every element stands for one character, with the beginning of `name` and returns what is
/// left of it. After a mismatch it goes on reading the chunk, without the name, for errors.
fn match_chunk<'a>(mut chunk: &[u8], name: &'a [u8]) -> Result<Option<&'a [u8]>, BadPattern> {
    let mut name = Some(name);
    while let Some((&first, after)) = chunk.split_first() {
        name = name.filter(|left| !left.is_empty());
        match first {
            b'[' => {
                let character = name.map(decode);
                let (matched, after) = match_class(after, character.map(|(character, _)| character))?;
                chunk = after;
                name = match (name, character) {
                    (Some(left), Some((_, width))) if matched => Some(&left[width..]),
                    _ => None,
                };
            }
            b'?' => {
                chunk = after;
                name = name.filter(|left| left[0] != b'/').map(|left| &left[decode(left).1..]);
            }
            _ => {
                let (literal, after) = match first {
                    b'\\' => after.split_first().ok_or(BadPattern)?,
                    _ => (&first, after),
                };
                chunk = after;
                name = name.and_then(|left| left.strip_prefix(&[*literal]));
            }
        }
    }
    Ok(name)
}

/// Reads the character class whose `[` was just taken, tells whether it holds `character`, and returns what follows it.
fn match_class(mut class: &[u8], character: Option<u32>) -> Result<(bool, &[u8]), BadPattern> {
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
        found |= character.is_some_and(|character| (low..=high).contains(&character));
        ranges += 1;
    }
}

/// Reads one, possibly escaped, character of a class. The class cannot end with it.
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

/// The first character and its width; as Go has it, a byte that begins none counts as U+FFFD of width 1.
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
        // The table of Go's own match_test.go, and some more.
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
            assert_eq!(&matches(pattern, name), expected, "`{pattern}` with `{name}`");
        }
    }
}
