//! Why there is no TLS connection, in plain words. Texts of libraries are not repeated: each variant says what a user
//! can act on.

use std::net::IpAddr;
use std::path::PathBuf;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

/// Why there is no TLS connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The certificate is not signed by an authority that is trusted.
    #[error("its certificate is signed by an authority that is not {}", trusted_in(.file))]
    UnknownAuthority {
        /// The file with the trusted certificates, if the user has named one.
        file: Option<PathBuf>,
    },
    /// The certificate is signed by itself, and is not trusted.
    #[error("its certificate is signed by itself, and not {}", trusted_in(.file))]
    SelfSigned {
        /// The file with the trusted certificates, if the user has named one.
        file: Option<PathBuf>,
    },
    /// The certificate, or one on its path to the authority, has expired.
    #[error("its certificate has expired{}", moment(" on ", *.at))]
    Expired {
        /// When it expired, in seconds since 1970.
        at: Option<u64>,
    },
    /// The certificate, or one on its path to the authority, is not valid yet.
    #[error("its certificate is not valid yet{}: is the clock here right?", moment(", but from ", *.from))]
    NotYetValid {
        /// From when it is valid, in seconds since 1970.
        from: Option<u64>,
    },
    /// The certificate is for other hosts.
    #[error("its certificate is not for {host}{}", for_others(.names))]
    OtherName {
        /// The host that was asked for.
        host: String,
        /// The names that the certificate is for.
        names: Vec<String>,
    },
    /// The certificate names its host only by a common name, which is no longer accepted.
    #[error(
        "its certificate names its host by the common name {name} alone, which is not looked at any more: it has no subject alternative name"
    )]
    CommonNameOnly {
        /// The common name.
        name: String,
    },
    /// The extended key usage of the certificate does not allow servers.
    #[error("its certificate is not meant for servers")]
    Purpose,
    /// The certificate is that of an authority, and is used as a server's.
    #[error("its certificate is one of an authority, and none of a server")]
    AuthorityAsServer,
    /// The certificate that has signed it is not that of an authority, or may not sign this one.
    #[error("its certificate is signed by one that may not do that: {how}")]
    Constraint {
        /// Which rule it breaks, as the end of a sentence.
        how: &'static str,
    },
    /// The kind of signature or key is not trusted or not known.
    #[error("its certificate is of a kind that is not supported: {what}")]
    Algorithm {
        /// The kind of signature or key.
        what: String,
    },
    /// The signature does not match the authority's key. Most likely the authority was created again under the same
    /// name.
    #[error("its certificate is signed with another key than that of the trusted authority of this name")]
    BadSignature,
    /// The certificate has been revoked.
    #[error("its certificate is revoked")]
    Revoked,
    /// The certificate, or one on its path to the authority, has a critical extension that is unknown here.
    #[error("its certificate, or one above it, has a critical extension that is unknown here")]
    CriticalExtension,
    /// There are too many certificates between it and its authority, or too many possible paths.
    #[error("it takes too long to find the authority of its certificate")]
    TooFar,
    /// The certificate cannot be parsed.
    #[error("its certificate cannot be understood: {how}")]
    Unreadable {
        /// What is wrong with it.
        how: &'static str,
    },
    /// The server showed no certificate.
    #[error("it shows no certificate")]
    NoCertificate,
    /// The server asks for a client certificate, and we have shown none.
    #[error("it wants to see a client certificate")]
    ClientCertificateWanted,
    /// The server does not accept our client certificate.
    #[error("it does not accept the client certificate{}", .why.map(|why| format!(": {why}")).unwrap_or_default())]
    ClientCertificateRefused {
        /// The reason that the server's alert gives.
        why: Option<&'static str>,
    },
    /// The server speaks neither TLS 1.2 nor TLS 1.3.
    #[error("it speaks neither TLS 1.2 nor TLS 1.3")]
    Version,
    /// Client and server have no algorithm in common.
    #[error("there is no {what} that both sides know")]
    NothingInCommon {
        /// What they lack in common, such as a cipher suite.
        what: &'static str,
    },
    /// The server ended the handshake with this alert, in words.
    #[error("it breaks off: {0}")]
    Alert(&'static str),
    /// The server answers in plain HTTP.
    #[error("it answers in plain HTTP")]
    PlainHttp,
    /// The server's answer is not TLS.
    #[error("what it answers is no TLS: {how}")]
    NoTls {
        /// What is wrong with the answer.
        how: &'static str,
    },
    /// This name cannot stand in a certificate, so no certificate can match it.
    #[error("{0} cannot be the name of a server")]
    HostName(String),
    /// The fault is on our side: the system or the TLS library.
    #[error("{0}")]
    System(&'static str),
}

fn trusted_in(file: &Option<PathBuf>) -> String {
    file.as_ref().map_or_else(|| "trusted here".to_owned(), |file| format!("in {}", file.display()))
}

fn moment(before: &str, seconds: Option<u64>) -> String {
    let Some(seconds) = seconds else { return String::new() };
    let since = std::time::Duration::from_secs(seconds);
    match std::time::UNIX_EPOCH.checked_add(since) {
        // RFC 3339 has no dates beyond the year 9999.
        Some(at) if seconds < 253_402_300_800 => format!("{before}{}", humantime::format_rfc3339_seconds(at)),
        _ => String::new(),
    }
}

/// How many names an error message lists.
const MAX_NAMES: usize = 5;

fn for_others(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(MAX_NAMES).map(String::as_str).collect();
    match names.len() {
        0 => ", and names no host at all".to_owned(),
        many if many > MAX_NAMES => format!(", but for {} and {} more", shown.join(", "), many - MAX_NAMES),
        _ => format!(", but for {}", shown.join(", ")),
    }
}

impl From<rustls::Error> for TlsFailure {
    fn from(error: rustls::Error) -> Self {
        use rustls::Error as E;
        match error {
            E::InvalidCertificate(error) => Self::of_certificate(&error),
            E::AlertReceived(alert) => Self::of_alert(alert),
            E::PeerIncompatible(why) => Self::of_incompatible(&why),
            // The first byte of the answer was no TLS record's: `H` of `HTTP/1.1 400 Bad Request`.
            E::InvalidMessage(InvalidMessage::InvalidContentType) => Self::PlainHttp,
            E::InvalidMessage(_) => Self::NoTls { how: "a message that cannot be read" },
            E::InappropriateMessage { .. } | E::InappropriateHandshakeMessage { .. } => {
                Self::NoTls { how: "a message out of turn" }
            }
            E::PeerMisbehaved(_) => Self::NoTls { how: "it breaks the protocol's rules" },
            E::PeerSentOversizedRecord => Self::NoTls { how: "a message that is too long" },
            E::DecryptError => Self::NoTls { how: "a message that cannot be decrypted" },
            E::NoCertificatesPresented => Self::NoCertificate,
            E::UnsupportedNameType => Self::Unreadable { how: "it has a name of an unknown kind" },
            E::NoApplicationProtocol => Self::NothingInCommon { what: "protocol over TLS" },
            E::InvalidEncryptedClientHello(_) => Self::NoTls { how: "a wrong encrypted greeting" },
            E::FailedToGetCurrentTime => Self::System("the system does not tell what time it is"),
            E::FailedToGetRandomBytes => Self::System("the system gives no random numbers"),
            E::Other(other) => {
                let known = (*other.0).downcast_ref::<Self>().cloned();
                known.unwrap_or(Self::System("the TLS library fails"))
            }
            // The rest concerns settings that are not used here, and lists of revoked certificates, which are not read.
            _ => Self::System("the TLS library fails"),
        }
    }
}

impl TlsFailure {
    /// The failure for an error about a certificate, as far as the error alone tells it.
    pub(super) fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        let seconds = |at: &UnixTime| Some(at.as_secs());
        match error {
            E::BadEncoding => Self::Unreadable { how: "its encoding is wrong" },
            E::Expired => Self::Expired { at: None },
            E::ExpiredContext { not_after, .. } => Self::Expired { at: seconds(not_after) },
            E::NotValidYet => Self::NotYetValid { from: None },
            E::NotValidYetContext { not_before, .. } => Self::NotYetValid { from: seconds(not_before) },
            E::Revoked => Self::Revoked,
            E::UnhandledCriticalExtension => Self::CriticalExtension,
            E::UnknownIssuer => Self::UnknownAuthority { file: None },
            E::BadSignature => Self::BadSignature,
            E::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
                Self::Algorithm { what: signature_name(signature_algorithm_id).to_owned() }
            }
            E::UnsupportedSignatureAlgorithmForPublicKeyContext { signature_algorithm_id, .. } => {
                let signature = signature_name(signature_algorithm_id);
                Self::Algorithm { what: format!("{signature} with a key of its authority's kind") }
            }
            E::NotValidForNameContext { expected, presented } => Self::OtherName {
                host: host(expected),
                names: presented.iter().map(|name| presented_name(name)).collect(),
            },
            E::NotValidForName => Self::OtherName { host: "this host".to_owned(), names: Vec::new() },
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => Self::Purpose,
            E::Other(other) => Self::of_rule(&*other.0),
            _ => Self::Unreadable { how: "it breaks a rule of certificates" },
        }
    }

    /// The failure for an error that rustls only passes on: one of ours, or one of webpki's.
    fn of_rule(error: &(dyn std::error::Error + 'static)) -> Self {
        use webpki::Error as E;
        if let Some(own) = error.downcast_ref::<Self>() {
            return own.clone();
        }
        match error.downcast_ref::<E>() {
            Some(E::CaUsedAsEndEntity) => Self::AuthorityAsServer,
            Some(E::EndEntityUsedAsCa) => Self::Constraint { how: "it is no authority" },
            Some(E::NameConstraintViolation) => Self::Constraint { how: "this name is not its to give" },
            Some(E::PathLenConstraintViolated) => {
                Self::Constraint { how: "it may have no authority below it" }
            }
            Some(E::InvalidSerialNumber) => Self::Unreadable { how: "its serial number is invalid" },
            Some(E::UnsupportedCertVersion) => {
                Self::Unreadable { how: "it is not an X.509 certificate of version 3" }
            }
            Some(E::SignatureAlgorithmMismatch) => {
                Self::Unreadable { how: "it names two kinds of signature" }
            }
            Some(E::CertDistrusted) => Self::UnknownAuthority { file: None },
            Some(
                E::MaximumNameConstraintComparisonsExceeded
                | E::MaximumPathBuildCallsExceeded
                | E::MaximumPathDepthExceeded
                | E::MaximumSignatureChecksExceeded,
            ) => Self::TooFar,
            Some(E::UnsupportedCriticalExtension) => Self::CriticalExtension,
            Some(_) => Self::Unreadable { how: "it breaks a rule of certificates" },
            None => Self::Unreadable { how: "the system does not accept it" },
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                Self::ClientCertificateWanted
            }
            AlertDescription::ProtocolVersion => Self::Version,
            alert => Self::Alert(alert_name(alert)),
        }
    }

    fn of_incompatible(why: &PeerIncompatible) -> Self {
        use PeerIncompatible as P;
        match why {
            P::ServerDoesNotSupportTls12Or13
            | P::ServerTlsVersionIsDisabledByOurConfig
            | P::Tls12NotOffered
            | P::Tls12NotOfferedOrEnabled => Self::Version,
            P::NoCipherSuitesInCommon => Self::NothingInCommon { what: "cipher" },
            P::NoKxGroupsInCommon | P::NoEcPointFormatsInCommon => {
                Self::NothingInCommon { what: "key exchange" }
            }
            P::NoSignatureSchemesInCommon | P::NoCertificateRequestSignatureSchemesInCommon => {
                Self::NothingInCommon { what: "kind of signature" }
            }
            _ => Self::NothingInCommon { what: "way of speaking TLS" },
        }
    }
}

