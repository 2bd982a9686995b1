//! Why a redirect is not followed.

/// Why a URL that a server points to is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// It is not a URL.
    #[error("that is not a URL")]
    Malformed,
    /// Its scheme is neither `http` nor `https`.
    #[error("only http and https are followed")]
    Scheme,
    /// It contains `user:password@`, which would be sent as credentials.
    #[error("it holds a user name or password")]
    Userinfo,
    /// It leads from `https` to `http`.
    #[error("it leads from https to plain http")]
    Downgrade,
    /// It is the same host over `http` where we came by `https`: the server does not know that it is behind TLS.
    #[error(
        "it is the same host over plain http: the proxy in front of it has to send it X-Forwarded-Proto: https"
    )]
    ForwardedProto,
    /// It is an address inside a network, and the server that names it is elsewhere. The user may allow the host.
    #[error("it is an address inside this network, which a server elsewhere has no business to name")]
    Internal,
    /// It is a token service, which receives credentials, inside a network that the registry is not in.
    #[error("it is an address inside this network, which the registry is not at itself")]
    InternalRealm,
    /// It is this machine, or where clouds give out credentials, and the server that names it is elsewhere. No option
    /// allows it.
    #[error(
        "it is this machine, or where clouds hand out credentials, and no server elsewhere has business there"
    )]
    Untouchable,
    /// It would send an upload to another host.
    #[error("it is another host, and content is sent to the named one only")]
    ForeignUpload,
    /// The next page of a listing, or a redirect of a token service, is at another host.
    #[error("it is another host, and this request stays with its own")]
    OtherHost,
}
