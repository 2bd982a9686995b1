//! Which signatures are accepted and which key exchanges are offered: those of ring, and what Go has besides. ring has
//! neither the curve P-521 nor ECDSA with SHA-512, which some companies' authorities use for all their certificates.
//!
//! A second library with both (aws-lc) would add more than a megabyte to each executable; these curves add about 100
//! KB.

use std::sync::{Arc, OnceLock};

use p521::ecdsa::signature::hazmat::PrehashVerifier as _;
use rustls::SignatureScheme;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::key_exchange::P521KeyExchange;

/// Verifies a signature in DER over the hash of the message. The key is an uncompressed point.
type Verify = fn(key: &[u8], hash: &[u8], signature: &[u8]) -> bool;

/// ECDSA over one curve with one hash.
#[derive(Debug)]
struct Ecdsa {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    hash: fn(&[u8]) -> Vec<u8>,
    verify: Verify,
}

impl SignatureVerificationAlgorithm for Ecdsa {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }

    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let right = (self.verify)(key, &(self.hash)(message), signature);
        if right { Ok(()) } else { Err(InvalidSignature) }
    }
}

/// A [`Verify`] function for one curve.
macro_rules! over {
    ($curve:ident) => {
        |key, hash, signature| {
            let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(key);
            let signature = $curve::ecdsa::Signature::from_der(signature);
            matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_prehash(hash, &signature).is_ok())
        }
    };
}

const P256: Verify = over!(p256);
const P384: Verify = over!(p384);
const P521: Verify = over!(p521);

fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// SHA-256 with zeros in front, which do not change the number that it stands for. FIPS 186-5 6.4 allows a hash of any
/// length; the library refuses one that is less than half as long as the curve's numbers.
fn sha256_for_p521(message: &[u8]) -> Vec<u8> {
    [[0; 32].as_slice(), &sha256(message)].concat()
}

fn sha384(message: &[u8]) -> Vec<u8> {
    Sha384::digest(message).to_vec()
}

fn sha512(message: &[u8]) -> Vec<u8> {
    Sha512::digest(message).to_vec()
}

static P256_SHA512: Ecdsa =
    Ecdsa { key: alg_id::ECDSA_P256, signature: alg_id::ECDSA_SHA512, hash: sha512, verify: P256 };
static P384_SHA512: Ecdsa =
    Ecdsa { key: alg_id::ECDSA_P384, signature: alg_id::ECDSA_SHA512, hash: sha512, verify: P384 };
static P521_SHA256: Ecdsa =
    Ecdsa { key: alg_id::ECDSA_P521, signature: alg_id::ECDSA_SHA256, hash: sha256_for_p521, verify: P521 };
static P521_SHA384: Ecdsa =
    Ecdsa { key: alg_id::ECDSA_P521, signature: alg_id::ECDSA_SHA384, hash: sha384, verify: P521 };
static P521_SHA512: Ecdsa =
    Ecdsa { key: alg_id::ECDSA_P521, signature: alg_id::ECDSA_SHA512, hash: sha512, verify: P521 };

type SignatureAlgorithm = &'static dyn SignatureVerificationAlgorithm;

/// ring's cryptography, with the further signatures and the further curve.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| {
        let mut provider = ring::default_provider();
        provider.signature_verification_algorithms = extended(provider.signature_verification_algorithms);
        // P-521 is the last choice, as in Go.
        provider.kx_groups.push(Box::leak(Box::new(P521KeyExchange(provider.secure_random))));
        Arc::new(provider)
    }))
}

/// ring's signature algorithms and ours. rustls wants lists that live as long as the process, and this runs once in it.
fn extended(known: WebPkiSupportedAlgorithms) -> WebPkiSupportedAlgorithms {
    let ours: [SignatureAlgorithm; 5] =
        [&P256_SHA512, &P384_SHA512, &P521_SHA256, &P521_SHA384, &P521_SHA512];
    // In TLS 1.3 a scheme means one curve, the first in its list; in TLS 1.2 it means any curve with this hash.
    let more = |scheme: &SignatureScheme| -> &[SignatureAlgorithm] {
        match scheme {
            SignatureScheme::ECDSA_NISTP256_SHA256 => &ours[2..3],
            SignatureScheme::ECDSA_NISTP384_SHA384 => &ours[3..4],
            _ => &[],
        }
    };
    let mut mapping: Vec<(SignatureScheme, &'static [SignatureAlgorithm])> = Vec::new();
    for (scheme, algorithms) in known.mapping {
        mapping.push((*scheme, [algorithms, more(scheme)].concat().leak()));
    }
    let p521: &'static [SignatureAlgorithm] =
        vec![&P521_SHA512 as SignatureAlgorithm, &P256_SHA512, &P384_SHA512].leak();
    mapping.insert(mapping.len().min(2), (SignatureScheme::ECDSA_NISTP521_SHA512, p521));
    let all = [known.all, &ours].concat();
    WebPkiSupportedAlgorithms { all: all.leak(), mapping: mapping.leak() }
}
