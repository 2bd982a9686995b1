//! Characters that control a terminal or mislead its reader. Text from charts and registries is not trusted, and may
//! contain them (CVE-2021-21303, GHSA-c38g-469g-cmgx).

use std::borrow::Cow;

/// Whether the character is invisible and changes what is shown: control characters including C1, line separators,
/// those that change the direction of text (UAX #9), and those without width, which make two different names look the
/// same.
pub fn drives(c: char) -> bool {
    turns(c)
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether the character is a control character or one that overrides the direction of text (UAX #9, 2.1 to 2.4). File
/// names contain those only to deceive. Direction marks and joiners are not included, as Arabic, Hindi and emoji need
/// them.
pub fn turns(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with each character for which [`drives`] is true replaced by `spell`, except those in `except`.
pub fn tame<'a>(text: &'a str, except: &[char], spell: impl Fn(char) -> String) -> Cow<'a, str> {
    let hostile = |c: char| drives(c) && !except.contains(&c);
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if hostile(c) { spell(c) } else { c.to_string() }).collect())
}

/// The text on one line without those characters and without control sequences, cut to at most `limit` bytes.
pub fn printable(text: &str, limit: usize) -> String {
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
        if drives(c) {
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

/// Skips the rest of a control sequence (ECMA-48 5.4), such as the `[31m` behind `ESC`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_spelled_out() {
        let tamed = |text| tame(text, &['\n'], |c| format!("<{:x}>", u32::from(c))).into_owned();
        for (text, expected) in [
            ("größe 漢字\n", "größe 漢字\n"),
            ("\u{1b}[31m\r\u{7}\u{8}\u{7f}\0", "<1b>[31m<d><7><8><7f><0>"),
            ("\u{9b}31m\u{85}\u{90}", "<9b>31m<85><90>"),
            ("\u{202e}a\u{2066}b\u{61c}c\u{200f}", "<202e>a<2066>b<61c>c<200f>"),
            ("zero\u{200b}width\u{2028}line\u{feff}", "zero<200b>width<2028>line<feff>"),
        ] {
            assert_eq!(tamed(text), expected);
        }
    }

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
