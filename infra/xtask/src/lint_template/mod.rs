//! `cargo xtask lint-template`: checks `template.yaml` as AWS will see it.
//!
//! cfn-lint passes broken functions while they are in SAM's short form. So the template is expanded into plain
//! CloudFormation first, which finds what SAM refuses; cfn-lint reads the result, with warnings as errors; and
//! [`checks`] has the house's own rules.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;
use serde_json::Value;
use tokio::process::Command;

mod checks;

const EXPAND: &str = include_str!("expand.py");
/// Regions whose resource types and limits the template is checked against.
const REGIONS: &str = "eu-central-1,eu-west-1,us-east-1";

/// Checks the template and prints what is wrong with it.
///
/// # Errors
///
/// Fails when anything is, and when a tool cannot be run.
pub async fn run() -> Result<()> {
    let root = workspace_root();
    let venv = Venv::prepare(&root).await?;
    let expanded = expand(&venv, &root.join("template.yaml")).await?;
    let json = root.join("target/template.json");
    fs::write(&json, &expanded).with_context(|| format!("cannot write {}", json.display()))?;
    let template: Value = serde_json::from_slice(&expanded).context("the expanded template is not JSON")?;
    let mut cfn_lint = Command::new(venv.program("cfn-lint"));
    cfn_lint
        .arg("--template")
        .arg(&json)
        .args(["--regions", REGIONS])
        .args(["--non-zero-exit-code", "warning"]);
    let linted = cfn_lint
        .kill_on_drop(true)
        .status()
        .await
        .context("cannot run cfn-lint")?;
    let faults = checks::faults(&template);
    for fault in &faults {
        eprintln!("template.yaml: {fault}");
    }
    if !linted.success() || !faults.is_empty() {
        bail!("template.yaml has faults; the lines above mean target/template.json, its expanded form");
    }
    let resources = template
        .get("Resources")
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len);
    println!("template.yaml is good: {resources} resources");
    Ok(())
}

async fn expand(venv: &Venv, template: &Path) -> Result<Vec<u8>> {
    let mut python = Command::new(venv.python());
    python
        .args(["-c", EXPAND])
        .arg(template)
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = python.output().await.context("cannot run the SAM translator")?;
    if !output.status.success() {
        bail!("the SAM translator refuses template.yaml");
    }
    Ok(output.stdout)
}
