//! What the flows share beyond the local stack: waiting for the end, looking into the table, and
//! saying everything twice.

#![allow(
    clippy::disallowed_methods,
    reason = "tests are an edge as a whole: they wait and read the clock"
)]

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan_local::compare::Comparison;
use mailvan_local::customer::{Order, Status};
use mailvan_local::stack::Queue;
use mailvan_local::ticket_system::MAILBOX;
use mailvan_local::world::{SUPPORT, World};
use serde_json::{Value, json};

/// How long a pass may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// States in which nothing more happens by itself.
const RESTING: [&str; 6] = [
    "awaiting_cutover",
    "needs_attention",
    "completed",
    "completed_with_exceptions",
    "failed",
    "cancelled",
];

/// Waits until nothing more happens by itself.
///
/// # Errors
/// If that takes longer than [`PATIENCE`].
pub async fn rest(world: &World, order: &Order) -> Result<Status> {
    world.customer.wait_for(order, &RESTING, PATIENCE, |_| {}).await
}

/// Says that the DNS is changed, and waits for the end of the final pass.
///
/// # Errors
/// If the end is not reached within [`PATIENCE`].
pub async fn cut_over(world: &World, order: &Order) -> Result<Status> {
    world.customer.act(order, "cutover").await?;
    world.customer.wait_for(order, &RESTING[2..], PATIENCE, |_| {}).await
}

/// Every account is the same on both servers.
///
/// # Errors
/// If one is not; the error holds the differences.
pub fn ensure_identical(world: &World) -> Result<()> {
    for comparison in world.compare()? {
        ensure!(comparison.is_identical(), "{comparison}");
    }
    Ok(())
}

/// The account of this name, compared.
///
/// # Errors
/// If a store cannot be read.
pub fn comparison_of(world: &World, account: &str) -> Result<Option<Comparison>> {
    Ok(world
        .compare()?
        .into_iter()
        .find(|comparison| comparison.account == account))
}

/// The subjects of the mails to the customer about a request, in their order.
///
/// # Errors
/// If the mails cannot be read.
pub async fn subjects(world: &World, order: &Order) -> Result<Vec<String>> {
    subjects_of(world, order, |to| to != MAILBOX && to != SUPPORT).await
}

/// The subjects of the mails to this address about a request, in their order.
///
/// # Errors
/// If the mails cannot be read.
pub async fn subjects_to(world: &World, order: &Order, address: &str) -> Result<Vec<String>> {
    subjects_of(world, order, |to| to == address).await
}

async fn subjects_of(world: &World, order: &Order, is_for: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mails = world.stack.inbox().await?;
    Ok(mails
        .into_iter()
        .filter(|mail| mail.to.iter().all(|to| is_for(to)))
        .map(|mail| mail.subject)
        .filter(|subject| subject.contains(&order.id))
        .collect())
}

/// Puts messages, at most ten, into a queue.
///
/// # Errors
/// If one is not taken.
pub async fn send(world: &World, queue: Queue, messages: &[Value]) -> Result<()> {
    send_to(world, world.stack.queue_url(queue)?, messages).await
}

/// Puts messages, at most ten, into the queue with this URL.
///
/// # Errors
/// If one is not taken.
pub async fn send_to(world: &World, url: &str, messages: &[Value]) -> Result<()> {
    let entry = |(n, message): (usize, &Value)| json!({ "Id": n.to_string(), "MessageBody": message.to_string() });
    let entries: Vec<Value> = messages.iter().enumerate().map(entry).collect();
    let entries = Value::from(entries).to_string();
    let sent = world
        .stack
        .aws(&["sqs", "send-message-batch", "--queue-url", url, "--entries", &entries])
        .await?;
    ensure!(
        sent.get("Failed").and_then(Value::as_array).is_none_or(Vec::is_empty),
        "not all messages were taken: {sent}"
    );
    Ok(())
}

/// Waits until no message is waiting or being worked on in any queue. Delayed ones do not count: they are
/// lanes that will look again when a lease ends.
///
/// # Errors
/// If there still is one after [`PATIENCE`].
pub async fn quiet(world: &World) -> Result<()> {
    let queues = [
        Queue::Ingest,
        Queue::Check,
        Queue::Start,
        Queue::Plan,
        Queue::Sync,
        Queue::Certify,
        Queue::Watch,
        Queue::Clock,
        Queue::Cutover,
        Queue::Notify,
        Queue::Owner,
        Queue::Import,
        Queue::Ticket,
        Queue::Bounce,
    ];
    let begun = std::time::Instant::now();
    loop {
        let mut waiting = 0;
        for queue in queues {
            let url = world.stack.queue_url(queue)?;
            let asked = [
                "sqs",
                "get-queue-attributes",
                "--attribute-names",
                "All",
                "--queue-url",
                url,
            ];
            let attributes = world.stack.aws(&asked).await?;
            for kind in ["", "NotVisible"] {
                let count = attributes.pointer(&format!("/Attributes/ApproximateNumberOfMessages{kind}"));
                waiting += count
                    .and_then(Value::as_str)
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(0_u32);
            }
        }
        if waiting == 0 {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{waiting} messages are still in the queues");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Nothing that anybody can read of a run holds a password of the world or a token of these orders: the logs, the job
/// table, the mails, and what the API says of each order.
///
/// # Errors
/// If something does; the error names where and whose, and not what.
pub async fn nothing_secret_is_told(world: &World, orders: &[&Order]) -> Result<()> {
    let mut told = vec![
        ("the log".to_owned(), std::fs::read_to_string(world.emulator.log())?),
        ("the table".to_owned(), whole_table(world).await?),
    ];
    for mail in world.stack.inbox().await? {
        let text = [mail.subject, mail.text, mail.html.unwrap_or_default()].concat();
        told.push((format!("the mail {}", mail.id), text));
    }
    for order in orders {
        for path in ["", "/report.csv", "/preview"] {
            let path = format!("/v1/requests/{}{path}", order.id);
            let (_, answer) = world
                .customer
                .call(reqwest::Method::GET, &path, Some(order), None)
                .await?;
            told.push((path, answer.to_string()));
        }
    }
    let passwords = world.passwords().into_iter().map(|password| ("a password", password));
    let tokens = orders.iter().map(|order| ("a token", order.token.as_str()));
    for (kind, secret) in passwords.chain(tokens) {
        for (place, text) in &told {
            ensure!(!text.contains(secret), "{place} holds {kind}");
        }
    }
    Ok(())
}

/// Everything that is in the job table, as one text.
///
/// # Errors
/// If it cannot be read.
pub async fn whole_table(world: &World) -> Result<String> {
    let table = world.stack.output("TableName")?;
    Ok(world
        .stack
        .aws(&["dynamodb", "scan", "--table-name", table])
        .await?
        .to_string())
}