/// The host as a user writes it.
fn host(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// One of a certificate's names, without webpki's notation `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn presented_name(name: &str) -> String {
    let (kind, bare) = name
        .split_once('(')
        .and_then(|(kind, rest)| Some((kind, rest.strip_suffix(')')?)))
        .unwrap_or(("", name));
    let bare = bare.trim_matches('"');
    match bare.parse::<IpAddr>() {
        Ok(address) if kind == "DnsName" => {
            format!("the name {address} (an address has to stand in it as `IP:{address}`)")
        }
        Ok(address) => address.to_string(),
        Err(_) => crate::terminal::printable(bare, 100),
    }
}

/// The name of a signature algorithm, by its OID in DER, with or without parameters behind it.
fn signature_name(identifier: &[u8]) -> &'static str {
    let oid = match identifier {
        [6, length, rest @ ..] => rest.get(..usize::from(*length)).unwrap_or(rest),
        bare => bare,
    };
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    match (oid.strip_prefix(RSA), oid.strip_prefix(ECDSA)) {
        (Some([2]), _) => "a signature with MD2",
        (Some([4]), _) => "a signature with MD5",
        (Some([5]), _) | (_, Some([1])) => "a signature with SHA-1",
        (Some([10]), _) => "an RSA-PSS signature with unusual parameters",
        (Some([11..=13]), _) => "an RSA signature",
        (Some([14]), _) | (_, Some([3, 1])) => "a signature with SHA-224",
        (_, Some([3, 2..=4])) => "an ECDSA signature",
        _ if oid == [0x2b, 0x65, 0x71] => "an Ed448 signature",
        _ if oid == [0x2b, 0x65, 0x70] => "an Ed25519 signature",
        _ => "an unknown kind of signature",
    }
}

