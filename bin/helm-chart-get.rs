//! `helm-chart-get`: Helm runs it for `chart-cache://` URLs. Helm defines its arguments.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures};
use oci::connect::{self, ConnectFlags};
use oci::credential::Secret;
use oci::credentials::protocol;
use oci::environment;
use oci::verbs::{self, Address};

/// Write a chart of the cache to standard output, pulled first if it is absent: what Helm runs for chart-cache:// URLs.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm template chart-cache://localhost:5000/myrepo/mychart:2.7.0",
    example = "helm-chart-get \"\" \"\" \"\" chart-cache://localhost:5000/myrepo/mychart:2.7.0 > mychart.tgz",
    note = "A URL is chart-cache://HOST/REPOSITORY:TAG, or chart-cache://HOST/REPOSITORY-VERSION.tgz; with .prov behind \
            it, the provenance file of that chart.",
    note = "chart-cache://HOST/PREFIX/index.yaml lists the charts of the cache there, and those of the registry if it \
            can be reached."
)]
struct Get {
    /// the certificate to show the registry, in PEM; may be empty
    #[argh(positional)]
    cert: String,
    /// the key of that certificate; may be empty
    #[argh(positional)]
    key: String,
    /// the certificate authorities to trust, in PEM; may be empty
    #[argh(positional)]
    ca: String,
    /// chart-cache://host[:port]/repository[:tag]
    #[argh(positional)]
    url: String,
}

impl Command for Get {
    const NAME: &'static str = "helm-chart-get";
    const WRITES_BYTES: bool = true;

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        let address: Address = self.url.parse().map_err(|error| CommandFailure::called_wrongly(&error))?;
        let file = |path: String| Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
        let credential = environment::repository_login()
            .and_then(|(username, password)| protocol::from_parts(&username, Secret::new(password)));
        let connection = ConnectFlags {
            cert_file: file(self.cert),
            key_file: file(self.key),
            ca_file: file(self.ca),
            credential,
            waiting: cli::waiting(),
            has_cache: true,
            ..ConnectFlags::default()
        };
        let client = connect::connect(&connection, &[]).map_err(CommandFailure::from)?;
        let cache = cli::cache()?;
        let got = verbs::get(&cache, &client, &address, out);
        cli::keep_within_limit(&cache, &address.references());
        got.map_err(|error| CommandFailure::new(&format!("cannot get {}", self.url), &error).into())
    }
}

fn main() -> ExitCode {
    cli::main::<Get>()
}
