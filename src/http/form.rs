//! `application/x-www-form-urlencoded`, for queries and for the bodies of forms.

use url::form_urlencoded;
use zeroize::Zeroizing;

/// Encodes a value for a query.
pub(crate) fn escape(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Encodes a form, without the fields that are empty. Its memory is wiped when it is dropped, as a field may be a
/// secret.
pub(crate) fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    Zeroizing::new(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_everything_escaped() {
        assert_eq!(escape("repository:a/b:pull,push"), "repository%3Aa%2Fb%3Apull%2Cpush");
        assert_eq!(escape("my registry&x=1#é"), "my+registry%26x%3D1%23%C3%A9");
    }

    #[test]
    fn a_form_has_the_fields_with_a_value() {
        assert_eq!(*form(&[("a", "x y"), ("b", ""), ("c", "é&=")]), "a=x+y&c=%C3%A9%26%3D");
    }
}
