//! Staff's questions to the job table, as the data model's documentation answers them.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use mailvan_local::customer::Order;
use mailvan_local::ministack::client_environment;
use mailvan_local::stack::Queue;
use mailvan_local::workspace_root;
use mailvan_local::world::World;

/// Queries whose answer may be empty when all is well.
const MAY_BE_EMPTY: [&str; 4] = ["refused_rows", "open_batches", "refused_messages", "discrepancies"];

/// Runs each `<!-- query: name -->` of the documentation as it stands there.
pub fn every_documented_query_answers(world: &World, order: &Order) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    let queries = queries(&text);
    ensure!(queries.len() >= 8, "only {} queries are documented", queries.len());
    for (name, script) in queries {
        let output = shell(world, order, &script)?;
        let answer: serde_json::Value =
            serde_json::from_slice(&output).with_context(|| format!("the query {name} does not answer in JSON"))?;
        let items = answer["Items"].as_array().map_or(0, Vec::len);
        ensure!(
            items > 0 || MAY_BE_EMPTY.contains(&name.as_str()),
            "the query {name} found nothing"
        );
        let shown = answer.to_string();
        for secret in ["sealed_password", "token_hash", "data_key"] {
            ensure!(!shown.contains(secret), "the query {name} shows {secret}");
        }
    }
    Ok(())
}

/// The documented way to a new token, as it stands there.
pub async fn a_new_token_voids_the_old_one(world: &World, order: &Order) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    let token = String::from_utf8(shell(world, order, change(&text, "new_token")?)?)?
        .trim()
        .to_owned();
    let renewed = Order { token, ..order.clone() };
    world.customer.status(&renewed).await?;
    ensure!(
        world.customer.status(order).await.is_err(),
        "the old token still opens the request"
    );
    Ok(())
}

/// The documented way to have a ticket system told what was given up; one that was told is left alone.
pub fn a_ticket_system_is_told_again(world: &World, order: &Order) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    shell(world, order, change(&text, "tell_again")?)?;
    Ok(())
}

/// The documented way to write to another address, also what was not sent to the first.
pub fn a_customer_is_written_to_again(world: &World, order: &Order, about: &str) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    shell(world, order, change(&text, "contact")?)?;
    send_notice(world, order, about)
}

/// The documented way to have a notice sent again that came back.
pub fn a_notice_is_sent_again(world: &World, order: &Order, about: &str) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    let again = change(&text, "send_again")?;
    shell(world, order, &format!("KIND={about}\n{again}"))?;
    send_notice(world, order, about)
}

fn send_notice(world: &World, order: &Order, about: &str) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    let send = change(&text, "send_notice")?;
    shell(world, order, &format!("ABOUT={about}\n{send}"))?;
    Ok(())
}

/// The documented way to have a mailbox's owner told, which tells nobody twice.
pub fn an_owner_is_told_again(world: &World, order: &Order) -> Result<()> {
    let text = std::fs::read_to_string(workspace_root().join("infra/data-model.md"))?;
    shell(world, order, change(&text, "tell_owner")?)?;
    Ok(())
}

/// The script of a documented change.
fn change<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    let script = text
        .split_once(&format!("<!-- change: {name} -->"))
        .and_then(|(_, rest)| rest.split_once("```sh\n"))
        .and_then(|(_, script)| script.split_once("```"));
    Ok(script.with_context(|| format!("no way to {name}"))?.0)
}

/// Name and script of each documented query.
fn queries(text: &str) -> Vec<(String, String)> {
    let part = |part: &str| {
        let (name, rest) = part.split_once("-->")?;
        let (_, rest) = rest.split_once("```sh\n")?;
        let (script, _) = rest.split_once("```")?;
        Some((name.trim().to_owned(), script.to_owned()))
    };
    text.split("<!-- query:").skip(1).filter_map(part).collect()
}

fn shell(world: &World, order: &Order, script: &str) -> Result<Vec<u8>> {
    let venv = workspace_root().join("target/venv/bin");
    let path = format!("{}:{}", venv.display(), std::env::var("PATH").unwrap_or_default());
    let address = &world.accounts[0].login.user;
    let day = order_day(order)?;
    // Version 1 of the CLI does not take the address of SQS from the environment.
    let script = format!(
        "aws() {{ command aws --endpoint-url {} \"$@\"; }}\n{script}",
        world.stack.endpoint()
    );
    let output = Command::new("bash")
        .args(["-euc", &script])
        .envs(client_environment(world.stack.endpoint()))
        .env("PATH", path)
        .env("TABLE", world.stack.output("TableName")?)
        .env("REQUEST", &order.id)
        .env("ADDRESS", address)
        .env("DOMAIN", "harbour.example")
        .env("TICKET", "4711")
        .env("STATE", "job#awaiting_cutover")
        .env("DAY", day)
        .env("JOB", format!("{}-1-00002", order.id))
        .env("CONTACT", "other@example.org")
        .env("OWNER_QUEUE", world.stack.queue_url(Queue::Owner)?)
        .env("NOTIFY_QUEUE", world.stack.queue_url(Queue::Notify)?)
        .env("TICKET_QUEUE", world.stack.queue_url(Queue::Ticket)?)
        .env("ABOUT", "finished")
        .env("SYSTEM", "whmcs")
        .output()?;
    ensure!(
        output.status.success(),
        "{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// The day a request was made on, as its id says.
fn order_day(order: &Order) -> Result<String> {
    let digits = "0123456789abcdefghjkmnpqrstvwxyz";
    let ms = order
        .id
        .chars()
        .take(10)
        .try_fold(0_u64, |ms, c| digits.find(c).map(|digit| ms * 32 + digit as u64));
    let seconds = ms.context("not a request's id")? / 1000;
    let output = Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%F"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
