//! The `Link` header (RFC 8288), as far as paged lists need it. Without I/O.

/// The target of the first link with `rel="next"`.
pub(super) fn next<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<String> {
    headers.into_iter().find_map(|header| {
        let mut rest = header;
        loop {
            let (target, after) = rest.split_once('<')?.1.split_once('>')?;
            let (next, after) = parameters(after);
            if next {
                return Some(target.trim().to_owned());
            }
            rest = after;
        }
    })
}

/// Parses a link's parameters. Returns whether they have the relation `next`, and the text behind the comma that
/// follows them.
fn parameters(mut rest: &str) -> (bool, &str) {
    let mut next = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            return (next, after);
        }
        let Some(after) = rest.strip_prefix(';') else { return (next, rest) };
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        rest = after;
        let Some(after) = rest.strip_prefix('=') else { continue };
        let after = after.trim_start();
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find([';', ',']).unwrap_or(after.len())),
        };
        let mut relations = value.split_whitespace();
        next |= name.trim().eq_ignore_ascii_case("rel") && relations.any(|r| r.eq_ignore_ascii_case("next"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_page() {
        for (header, target) in [
            (r#"</v2/a/tags/list?last=b&n=2>; rel="next""#, Some("/v2/a/tags/list?last=b&n=2")),
            ("<https://r.example/x>; rel=next", Some("https://r.example/x")),
            ("</x>;rel=NEXT", Some("/x")),
            (r#"</x>; title="a, <b>; c"; rel="prev next""#, Some("/x")),
            (r#"</a>; rel="first", </b>; rel="next""#, Some("/b")),
            (r#"</a,b;c>; rel="next""#, Some("/a,b;c")),
            (r#"</x>; rel="nextish""#, None),
            (r#"</x>; x="rel=next""#, None),
            (r#"</x>; rel="last""#, None),
            ("</x>", None),
            ("</x>; rel", None),
            ("</x>; rel=", None),
            (r#"</x>; rel=""#, None),
            ("<", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(next([header]).as_deref(), target, "{header}");
        }
        assert_eq!(next([r#"</a>; rel="prev""#, "</b>; rel=next"]).as_deref(), Some("/b"));
    }
}
