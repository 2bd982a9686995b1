//! ECDHE over P-521, which Go offers and ring lacks. In TLS 1.2 a server may show a certificate with a key on this
//! curve only to a client that offers the curve (RFC 8422 5.1).

use p521::ecdh::diffie_hellman;
use p521::elliptic_curve::sec1::ToSec1Point as _;
use p521::{PublicKey, SecretKey};
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};

/// The length of a number on this curve in bytes; only one bit of the first byte is used (SEC 1 2.3.5).
const LENGTH: usize = 66;

/// The curve, with the random generator for its keys.
#[derive(Debug)]
pub(super) struct P521KeyExchange(pub(super) &'static dyn SecureRandom);

impl SupportedKxGroup for P521KeyExchange {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        // Zero and numbers beyond the curve's order are not keys (SP 800-56A 5.6.1.2.2): about one in 2^256 tries.
        for _ in 0..8 {
            let mut bytes = [0; LENGTH];
            self.0.fill(&mut bytes)?;
            bytes[0] &= 1;
            if let Ok(secret) = SecretKey::from_slice(&bytes) {
                let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
                return Ok(Box::new(Started { secret, public }));
            }
        }
        Err(GetRandomFailed.into())
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// Our key pair in a started exchange.
struct Started {
    secret: SecretKey,
    public: Vec<u8>,
}

impl ActiveKeyExchange for Started {
    fn complete(self: Box<Self>, theirs: &[u8]) -> Result<SharedSecret, Error> {
        // Only uncompressed points are allowed (RFC 8446 4.2.8.2). Parsing also checks that the point is on the curve.
        let theirs = match theirs {
            [0x04, ..] => PublicKey::from_sec1_bytes(theirs).ok(),
            _ => None,
        };
        let theirs = theirs.ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = diffie_hellman(self.secret.to_nonzero_scalar(), theirs.as_affine());
        Ok(SharedSecret::from(shared.raw_secret_bytes().as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;

    use super::*;

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let group = P521KeyExchange(ring::default_provider().secure_random);
        let (ours, theirs) = (group.start().unwrap(), group.start().unwrap());
        let (our_key, their_key) = (ours.pub_key().to_vec(), theirs.pub_key().to_vec());
        assert_eq!((our_key.len(), our_key[0]), (1 + 2 * LENGTH, 0x04));
        assert_ne!(our_key, their_key);
        let (one, other) = (ours.complete(&their_key).unwrap(), theirs.complete(&our_key).unwrap());
        assert_eq!(one.secret_bytes(), other.secret_bytes());
        assert_eq!(one.secret_bytes().len(), LENGTH);
    }

    #[test]
    fn what_is_no_point_of_the_curve_is_refused() {
        let group = P521KeyExchange(ring::default_provider().secure_random);
        let good = group.start().unwrap().pub_key().to_vec();
        let mut off = good.clone();
        off[132] ^= 1;
        let compressed = [&[0x02], &good[1..=LENGTH]].concat();
        for bad in [&off[..], &good[1..], &good[..132], &compressed, &[0x00], &[]] {
            let refused = group.start().unwrap().complete(bad);
            assert!(
                matches!(refused, Err(Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare))),
                "{bad:?}"
            );
        }
    }
}
