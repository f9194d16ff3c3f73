//! Mailboxes that are not at the destination as they were copied, and certifying that is killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use mailvan_local::dovecot::{Login, Options, Store};
use mailvan_local::imap_client::ImapClient;
use mailvan_local::samples::small;
use mailvan_local::stack::{Parameters, Queue};
use mailvan_local::world::{Plan, World};
use mailvan_tests::{PATIENCE, cut_over, quiet, rest, send, subjects};
use serde_json::json;

/// How often `certify` is killed; each time costs its message's visibility timeout.
const KILLS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn certificate_names_what_is_not_as_it_was_however_often_certifying_is_killed() -> Result<()> {
    let accounts = ["whole", "altered"].map(|name| small(&format!("{name}@harbour.example"), "Poller-9", 120, 5));
    let mut plan = Plan::new("certified", accounts.to_vec());
    // So that a message can be altered where it is stored.
    plan.destination = Options {
        store: Store::Maildir,
        ..plan.destination
    };
    plan.parameters = Parameters {
        certify_timeout_seconds: 10,
        certify_visibility_seconds: 21,
        ..plan.parameters
    };
    let world = plan.start(|_| {}).await?;
    let order = world.customer.order_by_csv(&world.csv(world.source.port())).await?;
    assert_eq!(rest(&world, &order).await?.state, "awaiting_cutover");
    alter(&message_with_uid(&world, "altered@harbour.example", 4)?)?;
    let mut here = ImapClient::connect(
        world.destination.address(),
        &Login::new("altered@harbour.example", "known to nobody"),
    )?;
    here.select("INBOX")?;
    here.store(&[9], "+FLAGS.SILENT (\\Deleted)")?;
    here.command("UID EXPUNGE 9")?;

    world.customer.act(&order, "cutover").await?;
    kill_certify(&world).await?;
    // Two more of each message at the same time.
    let wish = |row| json!({ "job_id": format!("{}-1-{row:05}", order.id), "certified": 0 });
    send(&world, Queue::Certify, &[wish(2), wish(3), wish(2), wish(3)]).await?;
    let status = cut_over(&world, &order).await?;
    assert_eq!(status.state, "completed_with_exceptions", "{status:?}");
    quiet(&world).await?;

    let [whole, altered] = status.mailboxes.as_slice() else {
        panic!("{status:?}");
    };
    assert_eq!(
        (whole.state.as_str(), altered.state.as_str()),
        ("completed", "completed_with_exceptions")
    );
    let certificate = world.customer.certificate(&order, whole).await?;
    assert_eq!(
        (&certificate["agrees"], &certificate["totals"]["exceptions"]),
        (&json!(true), &json!(0))
    );
    let certificate = world.customer.certificate(&order, altered).await?;
    assert_eq!(
        (&certificate["agrees"], &certificate["totals"]["exceptions"]),
        (&json!(false), &json!(1))
    );
    let folders = certificate["folders"].as_array().context("no folders")?;
    let inbox = folders
        .iter()
        .find(|folder| folder["source"] == "INBOX")
        .context("no INBOX")?;
    let exception = &inbox["exceptions"][0];
    assert_eq!(
        (&exception["code"], &exception["uids"]),
        (&json!("REWRITTEN"), &json!("4"))
    );
    assert_eq!(inbox["gone_since"], json!({ "messages": 1, "uids": "9" }));
    assert_eq!(folders.iter().filter(|folder| folder["agrees"] == false).count(), 1);

    let path = format!("/v1/requests/{}/report.csv", order.id);
    let (_, report) = world
        .customer
        .call(reqwest::Method::GET, &path, Some(&order), None)
        .await?;
    let report = report.as_str().context("no report")?;
    assert!(
        report.contains("certificate_exception,3,altered@harbour.example"),
        "{report}"
    );
    let error = altered.error.clone().unwrap_or_default();
    assert_eq!(error["code"], "not_as_at_the_source", "{error}");
    let told = subjects(&world, &order).await?;
    assert_eq!(told.len(), 4, "{told:?}");
    Ok(())
}

/// Kills `certify` at its work, and again when its message has come again.
async fn kill_certify(world: &World) -> Result<()> {
    for _ in 0..KILLS {
        let kill = world
            .emulator
            .kill_at_work("certify", Duration::from_millis(50))
            .await?;
        let begun = std::time::Instant::now();
        while !world.emulator.happened().await?.kills.contains(&kill) {
            ensure!(begun.elapsed() < PATIENCE, "certify is not at work");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// The file of a message in a user's INBOX at the destination.
fn message_with_uid(world: &World, user: &str, uid: u32) -> Result<PathBuf> {
    let mail = world.destination.mail_directory().join(user);
    let list = std::fs::read_to_string(mail.join("dovecot-uidlist"))?;
    let mut lines = list.lines().skip(1);
    let line = lines.find(|line| line.starts_with(&format!("{uid} ")));
    let (_, name) = line.and_then(|line| line.split_once(':')).context("no such UID")?;
    let stem = name.split(':').next().unwrap_or(name);
    let is_it = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(stem))
    };
    let files = std::fs::read_dir(mail.join("cur"))?.chain(std::fs::read_dir(mail.join("new"))?);
    let mut paths = files.flatten().map(|entry| entry.path());
    paths.find(|path| is_it(path)).context("no file of this UID")
}

/// Changes one letter.
fn alter(file: &Path) -> Result<()> {
    let mut bytes = std::fs::read(file)?;
    let at = bytes.len().checked_sub(3).context("a message of two bytes")?;
    bytes[at] ^= 1;
    Ok(std::fs::write(file, bytes)?)
}
