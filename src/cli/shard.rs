//! A share of a job that several processes do without communicating.

use std::str::FromStr;

use crate::digest::Digest;
use crate::reference::Reference;

/// A share such as `2/4`, the second of four. A repository belongs to one share by its name, so that only one process
/// writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The index of the share, from 0.
    index: u64,
    count: u64,
}

impl Shard {
    /// Whether the repository of a reference belongs to this share. Its share is computed from the first eight bytes of
    /// the SHA-256 of `host/repository`, as a big-endian number, modulo the count, plus one.
    pub fn has(&self, reference: &Reference) -> bool {
        let digest = Digest::of(format!("{}/{}", reference.host, reference.repository).as_bytes());
        let first = digest.hex().get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        first.is_some_and(|number| number % self.count == self.index)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(index, count)| {
            let (index, count) = (index.parse::<u64>().ok()?, count.parse::<u64>().ok()?);
            (1..=count).contains(&index).then(|| Self { index: index - 1, count })
        });
        parsed.ok_or_else(|| format!("`{text}` is no share: expected for example 2/4, the second of four"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_in_one_share_alone() {
        for count in [1, 2, 3, 4, 7] {
            for name in ["a.b/x", "a.b/y", "c.d:5000/x/y/z", "oci://harbor/web"] {
                let shares: Vec<Shard> =
                    (1..=count).map(|index| format!("{index}/{count}").parse().unwrap()).collect();
                let of = |reference: String| {
                    let reference: Reference = reference.parse().unwrap();
                    shares.iter().position(|share| share.has(&reference)).unwrap()
                };
                let has = shares.iter().filter(|share| share.has(&name.parse().unwrap())).count();
                assert_eq!(has, 1, "{name} of {count}");
                assert_eq!(of(format!("{name}:1")), of(format!("{name}:2")));
            }
        }
        // printf a.b/x | sha256sum prints efa51c8e1111aa4e…
        for share in ["3/4", "7/7"] {
            assert!(share.parse::<Shard>().unwrap().has(&"a.b/x:1".parse().unwrap()), "{share}");
        }
        for wrong in ["", "1", "0/2", "3/2", "1/0", "a/b", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
