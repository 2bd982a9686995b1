//! `helm-chart-bundle` and `helm-chart-load`: charts into one file, and out of it.

mod caches;
mod deltas;
mod foreign;
mod hostile;
mod killed;
mod peers;
mod signed;
mod split;

use crate::common::{Home, Output, write_chart};

/// Saves a chart of this name and version as `localhost:1/team/<name>:<version>`, where no registry is.
pub fn saved(home: &Home, name: &str, version: &str, values: &str) -> String {
    let directory = home.directory(format!("{name}-{version}")).join(name);
    write_chart(
        &directory,
        &[
            ("Chart.yaml", &format!("apiVersion: v2\nname: {name}\nversion: {version}\n")),
            ("values.yaml", values),
        ],
    );
    let reference = format!("localhost:1/team/{name}:{version}");
    home.command("helm-chart-save").args([directory.to_str().unwrap(), &reference]).run().succeeds();
    reference
}

pub fn bundle<A: AsRef<std::ffi::OsStr>>(home: &Home, args: impl IntoIterator<Item = A>) -> Output {
    home.command("helm-chart-bundle").args(args).run()
}

pub fn load<A: AsRef<std::ffi::OsStr>>(home: &Home, args: impl IntoIterator<Item = A>) -> Output {
    home.command("helm-chart-load").args(args).run()
}

/// What the cache lists, with the digests that pipelines pin.
pub fn listed(home: &Home) -> Vec<(String, String)> {
    let run = home.command("helm-chart-list").args(["-o", "json"]).run();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&run.succeeds().stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(&row["ref"]), text(&row["digest"]))).collect()
}
