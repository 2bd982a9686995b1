//! Conditional requests and ranges (RFC 9110 13 and 14). The ETag of a blob or manifest is its digest.

use hyper::HeaderMap;
use hyper::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

use super::refusal::RequestRefusal;
use crate::digest::Digest;

/// The ETag of the content with this digest, in quotes.
pub(super) fn etag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether `If-None-Match` says that the client has the content already (RFC 9110 13.1.2).
pub(super) fn has_already(headers: &HeaderMap, digest: &Digest) -> bool {
    let etag = etag(digest);
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
    })
}

/// The range of bytes that the client asks for, as first byte and length; `None` for the whole content.
///
/// A range that cannot be parsed, and several ranges at once, are ignored, as RFC 9110 14.2 allows. A range that ends
/// before it begins is invalid (14.1.1), and one outside the content cannot be satisfied: both are refused with 416
/// (15.5.17).
pub(super) fn range(
    headers: &HeaderMap,
    digest: &Digest,
    size: u64,
) -> Result<Option<(u64, u64)>, RequestRefusal> {
    let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    if headers.get(IF_RANGE).is_some_and(|condition| condition.as_bytes() != etag(digest).as_bytes()) {
        return Ok(None);
    }
    let Some((start, end)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = match (number(start.trim()), number(end.trim())) {
        (Some(first), Some(last)) if first <= last => (first, last),
        (Some(_), Some(_)) => return Err(RequestRefusal::OutsideBlob { size }),
        (Some(first), None) if end.trim().is_empty() => (first, u64::MAX),
        (None, Some(suffix)) if start.trim().is_empty() => match suffix {
            0 => return Err(RequestRefusal::OutsideBlob { size }),
            _ => (size.saturating_sub(suffix), u64::MAX),
        },
        _ => return Ok(None),
    };
    if first >= size {
        return Err(RequestRefusal::OutsideBlob { size });
    }
    Ok(Some((first, last.min(size - 1) - first + 1)))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn reads_ranges_as_the_rfc_does() {
        for (text, size, expected) in [
            ("bytes=0-0", 10, Some(Some((0, 1)))),
            ("bytes=2-5", 10, Some(Some((2, 4)))),
            ("bytes=2-", 10, Some(Some((2, 8)))),
            ("bytes=2-99999999999999999999", 10, Some(Some((2, 8)))),
            ("bytes=-3", 10, Some(Some((7, 3)))),
            ("bytes=-30", 10, Some(Some((0, 10)))),
            ("bytes=10-", 10, None),
            ("bytes=10-12", 10, None),
            ("bytes=-0", 10, None),
            ("bytes=0-", 0, None),
            ("bytes=-1", 0, None),
            ("bytes=5-2", 10, None),
            ("bytes=500-0", 10, None),
            ("bytes=99999999999999999999-2", 10, None),
            ("bytes=0-1,3-4", 10, Some(None)),
            ("bytes=-", 10, Some(None)),
            ("bytes=a-b", 10, Some(None)),
            ("lines=0-1", 10, Some(None)),
        ] {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(text))]);
            assert_eq!(range(&headers, &Digest::of(b""), size).ok(), expected, "{text} of {size}");
        }
    }

    #[test]
    fn a_range_of_something_else_is_no_range() {
        let digest = Digest::of(b"");
        for (condition, expected) in [
            (etag(&digest), Some((0, 1))),
            (etag(&Digest::of(b"x")), None),
            (format!("W/{}", etag(&digest)), None),
        ] {
            let value = |text: &str| HeaderValue::from_str(text).unwrap();
            let headers = HeaderMap::from_iter([(RANGE, value("bytes=0-0")), (IF_RANGE, value(&condition))]);
            assert_eq!(range(&headers, &digest, 9).unwrap(), expected, "{condition}");
        }
    }

    #[test]
    fn knows_what_the_client_has() {
        let digest = Digest::of(b"");
        let etag = etag(&digest);
        for (list, expected) in [
            (etag.clone(), true),
            (format!("W/{etag}"), true),
            (format!("\"x\", {etag}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
            (digest.to_string(), false),
        ] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(&list).unwrap())]);
            assert_eq!(has_already(&headers, &digest), expected, "{list}");
        }
    }
}
