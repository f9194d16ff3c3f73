//! `cargo xtask demo`: the main job, from a CSV to migrated mailboxes, on real servers.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use mailvan_local::compare::compare_accounts;
use mailvan_local::customer::{Customer, Order, Status};
use mailvan_local::dovecot::{Dovecot, Layout, Login, Options, ensure_installed};
use mailvan_local::package::{Build, build_bootstrap};
use mailvan_local::samples::{SampleAccount, accounts, deliver, deliver_between_passes};
use mailvan_local::setup::Setup;
use mailvan_local::stack::Stack;
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;

/// How long a pass may take before the demonstration gives up.
const PATIENCE: Duration = Duration::from_mins(10);

/// The secret that holds the destination's master password.
const MASTER_SECRET: &str = "mailvan/destination-master";

#[derive(Args)]
pub struct Arguments {
    /// About how many messages each of the larger accounts has
    #[arg(long, default_value_t = 1000)]
    messages: usize,
}

/// Sets everything up, migrates, compares.
///
/// # Errors
/// Fails when a step does, and when a mailbox is not identical in the end.
pub async fn run(arguments: Arguments) -> Result<()> {
    let begun = Instant::now();
    let root = workspace_root();
    chapter("Setting up");
    ensure_installed()?;
    let venv = Venv::prepare(&root).await?;
    step("building the functions (minutes the first time)");
    let bootstrap = build_bootstrap(&root, Build::Dev, None).await?;
    let accounts = accounts(arguments.messages, 20);
    let (source, destination) = servers(&accounts)?;
    for account in &accounts {
        deliver(&source, account)?;
        let (messages, mb) = (account.messages(), account.size_bytes() / 1_000_000);
        step(&format!(
            "{} has {messages} messages in {} folders, {mb} MB",
            account.login.user,
            account.folders.len()
        ));
    }
    let dir = root.join("target/local/demo");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut setup = Setup::new("demo", bootstrap, profile(&dir, destination.port())?);
    setup.secrets = vec![(MASTER_SECRET.to_owned(), "van-key-7".to_owned())];
    setup.parameters.lead_times_waived = true;
    let (_emulator, stack) = setup.start(&venv, step).await?;
    let customer = Customer::of(&stack)?;
    let ready = begun.elapsed();

    chapter("The customer makes a request and uploads a CSV");
    let migrating = Instant::now();
    let order = customer.order_by_csv(&csv(&accounts, source.port())).await?;
    step(&format!("request {}", order.id));
    pass(&customer, &order, "first pass", "awaiting_cutover").await?;

    chapter("Meanwhile mail goes on arriving at the previous provider");
    for (account, seed) in accounts.iter().zip(77..) {
        let changes = deliver_between_passes(&source, account, 12, seed)?;
        step(&format!("{}: {changes}", account.login.user));
    }

    chapter("The customer has changed the DNS");
    customer.act(&order, "cutover").await?;
    pass(&customer, &order, "final pass", "completed").await?;
    let migrated = migrating.elapsed();

    chapter("Comparing both servers, message by message");
    let mut all_identical = true;
    for account in &accounts {
        let expected = account.expected(source.layout(), destination.layout());
        let user = account.login.user.as_str();
        let comparison = compare_accounts((&source, user), (&destination, user), &expected)?;
        step(&comparison.to_string());
        all_identical &= comparison.is_identical();
    }
    notices(&stack).await?;
    println!(
        "\nMigrated in {:.1} s; setting up took {:.1} s before that, {:.1} s in all.",
        migrated.as_secs_f32(),
        ready.as_secs_f32(),
        begun.elapsed().as_secs_f32()
    );
    if !all_identical {
        bail!("not every mailbox is identical");
    }
    Ok(())
}

/// A source with German folder names, and a destination of another layout that a master user opens.
fn servers(accounts: &[SampleAccount]) -> Result<(Dovecot, Dovecot)> {
    let users: Vec<Login> = accounts.iter().map(|account| account.login.clone()).collect();
    let source = Dovecot::start(Options {
        users: users.clone(),
        layout: Layout::german(),
        ..Options::new("previous")
    })?;
    let here = users.into_iter().map(|login| Login::new(login.user, "known to nobody"));
    let destination = Dovecot::start(Options {
        users: here.collect(),
        master_users: vec![Login::new("migration", "van-key-7")],
        layout: Layout::english().with_separator('.', "INBOX."),
        ..Options::new("provider")
    })?;
    step(&format!(
        "the previous provider listens on port {}, the new one on port {}",
        source.port(),
        destination.port()
    ));
    Ok((source, destination))
}

fn profile(dir: &Path, port: u16) -> Result<PathBuf> {
    let path = dir.join("profile.toml");
    let text = format!(
        r#"[provider]
name = "Harbour Hosting"
time_zone = "Europe/Berlin"

[destination.imap]
host = "127.0.0.1"
port = {port}
security = "none"
auth = "master"
master_user = "migration"
master_password_secret = "{MASTER_SECRET}"

[notices]
sender = "migration@harbour-hosting.example"
support = "support@harbour-hosting.example"
"#
    );
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn csv(accounts: &[SampleAccount], port: u16) -> String {
    let mut csv = "email,password,source_host,port,security\n".to_owned();
    for SampleAccount { login, .. } in accounts {
        let password = login.password.replace('"', "\"\"");
        let _ = writeln!(csv, "{},\"{password}\",127.0.0.1,{port},none", login.user);
    }
    csv
}

/// Waits for the end of a pass and shows how it goes on.
async fn pass(customer: &Customer, order: &Order, name: &str, end: &str) -> Result<()> {
    let begun = Instant::now();
    let on_terminal = std::io::stdout().is_terminal();
    let mut last = String::new();
    let ends = [
        end,
        "completed_with_exceptions",
        "failed",
        "needs_attention",
        "cancelled",
    ];
    let status = customer
        .wait_for(order, &ends, PATIENCE, |status| {
            let line = progress(status, begun.elapsed());
            let shown = line.split(" · ").next().unwrap_or_default().to_owned();
            if on_terminal {
                print!("\r\x1b[K  {line}");
                let _ = std::io::stdout().flush();
            } else if shown != last {
                println!("  {line}");
            }
            last = shown;
        })
        .await?;
    if on_terminal {
        println!();
    }
    if status.state != end {
        bail!("the {name} ended as {}: {:?}", status.state, status);
    }
    step(&format!("{name} done in {:.1} s", begun.elapsed().as_secs_f32()));
    Ok(())
}

fn progress(status: &Status, elapsed: Duration) -> String {
    let copied: u64 = status.mailboxes.iter().map(|mailbox| mailbox.messages_copied).sum();
    let total: u64 = status.mailboxes.iter().map(|mailbox| mailbox.messages_total).sum();
    let tenths = usize::try_from((copied * 20).checked_div(total).unwrap_or(0))
        .unwrap_or(0)
        .min(20);
    let bar = format!("{}{}", "█".repeat(tenths), "░".repeat(20 - tenths));
    format!(
        "{:<18} {bar} {copied:>5} of {total:>5} messages · {:.0} s",
        status.state,
        elapsed.as_secs_f32()
    )
}

async fn notices(stack: &Stack) -> Result<()> {
    // The last notice follows the state that was waited for.
    tokio::time::sleep(Duration::from_secs(2)).await;
    chapter("What the customer was told");
    for mail in stack.inbox().await? {
        step(&format!("to {}: {}", mail.to.join(", "), mail.subject));
    }
    Ok(())
}

fn chapter(title: &str) {
    println!("\n{title}");
}

fn step(line: &str) {
    println!("  {line}");
}
