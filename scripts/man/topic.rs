//! A page about a topic: Markdown into roff. Headings, paragraphs, lists, tables' cells as lines, and blocks of code are what
//! the pages are written in; anything else is an error, so that nothing of a page is lost without a word.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use roff::{Inline, Roff, bold, roman};

/// `helm-oci-cache(7): the local chart cache` is the title; the rest is the page.
pub(crate) fn page(text: &str) -> Result<String, String> {
    let mut page = Roff::new();
    let (mut line, mut code, mut title): (Vec<Inline>, bool, bool) = (Vec::new(), false, false);
    let mut item = false;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => title = level == HeadingLevel::H1,
            Event::End(TagEnd::Heading(_)) => {
                let words = plain(&line);
                line.clear();
                match title {
                    true => head(&mut page, &words)?,
                    false => drop(page.control("SH", [words.to_uppercase().as_str()])),
                }
            }
            Event::Start(Tag::Paragraph) if !item => drop(page.control("PP", [])),
            Event::End(TagEnd::Paragraph) => drop(page.text(std::mem::take(&mut line))),
            Event::Start(Tag::CodeBlock(_)) => {
                code = true;
                page.control("PP", []).control("nf", []).control("RS", ["4"]);
            }
            Event::End(TagEnd::CodeBlock) => {
                code = false;
                page.control("RE", []).control("fi", []);
            }
            Event::Start(Tag::Item) => {
                item = true;
                page.control("IP", ["-", "2"]);
            }
            Event::End(TagEnd::Item) => {
                item = false;
                if !line.is_empty() {
                    page.text(std::mem::take(&mut line));
                }
            }
            Event::Text(words) if code => {
                for row in words.lines() {
                    page.text([roman(row)]);
                }
            }
            Event::Text(words) => line.push(roman(words.as_ref())),
            Event::Code(words) => line.push(bold(words.as_ref())),
            Event::SoftBreak => line.push(roman(" ")),
            Event::Start(Tag::Paragraph | Tag::List(_) | Tag::Emphasis | Tag::Strong)
            | Event::End(TagEnd::List(_) | TagEnd::Emphasis | TagEnd::Strong) => {}
            other => return Err(format!("nothing is known of {other:?} in a page")),
        }
    }
    Ok(page.render())
}

fn head(page: &mut Roff, title: &str) -> Result<(), String> {
    let (name, summary) =
        title.split_once("(7): ").ok_or(format!("`{title}` is no title: NAME(7): SUMMARY"))?;
    let version = concat!("helm-oci ", env!("CARGO_PKG_VERSION"));
    page.control("TH", [name.to_uppercase().as_str(), "7", "", version, "Helm charts over OCI registries"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{name} - {summary}"))]);
    Ok(())
}

/// The words of a heading.
fn plain(line: &[Inline]) -> String {
    let words = line.iter().map(|inline| match inline {
        Inline::Roman(words) | Inline::Italic(words) | Inline::Bold(words) => words.as_str(),
        Inline::LineBreak => " ",
    });
    words.collect()
}
