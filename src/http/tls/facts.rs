//! The contents of a certificate that webpki does not expose.

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
/// Extensions that are understood here or by webpki in a server's certificate, and those that Go reads without judging
/// a server by them (crypto/x509, `processExtensions`). Name constraints have no effect in the certificate of a server;
/// an authority that has them is not accepted here.
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

/// A parsed certificate.
pub(super) struct Facts<'a> {
    der: &'a [u8],
    certificate: CertificateInner<Raw>,
}

impl<'a> Facts<'a> {
    /// Parses a certificate; `None` if it is malformed.
    pub(super) fn read(der: &'a CertificateDer<'_>) -> Option<Self> {
        Some(Self { der: der.as_ref(), certificate: CertificateInner::from_der(der).ok()? })
    }

    /// Whether it is this very certificate.
    pub(super) fn is(&self, other: &CertificateDer<'_>) -> bool {
        self.der == other.as_ref()
    }

    /// From when until when it is valid, as times since 1970.
    pub(super) fn validity(&self) -> (Duration, Duration) {
        let validity = self.certificate.tbs_certificate().validity();
        (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration())
    }

    /// Whether its extended key usage allows servers, or is absent.
    pub(super) fn is_for_servers(&self) -> bool {
        match self.certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, usage))) => usage.0.iter().any(|purpose| [SERVER, ANY].contains(purpose)),
            Err(_) => false,
        }
    }

    /// Whether it has a critical extension that is unknown here.
    pub(super) fn is_beyond_us(&self) -> bool {
        let extensions = self.certificate.tbs_certificate().extensions();
        extensions
            .into_iter()
            .flatten()
            .any(|extension| extension.critical && !KNOWN.contains(&extension.extn_id))
    }

    /// Whether its key usage allows signing certificates, or is absent.
    pub(super) fn may_sign(&self) -> bool {
        match self.certificate.tbs_certificate().get_extension::<KeyUsage>() {
            Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
            Err(_) => false,
        }
    }

    /// Whether it is the certificate of an authority.
    pub(super) fn is_authority(&self) -> bool {
        let tbs = self.certificate.tbs_certificate();
        match tbs.get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => constraints.ca,
            // Before version 3 certificates could not say so.
            Ok(None) => tbs.version() != Version::V3,
            Err(_) => false,
        }
    }

    /// Whether its path length allows this many authorities below it.
    pub(super) fn may_be_above(&self, authorities: usize) -> bool {
        match self.certificate.tbs_certificate().get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => {
                constraints.path_len_constraint.is_none_or(|most| authorities <= most.into())
            }
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Whether it has name constraints, so that it may issue certificates for some names only.
    pub(super) fn is_limited(&self) -> bool {
        !matches!(self.certificate.tbs_certificate().get_extension::<NameConstraints>(), Ok(None))
    }

    /// Whether it is signed with its own key.
    pub(super) fn is_self_signed(&self, algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
        self.is_issued_by(self) && self.is_signed_by(self, algorithms)
    }

    /// Whether its issuer is the subject of the other.
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

    /// The bytes that the signature covers.
    fn signed_part(&self) -> Option<&[u8]> {
        let mut reader = SliceReader::new(self.der).ok()?;
        Header::decode(&mut reader).ok()?;
        reader.tlv_bytes().ok()
    }

    /// The common name, if there is no subject alternative name.
    pub(super) fn sole_common_name(&self) -> Option<String> {
        let tbs = self.certificate.tbs_certificate();
        if !matches!(tbs.get_extension::<SubjectAltName>(), Ok(None)) {
            return None;
        }
        let attributes = tbs.subject().iter_rdn().flat_map(|names| names.iter());
        let name = attributes.filter(|attribute| attribute.oid == COMMON_NAME).last()?;
        std::str::from_utf8(name.value.value()).ok().map(str::to_owned)
    }

    /// The size of its key in bits, if it is an RSA key.
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

/// An algorithm identifier in the form that rustls compares: the contents of its DER sequence.
fn identifier(algorithm: &impl Encode) -> Option<Vec<u8>> {
    let whole = algorithm.to_der().ok()?;
    let mut reader = SliceReader::new(&whole).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let start = whole.len().checked_sub(usize::try_from(header.length()).ok()?)?;
    whole.get(start..).map(<[u8]>::to_vec)
}
