//! `cargo xtask demo`: the main job, from a CSV to migrated mailboxes, on real servers.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use mailvan_local::compare::Comparison;
use mailvan_local::customer::{Customer, Order, Status};
use mailvan_local::samples::{SampleAccount, accounts, deliver_between_passes};
use mailvan_local::stack::Stack;
use mailvan_local::world::{Plan, World};

/// How long a pass may take before the demonstration gives up.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Args)]
pub struct Arguments {
    /// About how many messages each of the larger accounts has
    #[arg(long, default_value_t = 1000)]
    messages: usize,
    /// Keep everything running afterwards, until Ctrl-C, for a look at the customers' page
    #[arg(long)]
    serve: bool,
}

/// Sets everything up, migrates, compares.
///
/// # Errors
/// Fails when a step does, and when a mailbox is not identical in the end.
pub async fn run(arguments: Arguments) -> Result<()> {
    let begun = Instant::now();
    chapter("Setting up");
    let world = Plan::new("demo", accounts(arguments.messages, 20)).start(step).await?;
    let customer = &world.customer;
    let ready = begun.elapsed();

    chapter("The customer makes a request and uploads a CSV");
    let migrating = Instant::now();
    let order = customer.order_by_csv(&world.csv(world.source.port())).await?;
    step(&format!("request {}", order.id));
    pass(customer, &order, "first pass", "awaiting_cutover").await?;

    chapter("Meanwhile mail goes on arriving at the previous provider");
    for (account, seed) in world.accounts.iter().zip(77..) {
        let changes = deliver_between_passes(&world.source, account, 12, seed)?;
        step(&format!("{}: {changes}", account.login.user));
    }

    chapter("The customer has changed the DNS");
    customer.act(&order, "cutover").await?;
    pass(customer, &order, "final pass", "completed").await?;
    let migrated = migrating.elapsed();

    chapter("The certificates that the service made");
    certificates(customer, &order).await?;

    chapter("Comparing both servers, message by message");
    let comparisons = world.compare()?;
    for comparison in &comparisons {
        step(&comparison.to_string());
    }
    notices(&world.stack).await?;
    println!(
        "\nMigrated in {:.1} s; setting up took {:.1} s before that, {:.1} s in all.",
        migrated.as_secs_f32(),
        ready.as_secs_f32(),
        begun.elapsed().as_secs_f32()
    );
    if !comparisons.iter().all(Comparison::is_identical) {
        bail!("not every mailbox is identical");
    }
    if arguments.serve {
        serve(&world, &order).await
    } else {
        println!("With --serve it all stays up, with the customers' page to look at and to make a request on.");
        Ok(())
    }
}

/// Says where the page is, and waits for Ctrl-C.
async fn serve(world: &World, order: &Order) -> Result<()> {
    let page = world.stack.page_url()?;
    println!(
        r"
The customers' page, until Ctrl-C:

  A new request   {}
  This request    {page}#r={}.{}

Mailboxes to move once more: server 127.0.0.1, port {}, encryption none (under 'More about this mailbox').
",
        world.page_link()?,
        order.id,
        order.token,
        world.source.port()
    );
    for SampleAccount { login, .. } in &world.accounts {
        println!("  {:<30} {}", login.user, login.password);
    }
    tokio::signal::ctrl_c().await?;
    println!("\nStopped; nothing is left running, and nothing was kept.");
    Ok(())
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

/// Shows what each mailbox's certificate says on the whole.
async fn certificates(customer: &Customer, order: &Order) -> Result<()> {
    for mailbox in &customer.status(order).await?.mailboxes {
        let certificate = customer.certificate(order, mailbox).await?;
        let of = |name: &str| certificate.pointer(name).cloned().unwrap_or_default();
        let side = |name: &str| of(&format!("/totals/destination_side/{name}"));
        let verdict = if of("/agrees") == true { "agrees" } else { "disagrees" };
        let digest: String = side("digest").as_str().unwrap_or_default().chars().take(16).collect();
        step(&format!(
            "{}: {verdict}: {} messages, {} bytes, digest {digest}…",
            mailbox.email,
            side("messages"),
            side("bytes")
        ));
    }
    Ok(())
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
