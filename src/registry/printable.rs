//! Text that a registry sent, made fit for a terminal and a log.

/// The text without control characters, terminal escapes and bidirectional overrides, on one line, and no longer than
/// `limit` bytes. A registry is a stranger: what it says must not move the cursor or reorder a line
/// (GHSA-c38g-469g-cmgx).
pub(super) fn printable(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut gap = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            skip_escape(&mut chars);
            continue;
        }
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        if c.is_control() || is_invisible(c) {
            continue;
        }
        if out.len() + c.len_utf8() + usize::from(gap) > limit {
            out.push('…');
            break;
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        out.push(c);
    }
    out
}

/// Skips the rest of a control sequence (ECMA-48 5.4): what is left of `ESC [ 31 m` would be noise.
fn skip_escape(chars: &mut std::str::Chars<'_>) {
    let mut ahead = chars.clone();
    if ahead.next() != Some('[') {
        return;
    }
    for c in ahead.by_ref() {
        match c {
            '\u{20}'..='\u{3f}' => {}
            '\u{40}'..='\u{7e}' => {
                *chars = ahead;
                return;
            }
            _ => return,
        }
    }
    *chars = ahead;
}

/// Characters that have no shape of their own, and change how others are shown (UAX #9 and zero-width ones).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_words_and_drops_what_moves_them() {
        for (text, shown) in [
            ("manifest unknown", "manifest unknown"),
            ("  two\r\n lines\t", "two lines"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[31", ""),
            ("\u{1b}]0;title\u{7}x", "]0;titlex"),
            ("a\u{9b}31mb", "a31mb"),
            ("abc\u{202e}fed\u{2066}", "abcfed"),
            ("zero\u{200b}width", "zerowidth"),
            ("bell\u{7} and \0nul", "bell and nul"),
            ("größe", "größe"),
        ] {
            assert_eq!(printable(text, 100), shown, "{text:?}");
        }
    }

    #[test]
    fn ends_at_the_limit() {
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(printable("ääää", 3), "ä…");
    }
}
