//! `cargo xtask up`: the local stack in the foreground, for use by hand.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use mailvan_local::ministack::{Emulator, REGION, ROOT_KEY};
use mailvan_local::package::{Build, build_bootstrap};
use mailvan_local::setup::{Setup, read_profile};
use mailvan_local::stack::Stack;
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub struct Arguments {
    /// The provider's profile: where mail goes to, and who sends the notices
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// A secret that the profile names, from a file or from an environment variable
    #[arg(long = "secret", value_name = "NAME=@FILE|NAME=env:VARIABLE")]
    secrets: Vec<SecretSource>,
    /// More certificate authorities that the functions trust, PEM
    #[arg(long, value_name = "FILE")]
    extra_ca: Option<PathBuf>,
    /// A bootstrap binary to run, instead of building one
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Let a time frame start at once, without the lead time
    #[arg(long)]
    fast_schedule: bool,
    /// The port on 127.0.0.1; a free one where it is not given
    #[arg(long)]
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SecretSource {
    name: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Variable(String),
}

/// Builds, deploys and runs the stack until Ctrl-C.
///
/// # Errors
///
/// Fails when a step does, and when the emulator ends by itself.
pub async fn run(arguments: Arguments) -> Result<()> {
    let root = workspace_root();
    let named = read_profile(&arguments.profile)?.destination_secret;
    if let Some(name) = named.filter(|name| arguments.secrets.iter().all(|secret| secret.name != *name)) {
        eprintln!("Note: the profile names the secret {name}; without `--secret {name}=@FILE` no mailbox will open.");
    }
    let secrets = arguments
        .secrets
        .iter()
        .map(SecretSource::read)
        .collect::<Result<_>>()?;
    let venv = Venv::prepare(&root).await?;
    let bootstrap = if let Some(path) = arguments.bootstrap {
        path
    } else {
        step("building the functions (minutes the first time)");
        build_bootstrap(&root, Build::Dev, None).await?
    };
    let mut setup = Setup::new("up", bootstrap, arguments.profile);
    setup.extra_ca = arguments.extra_ca;
    setup.secrets = secrets;
    setup.emulator.port = arguments.port;
    setup.parameters.lead_times_waived = arguments.fast_schedule;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let stopped = async {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
    };
    let running = async {
        let (mut emulator, stack) = setup.start(&venv, step).await?;
        explain(&emulator, &stack, arguments.fast_schedule)?;
        watch(&mut emulator).await
    };
    tokio::select! {
        () = stopped => println!("\nStopped; nothing is left running, and nothing was kept."),
        ended = running => ended?,
    }
    Ok(())
}

fn step(line: &str) {
    println!("  {line}");
}

fn explain(emulator: &Emulator, stack: &Stack, fast: bool) -> Result<()> {
    let api = stack.api_url()?;
    let page = stack.page_url()?;
    let endpoint = stack.endpoint();
    let table = stack.output("TableName")?;
    let frames = if fast {
        "start at once"
    } else {
        "keep their lead time; --fast-schedule waives it"
    };
    println!(
        r#"
The local stack is up. Ctrl-C ends it.

  Page      {page}
  API       {api}
  AWS       {endpoint} (region {REGION}, both keys `{ROOT_KEY}`)
  Table     {table}
  Mails     {endpoint}/_ministack/ses/messages
  Log       {log}
  Frames    {frames}

Open the page and make a request there; or make one, look at it and let the final pass start by hand:

  curl -s '{api}/v1/requests' -H 'content-type: application/json' -d '{{"contact_email": "you@example.org", "mailboxes": [{{"email": "a@example.org", "password": "secret", "source_host": "127.0.0.1", "port": 1143, "security": "none"}}]}}'
  curl -s '{api}/v1/requests/ID' -H 'authorization: Bearer TOKEN'
  curl -s -X POST '{api}/v1/requests/ID/cutover' -H 'authorization: Bearer TOKEN'
"#,
        log = emulator.log().display(),
    );
    Ok(())
}

async fn watch(emulator: &mut Emulator) -> Result<()> {
    loop {
        if let Some(status) = emulator.ended()? {
            bail!("the emulator ended by itself ({status})\n{}", emulator.log_tail(20));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

impl SecretSource {
    /// The secret's name and value; a line feed at a file's end does not belong to the value.
    fn read(&self) -> Result<(String, String)> {
        let value = match &self.place {
            Place::File(path) => fs::read_to_string(path)
                .with_context(|| format!("cannot read the secret {} from {}", self.name, path.display()))?
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            Place::Variable(variable) => std::env::var(variable)
                .with_context(|| format!("cannot read the secret {} from the variable {variable}", self.name))?,
        };
        Ok((self.name.clone(), value))
    }
}

impl FromStr for SecretSource {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = || anyhow!("expected NAME=@FILE or NAME=env:VARIABLE; the value itself never stands here");
        let (name, place) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(expected)?;
        let place = if let Some(path) = place.strip_prefix('@') {
            Place::File(path.into())
        } else if let Some(variable) = place.strip_prefix("env:") {
            Place::Variable(variable.to_owned())
        } else {
            return Err(expected());
        };
        Ok(Self {
            name: name.to_owned(),
            place,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_or_a_variable() {
        let file: SecretSource = "mailvan/master=@/run/secret".parse().unwrap();
        assert_eq!(
            file,
            SecretSource {
                name: "mailvan/master".to_owned(),
                place: Place::File("/run/secret".into())
            }
        );
        let variable: SecretSource = "mailvan/master=env:MASTER".parse().unwrap();
        assert_eq!(variable.place, Place::Variable("MASTER".to_owned()));
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        let error = "mailvan/master=hunter2".parse::<SecretSource>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        assert!("=@file".parse::<SecretSource>().is_err());
    }
}