/// An alert in words (RFC 8446 6.2).
pub(super) fn alert_name(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CloseNotify => "it closes",
        A::UnexpectedMessage => "an unexpected message",
        A::BadRecordMac => "a damaged message",
        A::RecordOverflow => "a message that is too long",
        A::HandshakeFailure => "it finds no settings that both sides accept (handshake failure)",
        A::BadCertificate => "a certificate is broken or wrong",
        A::UnsupportedCertificate => "a certificate is of an unsupported kind",
        A::CertificateRevoked => "a certificate is revoked",
        A::CertificateExpired => "a certificate has expired",
        A::CertificateUnknown => "a certificate is not accepted",
        A::IllegalParameter => "an illegal parameter",
        A::UnknownCA => "a certificate's authority is unknown to it",
        A::AccessDenied => "access is denied",
        A::DecodeError => "a message that it cannot read",
        A::DecryptError => "a signature that it cannot verify",
        A::InsufficientSecurity => "it wants stronger ciphers",
        A::InternalError => "an internal error of the server",
        A::InappropriateFallback => "an older version than it expects",
        A::UserCanceled => "it is cancelled",
        A::MissingExtension => "a missing extension",
        A::UnsupportedExtension => "an unsupported extension",
        A::UnrecognisedName => "it does not know this host name",
        A::BadCertificateStatusResponse => "a bad certificate status",
        A::UnknownPSKIdentity => "an unknown key",
        A::NoApplicationProtocol => "no common protocol over TLS",
        _ => "a TLS alert",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::AlgorithmIdentifier;
    use rustls::{Error as E, ExtendedKeyPurpose, InconsistentKeys, OtherError, PeerMisbehaved};

    use super::*;

    fn other(error: impl std::error::Error + Send + Sync + 'static) -> OtherError {
        OtherError(Arc::new(error))
    }

    /// All errors that rustls and webpki can construct.
    fn all() -> Vec<E> {
        use CertificateError as C;
        use PeerIncompatible as P;
        use webpki::Error as W;
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let name = || ServerName::try_from("r.example").unwrap();
        let certificate = [
            C::BadEncoding,
            C::Expired,
            C::ExpiredContext { time, not_after: time },
            C::NotValidYet,
            C::NotValidYetContext { time, not_before: time },
            C::Revoked,
            C::UnhandledCriticalExtension,
            C::UnknownIssuer,
            C::UnknownRevocationStatus,
            C::ExpiredRevocationList,
            C::ExpiredRevocationListContext { time, next_update: time },
            C::BadSignature,
            C::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![6, 3, 1, 2, 3],
                supported_algorithms: vec![AlgorithmIdentifier::from_slice(b"\x06\x03\x01\x02\x03")],
            },
            C::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4],
                public_key_algorithm_id: vec![1, 2, 3],
            },
            C::NotValidForName,
            C::NotValidForNameContext { expected: name(), presented: vec!["DnsName(\"a.example\")".into()] },
            C::InvalidPurpose,
            C::InvalidPurposeContext {
                required: ExtendedKeyPurpose::ServerAuth,
                presented: vec![ExtendedKeyPurpose::Other(vec![1, 2, 3])],
            },
            C::InvalidOcspResponse,
            C::ApplicationVerificationFailure,
            C::Other(other(std::fmt::Error)),
        ];
        let rules = [
            W::BadDer,
            W::BadDerTime,
            W::CaUsedAsEndEntity,
            W::CertDistrusted,
            W::EmptyEkuExtension,
            W::EndEntityUsedAsCa,
            W::ExtensionValueInvalid,
            W::InvalidCertValidity,
            W::InvalidSerialNumber,
            W::MalformedDnsIdentifier,
            W::MalformedExtensions,
            W::MalformedNameConstraint,
            W::MaximumNameConstraintComparisonsExceeded,
            W::MaximumPathBuildCallsExceeded,
            W::MaximumPathDepthExceeded,
            W::MaximumSignatureChecksExceeded,
            W::NameConstraintViolation,
            W::PathLenConstraintViolated,
            W::SignatureAlgorithmMismatch,
            W::UnsupportedCertVersion,
            W::UnsupportedCriticalExtension,
            W::UnsupportedNameType,
        ];
        let incompatible = [
            P::EcPointsExtensionRequired,
            P::ExtendedMasterSecretExtensionRequired,
            P::IncorrectCertificateTypeExtension,
            P::KeyShareExtensionRequired,
            P::NamedGroupsExtensionRequired,
            P::NoCertificateRequestSignatureSchemesInCommon,
            P::NoCipherSuitesInCommon,
            P::NoEcPointFormatsInCommon,
            P::NoKxGroupsInCommon,
            P::NoSignatureSchemesInCommon,
            P::NullCompressionRequired,
            P::ServerDoesNotSupportTls12Or13,
            P::ServerSentHelloRetryRequestWithUnknownExtension,
            P::ServerTlsVersionIsDisabledByOurConfig,
            P::SupportedVersionsExtensionRequired,
            P::Tls12NotOffered,
            P::Tls12NotOfferedOrEnabled,
            P::UncompressedEcPointsRequired,
            P::ServerRejectedEncryptedClientHello(None),
        ];
        let mut all = vec![
            E::InappropriateMessage {
                expect_types: vec![rustls::ContentType::Alert],
                got_type: rustls::ContentType::Handshake,
            },
            E::InappropriateHandshakeMessage {
                expect_types: vec![rustls::HandshakeType::Finished],
                got_type: rustls::HandshakeType::ServerHello,
            },
            E::InvalidMessage(InvalidMessage::InvalidContentType),
            E::InvalidMessage(InvalidMessage::MissingData("ServerHello")),
            E::InvalidMessage(InvalidMessage::UnknownProtocolVersion),
            E::NoCertificatesPresented,
            E::UnsupportedNameType,
            E::DecryptError,
            E::EncryptError,
            E::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
            E::General("No CA certificates were loaded from the system".into()),
            E::FailedToGetCurrentTime,
            E::FailedToGetRandomBytes,
            E::HandshakeNotComplete,
            E::PeerSentOversizedRecord,
            E::NoApplicationProtocol,
            E::BadMaxFragmentSize,
            E::InconsistentKeys(InconsistentKeys::KeyMismatch),
            E::Other(other(std::fmt::Error)),
        ];
        all.extend(certificate.into_iter().map(E::InvalidCertificate));
        all.extend(rules.into_iter().map(|rule| E::InvalidCertificate(C::Other(other(rule)))));
        all.extend(incompatible.into_iter().map(E::PeerIncompatible));
        all.extend((0..=255).map(|alert| E::AlertReceived(AlertDescription::from(alert))));
        all
    }

    #[test]
    fn no_text_of_a_library_is_repeated() {
        for error in all() {
            let (library, told) = (format!("{error} {error:?}"), TlsFailure::from(error).to_string());
            // Words that only programmers use: compound names, structures, paths.
            let camel = |text: &str| {
                let letters: Vec<_> = text.chars().collect();
                letters.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase())
            };
            assert!(!camel(&told), "{library}: {told}");
            assert!(
                !told.contains(['{', '}', '[', ']', '"', '_']) && !told.contains("::"),
                "{library}: {told}"
            );
            assert!(
                told.len() > 8 && told.chars().next().is_some_and(char::is_lowercase),
                "{library}: {told}"
            );
        }
    }

    #[test]
    fn names_are_told_as_users_write_them() {
        let names: Vec<_> = (0..7).map(|n| format!("DnsName(\"{n}.example\")")).collect();
        let expected = ServerName::try_from("r.example").unwrap();
        let told = |presented: &[String]| {
            let error = CertificateError::NotValidForNameContext {
                expected: expected.clone(),
                presented: presented.to_vec(),
            };
            TlsFailure::of_certificate(&error).to_string()
        };
        let begin = "its certificate is not for r.example";
        assert_eq!(told(&[]), format!("{begin}, and names no host at all"));
        assert_eq!(told(&["IpAddress(10.0.0.1)".into()]), format!("{begin}, but for 10.0.0.1"));
        let five = "0.example, 1.example, 2.example, 3.example, 4.example";
        assert_eq!(told(&names), format!("{begin}, but for {five} and 2 more"));
        let expired = |at| TlsFailure::Expired { at }.to_string();
        assert_eq!(expired(Some(978_307_200)), "its certificate has expired on 2001-01-01T00:00:00Z");
        assert_eq!(expired(Some(u64::MAX)), "its certificate has expired");
    }
}
