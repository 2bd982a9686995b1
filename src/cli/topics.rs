//! The manual's pages about topics, for `helm oci help TOPIC`.

use super::help::fold;

/// The topics with their pages.
const TOPICS: [(&str, &str); 6] = [
    ("cache", include_str!("../../scripts/man/helm-oci-cache.7.md")),
    ("credentials", include_str!("../../scripts/man/helm-oci-credentials.7.md")),
    ("formats", include_str!("../../scripts/man/helm-oci-formats.7.md")),
    ("networks", include_str!("../../scripts/man/helm-oci-networks.7.md")),
    ("plugin", include_str!("../../scripts/man/helm-oci-plugin.7.md")),
    ("security", include_str!("../../scripts/man/helm-oci-security.7.md")),
];

/// The names of all topics.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().map(|(name, _)| *name)
}

/// The page about a topic, which may be named `helm-oci-cache` or `cache`.
pub(super) fn find(word: &str) -> Option<&'static str> {
    let word = word.strip_prefix("helm-oci-").unwrap_or(word);
    TOPICS.iter().find(|(name, _)| *name == word).map(|(_, page)| *page)
}

/// A page for a terminal of this width: paragraphs are folded, and blocks of code are kept, except for remarks that do
/// not fit.
pub(super) fn render(page: &str, width: usize) -> String {
    let mut text = String::new();
    let (mut code, mut paragraph) = (false, String::new());
    for line in page.lines() {
        if line.starts_with("```") {
            flush(&mut text, &mut paragraph, width);
            code = !code;
        } else if code {
            preformatted(&mut text, line, width);
        } else if let Some(heading) = line.strip_prefix("# ").or(line.strip_prefix("## ")) {
            text.push_str(&format!("{}\n", heading.to_uppercase()));
        } else if line.is_empty() {
            flush(&mut text, &mut paragraph, width);
            text.push('\n');
        } else {
            if line.starts_with("- ") || line.starts_with(|c: char| c.is_ascii_digit()) {
                flush(&mut text, &mut paragraph, width);
            }
            paragraph.push_str(line.trim_start());
            paragraph.push(' ');
        }
    }
    flush(&mut text, &mut paragraph, width);
    text
}

/// Adds a line of a block of code. If it does not fit, the remark behind its last gap gets a line of its own: above a
/// command, whose remark begins with `#`, and below anything else.
fn preformatted(text: &mut String, line: &str, width: usize) {
    const INDENT: usize = 4;
    let indented = |text: &mut String, line: &str| text.push_str(&format!("    {line}\n"));
    let (code, remark) = match line.trim_start().rsplit_once("  ") {
        Some((code, remark)) if INDENT + line.chars().count() > width => (code.trim_end(), remark),
        _ => return indented(text, line),
    };
    let code = format!("{}{code}", &line[..line.len() - line.trim_start().len()]);
    if remark.starts_with('#') {
        indented(text, remark);
        indented(text, &code);
    } else {
        indented(text, &code);
        let below = 2 * INDENT + (code.len() - code.trim_start().len());
        fold(text, &format!("{}{remark}", " ".repeat(below)), below, width);
    }
}

fn flush(text: &mut String, paragraph: &mut String, width: usize) {
    if !paragraph.is_empty() {
        fold(text, &paragraph.replace('`', ""), 0, width);
        paragraph.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_the_terminal_but_for_what_is_to_be_copied() {
        for (name, page) in TOPICS {
            for width in [60, 80] {
                let text = render(page, width);
                for line in text.lines().filter(|line| line.chars().count() > width) {
                    let title = line.to_uppercase() == line;
                    let copied = line.starts_with("    ") && !line.contains("  ".repeat(6).as_str());
                    assert!(title || copied, "{name}: {line}");
                }
            }
            assert!(page.starts_with(&format!("# helm-oci-{name}(7): ")), "{name}");
            assert_eq!(find(&format!("helm-oci-{name}")), Some(page));
        }
        assert_eq!(names().count(), 6);
    }
}
