//! What stands in a certificate, as far as webpki does not tell it.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use x509_cert::certificate::{CertificateInner, Raw, Version};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::referenced::OwnedToRef as _;
use x509_cert::der::{Decode as _, Encode, Header, Reader as _, SliceReader};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage,
    KeyUsage, NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};

/// `id-kp-serverAuth` and `anyExtendedKeyUsage` (RFC 5280 4.2.1.12).
const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Extensions that are understood here, or by webpki for the certificate of the server; and those that Go reads and does not
/// judge a server by (crypto/x509, `processExtensions`). Name constraints are no matter for the certificate of a server; an
/// authority that has them is not taken here.
const KNOWN: [ObjectIdentifier; 9] = [
    BasicConstraints::OID,
    KeyUsage::OID,
    ExtendedKeyUsage::OID,
    SubjectAltName::OID,
    NameConstraints::OID,
    CertificatePolicies::OID,
    SubjectKeyIdentifier::OID,
    AuthorityKeyIdentifier::OID,
    CrlDistributionPoints::OID,
];

/// A certificate, read.
pub(super) struct Facts<'a> {
    der: &'a [u8],
    certificate: CertificateInner<Raw>,
}

impl<'a> Facts<'a> {
    /// Reads a certificate; `None` if it cannot be read.
    pub(super) fn read(der: &'a CertificateDer<'_>) -> Option<Self> {
        Some(Self { der: der.as_ref(), certificate: CertificateInner::from_der(der).ok()? })
    }

    /// Whether it is this very certificate.
    pub(super) fn is(&self, other: &CertificateDer<'_>) -> bool {
        self.der == other.as_ref()
    }

    /// Its first and its last moment, in time since 1970.
    pub(super) fn validity(&self) -> (Duration, Duration) {
        let validity = self.certificate.tbs_certificate().validity();
        (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration())
    }

    /// Whether it says that it may be a server's, or says nothing about what it is for.
    pub(super) fn is_for_servers(&self) -> bool {
        match self.certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, usage))) => usage.0.iter().any(|purpose| [SERVER, ANY].contains(purpose)),
            Err(_) => false,
        }
    }

    /// Whether it has an extension that must be understood, and is not.
    pub(super) fn is_beyond_us(&self) -> bool {
        let extensions = self.certificate.tbs_certificate().extensions();
        extensions
            .into_iter()
            .flatten()
            .any(|extension| extension.critical && !KNOWN.contains(&extension.extn_id))
    }

    /// Whether it says that its key may sign certificates, or says nothing about what its key is for.
    pub(super) fn may_sign(&self) -> bool {
        match self.certificate.tbs_certificate().get_extension::<KeyUsage>() {
            Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
            Err(_) => false,
        }
    }

    /// Whether it is one of an authority.
    pub(super) fn is_authority(&self) -> bool {
        let tbs = self.certificate.tbs_certificate();
        match tbs.get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => constraints.ca,
            // Before version 3 there was no way to say it.
            Ok(None) => tbs.version() != Version::V3,
            Err(_) => false,
        }
    }

    /// Whether so many authorities may be below it.
    pub(super) fn may_be_above(&self, authorities: usize) -> bool {
        match self.certificate.tbs_certificate().get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => {
                constraints.path_len_constraint.is_none_or(|most| authorities <= most.into())
            }
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Whether it may give some names only.
    pub(super) fn is_limited(&self) -> bool {
        !matches!(self.certificate.tbs_certificate().get_extension::<NameConstraints>(), Ok(None))
    }

    /// Whether it is its own authority.
    pub(super) fn is_self_signed(&self, algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
        self.is_issued_by(self) && self.is_signed_by(self, algorithms)
    }

    /// Whether its issuer has the other's name.
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        self.certificate.tbs_certificate().issuer() == other.certificate.tbs_certificate().subject()
    }

    /// Whether it is signed with the other's key.
    pub(super) fn is_signed_by(
        &self,
        other: &Self,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        let (Some(signed), Some(signature)) = (self.signed_part(), self.certificate.signature().as_bytes())
        else {
            return false;
        };
        let key = other.certificate.tbs_certificate().subject_public_key_info();
        let (Some(kind), Some(point)) = (identifier(&key.algorithm), key.subject_public_key.as_bytes())
        else {
            return false;
        };
        let Some(signed_as) = identifier(self.certificate.signature_algorithm()) else { return false };
        algorithms
            .iter()
            .filter(|known| {
                known.public_key_alg_id().as_ref() == kind && known.signature_alg_id().as_ref() == signed_as
            })
            .any(|known| known.verify_signature(point, signed, signature).is_ok())
    }

    /// What the signature is about, byte for byte.
    fn signed_part(&self) -> Option<&[u8]> {
        let mut reader = SliceReader::new(self.der).ok()?;
        Header::decode(&mut reader).ok()?;
        reader.tlv_bytes().ok()
    }

    /// The common name, if there is no other name in it.
    pub(super) fn sole_common_name(&self) -> Option<String> {
        let tbs = self.certificate.tbs_certificate();
        if !matches!(tbs.get_extension::<SubjectAltName>(), Ok(None)) {
            return None;
        }
        let attributes = tbs.subject().iter_rdn().flat_map(|names| names.iter());
        let name = attributes.filter(|attribute| attribute.oid == COMMON_NAME).last()?;
        std::str::from_utf8(name.value.value()).ok().map(str::to_owned)
    }

    /// The size of its key in bits, if that is an RSA key.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        let key = self.certificate.tbs_certificate().subject_public_key_info().owned_to_ref();
        if key.algorithm.oid != RSA {
            return None;
        }
        let mut reader = SliceReader::new(key.subject_public_key.as_bytes()?).ok()?;
        Header::decode(&mut reader).ok()?;
        let modulus = UintRef::decode(&mut reader).ok()?;
        let bytes = modulus.as_bytes();
        Some(bytes.len() * 8 - bytes.first()?.leading_zeros() as usize)
    }
}

/// An algorithm as rustls compares it: what is in its sequence.
fn identifier(algorithm: &impl Encode) -> Option<Vec<u8>> {
    let whole = algorithm.to_der().ok()?;
    let mut reader = SliceReader::new(&whole).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let start = whole.len().checked_sub(usize::try_from(header.length()).ok()?)?;
    whole.get(start..).map(<[u8]>::to_vec)
}
