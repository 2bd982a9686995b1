//! Why a place is not gone to.

/// Why a place that a server points to is not gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// Not a URL.
    #[error("that is not a URL")]
    Malformed,
    /// Neither `http` nor `https`.
    #[error("only http and https are followed")]
    Scheme,
    /// `user:password@` in a URL, which would be sent as credentials.
    #[error("it holds a user name or password")]
    Userinfo,
    /// From `https` to `http`.
    #[error("it leads from https to plain http")]
    Downgrade,
    /// The same host, but `http` where we came by `https`: a server that does not know it is behind TLS.
    #[error(
        "it is the same host over plain http: the proxy in front of it has to send it X-Forwarded-Proto: https"
    )]
    ForwardedProto,
    /// An address inside a network, named by a server that is not there itself. The user may allow it.
    #[error("it is an address inside this network, which a server elsewhere has no business to name")]
    Internal,
    /// The same of a token service, which sees credentials, in a private network.
    #[error("it is an address inside this network, which the registry is not at itself")]
    InternalRealm,
    /// This machine, or where clouds hand out credentials, named by a server elsewhere. Nothing allows it.
    #[error(
        "it is this machine, or where clouds hand out credentials, and no server elsewhere has business there"
    )]
    Untouchable,
    /// An upload that would leave its server.
    #[error("it is another host, and content is sent to the named one only")]
    ForeignUpload,
    /// The next page of a listing, or a token service's way on, at another host.
    #[error("it is another host, and this request stays with its own")]
    OtherHost,
}
