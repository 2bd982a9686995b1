//! `helm-registry-serve`: serves an OCI registry from a directory.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures};
use oci::environment;
use oci::serve::{RegistryStoreError, ServeError, ServeOptions, TlsFiles, default_data, serve};

/// Serve an OCI registry from a directory, until it is interrupted.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-registry-serve &",
    example = "helm-registry-serve --listen 127.0.0.1:5001 --data ./registry --htpasswd users",
    note = "Prints one line, `Serving on <url>`, when it is ready. Deleted content is freed at the next start.",
    note = "An upload that is left unfinished is dropped after an hour, or sooner if its space is needed.",
    note = "Started as `helm oci registry serve`, it ends when that helm ends."
)]
struct Serve {
    /// address to listen on (default 127.0.0.1:5000); port 0 is any free one
    #[argh(option, arg_name = "host:port", default = "\"127.0.0.1:5000\".to_owned()")]
    listen: String,

    /// directory for the data (default $HELM_HOME/registry-serve, or ~/.helm/registry-serve)
    #[argh(option, arg_name = "dir")]
    data: Option<PathBuf>,

    /// let in only the users in this file, as `htpasswd -B` writes it
    #[argh(option, arg_name = "file")]
    htpasswd: Option<PathBuf>,

    /// serve HTTPS with this certificate, in PEM
    #[argh(option, arg_name = "file")]
    tls_cert: Option<PathBuf>,

    /// the key of the certificate, in PEM
    #[argh(option, arg_name = "file")]
    tls_key: Option<PathBuf>,

    /// be a registry that does not list referrers, as many are: for trying what clients do then
    #[argh(switch)]
    no_referrers: bool,
}

impl Command for Serve {
    const NAME: &'static str = "helm-registry-serve";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        // Read first, because the parent may end while this starts.
        let parent = environment::helm_process();
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => {
                return Err(CommandFailure::usage("--tls-cert and --tls-key need each other")
                    .hint("--tls-cert FILE --tls-key FILE")
                    .into());
            }
        };
        if self.listen.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.ends_with(']')) {
            let failure = CommandFailure::usage(format!("`{}` is no address to listen on", self.listen));
            return Err(match self.listen.trim_start_matches(':').parse::<u16>() {
                Ok(port) => failure.hint(format!(
                    "127.0.0.1:{port} is for this machine alone, 0.0.0.0:{port} for every other"
                )),
                Err(_) => failure.hint(format!("add a port: {}:5000", self.listen)),
            }
            .into());
        }
        let no_home = || CommandFailure::usage("--data is needed where there is no home directory");
        let data = self.data.or_else(default_data).ok_or_else(no_home)?;
        let referrers = !self.no_referrers;
        let Self { listen, htpasswd, .. } = self;
        let options = ServeOptions { listen, data, htpasswd, tls, referrers, debug: cli::is_debug(), parent };
        serve(&options, out).map_err(|error| advised(error).into())
    }
}

/// Adds a hint to an error.
fn advised(error: ServeError) -> CommandFailure {
    let hint = match &error {
        ServeError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            "--listen 127.0.0.1:5001 is another port; port 0 is any free one"
        }
        ServeError::Data(RegistryStoreError::Busy(_)) => {
            "stop the registry that serves it, or serve another directory: --data DIR"
        }
        ServeError::Data(RegistryStoreError::Foreign(_)) => "--data DIR serves another directory",
        _ => return error.into(),
    };
    CommandFailure::from(error).hint(hint)
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Serve>()
}
