//! `helm-registry-status`: which registries there are credentials for, where they are, and whether they work.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures, Output, StatusRow};
use oci::connect;
use oci::credentials::Account;
use oci::credentials::stores::{self, Login};

oci::registry_command! {
    /// Tell which registries there are credentials for, where they are kept, and whether that is in clear text.
    #[argh(
        example = "helm-registry-status --test",
        example = "helm-registry-status --adopt registry.example.com",
        note = "Of several for one host the first is used. Nothing secret is printed."
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
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
    }
}

impl Command for Status {
    const NAME: &'static str = "helm-registry-status";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        if let Some(host) = &self.adopt {
            return Ok(adopt(out, &cli::account(host)?)?);
        }
        let wanted = self.host.as_deref().map(cli::account).transpose()?;
        let (logins, errors) = stores::logins();
        for error in &errors {
            // One store that fails does not hide the others.
            log::warn!(target: "oci", "{}", cli::chain(error));
        }
        let fits = |login: &&Login| match (&wanted, &login.account) {
            (Some(wanted), Some(account)) => wanted.contains(account),
            _ => true,
        };
        let rows: Vec<_> = logins.iter().filter(fits).map(|login| self.row(login, wanted.as_ref())).collect();
        if let Some(wanted) = wanted.filter(|_| rows.is_empty()) {
            let failure = Failure::not_found(format!("not logged in to {wanted}"));
            return Err(failure.hint(format!("helm oci registry login {wanted}")).into());
        }
        if self.output != Output::Table {
            return Ok(cli::write_document(out, self.output, &rows)?);
        }
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let cells = |row: &StatusRow| {
            [
                row.host.clone().unwrap_or_else(|| "*".to_owned()),
                row.user.clone(),
                row.store.clone(),
                yes(row.clear_text),
            ]
        };
        if !self.test {
            let rows: Vec<_> = rows.iter().map(cells).collect();
            return Ok(cli::table(out, ["HOST", "USER", "STORE", "CLEAR TEXT"], &rows)?);
        }
        let tested = |row: &StatusRow| {
            let [host, user, store, clear] = cells(row);
            [host, user, store, clear, row.works.map_or_else(|| "-".to_owned(), yes)]
        };
        let rows: Vec<_> = rows.iter().map(tested).collect();
        Ok(cli::table(out, ["HOST", "USER", "STORE", "CLEAR TEXT", "WORKS"], &rows)?)
    }
}

impl Status {
    fn row(&self, login: &Login, wanted: Option<&Account>) -> StatusRow {
        // What is for every registry can be tested with the one that was named.
        let account = login.account.as_ref().or(wanted).filter(|_| self.test);
        StatusRow {
            host: login.account.as_ref().map(ToString::to_string),
            user: login.username.clone(),
            store: login.place.to_string(),
            clear_text: login.is_clear_text(),
            works: account.map(|account| self.works(account, login)),
        }
    }

    fn works(&self, account: &Account, login: &Login) -> bool {
        let result = (|| -> Result<bool, Failure> {
            let (host, credential) = (account.registry()?, login.credential()?);
            let Some(credential) = credential else { return Ok(false) };
            connect::prove(&self.connection(), &host, &credential)?;
            Ok(true)
        })();
        result.unwrap_or_else(|failure| {
            log::warn!(target: "oci", "{account}: {failure}");
            false
        })
    }
}

fn adopt(out: &mut dyn Write, account: &Account) -> Result<(), Failure> {
    let adopted = stores::adopt(account)
        .map_err(|error| Failure::new(&format!("cannot move the credential for {account}"), &error))?;
    match adopted {
        Some(path) => Ok(writeln!(out, "{account}: moved from {} into the keyring", path.display())?),
        None => Err(Failure::not_found(format!("there is no clear-text credential for {account}"))
            .hint("helm oci registry status lists what there is")),
    }
}

fn main() -> ExitCode {
    cli::main::<Status>()
}
