//! Sorts keys as go-yaml does: numbers within them are compared as numbers (keyList.Less in sorter.go).

use std::cmp::Ordering;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

fn is_letter(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Letter
}

/// Compares two keys.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    let (left, right) = (a[at], b[at]);
    // After a digit a letter comes first, otherwise last.
    let in_number = at > 0 && a[at - 1].is_numeric();
    match (is_letter(left), is_letter(right)) {
        (true, true) => return left.cmp(&right),
        (false, false) => {}
        (is_left, _) => return if is_left == in_number { Ordering::Less } else { Ordering::Greater },
    }
    // After a digit other than 0, a zero is a part of the number.
    let before = a[..at].iter().rev().take_while(|c| c.is_ascii_digit());
    let counts = (left == '0' || right == '0') && before.into_iter().any(|c| *c != '0');
    let number = |text: &[char]| {
        let digits: Vec<i64> = text.iter().map_while(|c| c.to_digit(10)).map(i64::from).collect();
        let value = digits.iter().fold(i64::from(counts), |n, d| n.wrapping_mul(10).wrapping_add(*d));
        (value, digits.len())
    };
    number(&a[at..]).cmp(&number(&b[at..])).then(left.cmp(&right))
}
