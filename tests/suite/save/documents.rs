//! What programs read: `-o json` and `-o yaml`.

use std::fs;

use super::*;

#[test]
fn writes_one_document_for_programs() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    let output = home.command("helm-chart-save").args(["--output=json", "mychart", REF]).run();
    let content = home.linked(REF, "content");
    let size = fs::metadata(home.blob(REF, "content")).unwrap().len();
    let quiet = home.command("helm-chart-save").args(["-q", "mychart", REF]).run();
    let manifest = quiet.succeeds().stdout.trim_end().strip_prefix(&format!("{REF}@")).unwrap().to_owned();
    output.stderr_is("").prints(&format!(
        r#"{{
  "content": {{
    "digest": "{content}",
    "size": {size}
  }},
  "manifest": {{
    "digest": "{manifest}",
    "size": 454
  }},
  "meta": {{
    "digest": "{META}",
    "size": 19
  }},
  "missingDependencies": [],
  "name": "mychart",
  "prov": null,
  "ref": "{REF}",
  "version": "2.7.0"
}}
"#
    ));
    home.command("helm-chart-save").args(["mychart", REF, "-oyaml"]).run().stderr_is("").prints(&format!(
        "ref: {REF}\nname: mychart\ncontent:\n  digest: {content}\n  size: {size}\nmanifest:\n  digest: {manifest}\n  \
         size: 454\nmeta:\n  digest: {META}\n  size: 19\nmissingDependencies: []\nprov: null\nversion: 2.7.0\n"
    ));
}
