//! `helm-registry-status`: lists the registries with stored credentials, where these are stored, and whether they work.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::process::ExitCode;

use oci::causes::chain;
use oci::cli::{self, Command, CommandFailure, Failures, Output, StatusRow, Works};
use oci::connect;
use oci::credentials::stores::{self, Login, Logins};
use oci::credentials::{Account, HelperError, trusted};
use oci::registry::{self, CredentialCheck};

oci::registry_command! {
    /// Tell which registries there are credentials for, where they are kept, and whether that is in clear text.
    #[argh(
        example = "helm-registry-status --test",
        example = "helm-registry-status --adopt registry.example.com",
        note = "Of several for one host the first is used. Nothing secret is printed.",
        note = "A registry that does not ask for a credential proves none: WORKS is `not asked` there."
    )]
    connection struct Status {
        /// this registry alone
        #[argh(positional, arg_name = "host")]
        host: Option<String>,
        /// ask each registry whether it lets the credential in
        #[argh(switch)]
        test: bool,
        /// move the clear-text credential for this host from its file into the keyring
        #[argh(option, arg_name = "host")]
        adopt: Option<String>,
        /// with --adopt: replace what the keyring has of another user
        #[argh(switch)]
        force: bool,
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
    }
}

impl Command for Status {
    const NAME: &'static str = "helm-registry-status";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        if let Some(host) = &self.adopt {
            return Ok(adopt(out, &cli::account(host)?, self.force)?);
        }
        if self.force {
            return Err(CommandFailure::usage("--force is for --adopt").into());
        }
        let wanted = self.host.as_deref().map(cli::account).transpose()?;
        let Logins { found, errors, has_keyring } = stores::logins();
        for error in &errors {
            // A store that fails must not hide the others.
            log::warn!(target: "oci", "{}", chain(error));
        }
        let fits = |login: &&Login| match (&wanted, &login.account) {
            (Some(wanted), Some(account)) => wanted.contains(account),
            _ => true,
        };
        let realms = trusted::realms_by_registry().unwrap_or_else(|error| {
            log::warn!(target: "oci", "{}", chain(&error));
            BTreeMap::new()
        });
        let logins: Vec<_> = found.iter().filter(fits).collect();
        for (host, realms) in &realms {
            let account = Account::from_server(host);
            let is_shown = |login: &&Login| login.account.as_ref().is_some_and(|a| a.host() == host);
            if wanted.as_ref().is_none_or(|wanted| wanted.host() == host) && !logins.iter().any(is_shown) {
                let realms = realms.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let forget = format!("helm oci registry logout {account} forgets that");
                log::warn!(target: "oci", "{account}: no login, but {realms} may see its credentials; {forget}");
            }
        }
        let mut told = BTreeSet::new();
        let rows: Vec<_> =
            logins.iter().map(|login| self.row(login, wanted.as_ref(), &realms, &mut told)).collect();
        if let Some(wanted) = wanted.filter(|_| rows.is_empty()) {
            let failure = CommandFailure::not_found(format!("not logged in to {wanted}"));
            return Err(failure.hint(format!("helm oci registry login {wanted}")).into());
        }
        if self.output != Output::Table {
            return Ok(cli::write_document(out, self.output, &rows)?);
        }
        self.print(out, &rows)?;
        let clear =
            logins.iter().filter(|login| login.is_adoptable()).find_map(|login| login.account.as_ref());
        if let Some(host) = clear.filter(|_| has_keyring) {
            out.flush()?;
            log::error!(target: "hint", "--adopt {host} moves it from clear text into the keyring");
        }
        Ok(())
    }
}

impl Status {
    fn print(&self, out: &mut dyn Write, rows: &[StatusRow]) -> io::Result<()> {
        let (tests, trusts) = (self.test, rows.iter().any(|row| !row.trusted_realms.is_empty()));
        let mut header = vec!["HOST", "USER", "STORE", "CLEAR TEXT"];
        header.extend(trusts.then_some("TRUSTED REALM"));
        header.extend(tests.then_some("WORKS"));
        let cells = |row: &StatusRow| {
            let mut cells = vec![
                row.host.clone().unwrap_or_else(|| "*".to_owned()),
                row.user.clone(),
                row.store.clone(),
                if row.clear_text { "yes" } else { "no" }.to_owned(),
            ];
            cells.extend(trusts.then(|| match row.trusted_realms.is_empty() {
                true => "-".to_owned(),
                false => row.trusted_realms.join(","),
            }));
            cells.extend(tests.then(|| row.works.map_or_else(|| "-".to_owned(), |works| works.to_string())));
            cells
        };
        cli::table(out, &header, &rows.iter().map(cells).collect::<Vec<_>>())
    }

    fn row(
        &self,
        login: &Login,
        wanted: Option<&Account>,
        realms: &BTreeMap<String, BTreeSet<String>>,
        told: &mut BTreeSet<String>,
    ) -> StatusRow {
        // A credential for every registry is tested with the registry that was named.
        let account = login.account.as_ref().or(wanted);
        let trusted = account.and_then(|account| realms.get(account.host()));
        StatusRow {
            host: login.account.as_ref().map(ToString::to_string),
            user: login.username.clone(),
            store: login.place.to_string(),
            clear_text: login.is_clear_text(),
            trusted_realms: trusted.into_iter().flatten().cloned().collect(),
            works: account.filter(|_| self.test).map(|account| self.works(account, login, told)),
        }
    }

    /// Whether a login works. `told` collects the errors of stores that return no secrets, so that each is reported
    /// once.
    fn works(&self, account: &Account, login: &Login, told: &mut BTreeSet<String>) -> Works {
        let place = login.place.to_string();
        if told.contains(&place) {
            return Works::Unknown;
        }
        let credential = match login.credential() {
            Ok(Some(credential)) => credential,
            Ok(None) => return Works::No,
            Err(error) => {
                let text = error.to_string();
                // A store that hangs is not asked again.
                told.extend(matches!(error, HelperError::Hangs { .. }).then_some(place));
                if told.insert(text.clone()) {
                    log::warn!(target: "oci", "{text}");
                }
                return Works::Unknown;
            }
        };
        let result = (|| -> Result<Option<CredentialCheck>, CommandFailure> {
            match connect::prove(&self.connection(), &account.registry()?, &credential) {
                Ok(check) => Ok(Some(check)),
                Err(
                    error @ (registry::RegistryError::Unauthorized { .. }
                    | registry::RegistryError::Forbidden { .. }),
                ) => {
                    log::warn!(target: "oci", "{account}: {}", chain(&error));
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        })();
        match result {
            Ok(Some(CredentialCheck::Accepted)) => Works::Yes,
            Ok(Some(CredentialCheck::NotAsked)) => Works::NotAsked,
            Ok(None) => Works::No,
            Err(failure) => {
                log::warn!(target: "oci", "{account}: {failure}");
                Works::Unknown
            }
        }
    }
}

fn adopt(out: &mut dyn Write, account: &Account, replaces: bool) -> Result<(), CommandFailure> {
    let adopted = stores::adopt(account, replaces)
        .map_err(|error| CommandFailure::new(&format!("cannot move the credential for {account}"), &error))?;
    match adopted {
        Some(path) => Ok(writeln!(out, "{account}: moved from {} into the keyring", path.display())?),
        None => Err(CommandFailure::not_found(format!("there is no clear-text credential for {account}"))
            .hint("helm oci registry status lists what there is")),
    }
}

fn main() -> ExitCode {
    cli::main::<Status>()
}
