//! `helm-registry-serve`: an OCI registry from a directory.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures};
use oci::environment;
use oci::serve::{Options, TlsFiles, default_data, serve};

/// Serve an OCI registry from a directory, until it is interrupted.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    note = "Prints one line, `Serving on <url>`, when it is ready. Deleted content is freed at the next start."
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

    /// tell every request on stderr; HELM_DEBUG=true does the same
    #[argh(switch)]
    debug: bool,
}

impl Command for Serve {
    const NAME: &'static str = "helm-registry-serve";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => return Err(Failure::usage("--tls-cert and --tls-key need each other").into()),
        };
        if self.listen.split_once(':').is_none_or(|(host, _)| host.is_empty()) {
            let port = self.listen.trim_start_matches(':');
            return Err(Failure::usage(format!("`{}` is no address to listen on", self.listen))
                .hint(format!("127.0.0.1:{port} is for this machine alone, 0.0.0.0:{port} for every other"))
                .into());
        }
        let no_home = || Failure::usage("--data is needed where there is no home directory");
        let data = self.data.or_else(default_data).ok_or_else(no_home)?;
        let debug = self.debug || environment::debug();
        // Helm keeps signals to itself: somebody who ends it would leave us behind.
        let with_parent = environment::plugin_name().is_some();
        let options = Options { listen: self.listen, data, htpasswd: self.htpasswd, tls, debug, with_parent };
        Ok(serve(&options, out)?)
    }
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Serve>()
}
