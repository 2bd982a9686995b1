//! The common parts of commands that speak to a registry: flags, and handling several references at once.

use std::str::FromStr;
use std::time::Duration;

/// Defines the arguments of a command that speaks to a registry: its own, and then the flags that all such commands
/// share. The argument parser cannot include one struct in another.
///
/// `connection struct` adds only the flags for the connection to a registry. `struct` also adds those for credentials
/// and for several charts at once; `looking struct` those for credentials and for where a chart is looked for; `login
/// struct` those for credentials, between fields of its own.
#[macro_export]
macro_rules! registry_command {
    (
        $(#[$meta:meta])*
        struct $name:ident { $($fields:tt)* }
    ) => {
        $crate::registry_command! {
            $(#[$meta])*
            login struct $name { $($fields)* } then {
                /// how many references at once (default 4)
                #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(3)", arg_name = "n")]
                concurrency: std::num::NonZeroUsize,
                /// print table, json or yaml
                #[argh(option, short = 'o', default = "Default::default()", arg_name = "format")]
                output: $crate::cli::Output,
                /// print nothing but the reference with its digest
                #[argh(switch, short = 'q')]
                quiet: bool,
            }
        }

        impl $name {
            fn telling(&self) -> $crate::cli::Telling {
                $crate::cli::Telling { output: self.output, quiet: self.quiet, at_once: self.concurrency.get() }
            }
        }
    };
    (
        $(#[$meta:meta])*
        looking struct $name:ident { $($fields:tt)* }
    ) => {
        $crate::registry_command! {
            $(#[$meta])*
            login struct $name {
                $($fields)*
                /// of a reference without a tag, the newest version that this constraint allows
                #[argh(option, arg_name = "constraint")]
                version: Option<String>,
                /// take prereleases, too: the same as --version ">0.0.0-0"
                #[argh(switch)]
                devel: bool,
                /// ask no registry: what is not in the cache is not found
                #[argh(switch)]
                offline: bool,
                /// leave nothing of what is pulled in the cache
                #[argh(switch)]
                no_cache: bool,
            } then {}
        }

        impl $name {
            /// Where charts are looked for, and with which credentials.
            fn looking(&mut self) -> Result<$crate::cli::Looking, $crate::cli::CommandFailure> {
                let connection = $crate::connect::ConnectFlags { has_cache: false, ..self.login()? };
                Ok($crate::cli::Looking {
                    connection,
                    version: self.version.take(),
                    devel: self.devel,
                    offline: self.offline,
                    no_cache: self.no_cache,
                })
            }
        }
    };
    (
        $(#[$meta:meta])*
        login struct $name:ident { $($fields:tt)* } then { $($rest:tt)* }
    ) => {
        $crate::registry_command! {
            $(#[$meta])*
            connection struct $name {
                $($fields)*
                /// the user to log in as, instead of any stored credential; `<token>` for an identity token
                #[argh(option, short = 'u', arg_name = "name")]
                username: Option<String>,
                /// the password, for all to see in the list of processes: better is --password-stdin
                #[argh(option, short = 'p', arg_name = "password")]
                password: Option<String>,
                /// read the password from standard input
                #[argh(switch)]
                password_stdin: bool,
                $($rest)*
            }
        }

        impl $name {
            /// The connection to the registry, and the credential that the flags give.
            fn login(&mut self) -> Result<$crate::connect::ConnectFlags, $crate::cli::CommandFailure> {
                let (username, password) = (self.username.take(), self.password.take());
                let credential = $crate::cli::given_credential(username, password, self.password_stdin)?;
                Ok($crate::connect::ConnectFlags { credential, ..self.connection() })
            }
        }
    };
    (
        $(#[$meta:meta])*
        connection struct $name:ident { $($fields:tt)* }
    ) => {
        #[derive(argh::FromArgs, argh::ArgsInfo)]
        $(#[$meta])*
        #[argh(help_triggers("-h", "--help"))]
        struct $name {
            $($fields)*
            /// speak plain HTTP, the default for localhost
            #[argh(switch)]
            plain_http: bool,
            /// trust any TLS certificate
            #[argh(switch)]
            insecure: bool,
            /// the same as --insecure
            #[argh(switch)]
            insecure_skip_tls_verify: bool,
            /// trust the certificate authorities in this PEM file, and no others
            #[argh(option, arg_name = "file")]
            ca_file: Option<std::path::PathBuf>,
            /// show the registry the certificate in this PEM file
            #[argh(option, arg_name = "file")]
            cert_file: Option<std::path::PathBuf>,
            /// the key of that certificate
            #[argh(option, arg_name = "file")]
            key_file: Option<std::path::PathBuf>,
            /// show credentials to the token service on this host, too
            #[argh(option, arg_name = "host")]
            trust_realm: Vec<$crate::reference::Host>,
            /// let the registry redirect downloads and uploads to this host, even inside the network; no credentials go there
            #[argh(option, arg_name = "host")]
            allow_host: Vec<$crate::reference::Host>,
            /// how long a registry may keep us waiting for an answer or for more of it: 30s, 2m (default 1m, and 5m
            /// where it stores what we sent)
            #[argh(option, arg_name = "duration")]
            timeout: Option<$crate::cli::Patience>,
        }

        impl $name {
            /// The connection to the registry, without credentials.
            fn connection(&self) -> $crate::connect::ConnectFlags {
                $crate::connect::ConnectFlags {
                    plain_http: self.plain_http,
                    insecure: self.insecure || self.insecure_skip_tls_verify,
                    ca_file: self.ca_file.clone(),
                    cert_file: self.cert_file.clone(),
                    key_file: self.key_file.clone(),
                    trusted_realms: self.trust_realm.clone(),
                    allowed_hosts: self.allow_host.clone(),
                    patience: self.timeout.map(Into::into),
                    credential: None,
                    side: Default::default(),
                    waiting: $crate::cli::waiting(),
                    has_cache: false,
                }
            }
        }
    };
}

/// How long to wait for a registry: `30s`, `2m`.
#[derive(Clone, Copy, Debug)]
pub struct Patience(Duration);

impl FromStr for Patience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match humantime::parse_duration(text) {
            Ok(duration) if !duration.is_zero() => Ok(Self(duration)),
            _ => Err(format!("`{text}` is no time to wait: expected for example 30s or 2m")),
        }
    }
}

impl From<Patience> for Duration {
    fn from(patience: Patience) -> Self {
        patience.0
    }
}
