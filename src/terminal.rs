//! Characters that drive a terminal instead of standing on it: control characters, C1 among them, and those that change
//! the direction of writing (UAX #9). Charts and registries are strangers, and bring them along (CVE-2021-21303).

use std::borrow::Cow;

/// Whether a terminal obeys it.
pub fn drives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// The text with those characters spelled out, each as `spell` has it, but for those in `except`.
pub fn tame<'a>(text: &'a str, except: &[char], spell: impl Fn(char) -> String) -> Cow<'a, str> {
    let hostile = |c: char| drives(c) && !except.contains(&c);
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if hostile(c) { spell(c) } else { c.to_string() }).collect())
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
        ] {
            assert_eq!(tamed(text), expected);
        }
    }
}
