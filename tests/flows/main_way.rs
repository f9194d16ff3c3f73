//! The main way, said once and said twice.

use anyhow::{Context as _, Result};
use mailvan_local::customer::{Order, Status};
use mailvan_local::dovecot::Login;
use mailvan_local::samples::{accounts, deliver_between_passes};
use mailvan_local::stack::Queue;
use mailvan_local::tally::{self, Counted};
use mailvan_local::world::{Plan, World};
use mailvan_tests::{cut_over, ensure_identical, nothing_secret_is_told, quiet, rest, send, subjects, whole_table};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{staff, tickets};

#[tokio::test(flavor = "multi_thread")]
async fn mailboxes_of_a_csv_are_identical_after_both_passes_however_often_everything_is_said() -> Result<()> {
    let mut plan = Plan::new("main-way", accounts(150, 4));
    plan.tickets_from = Some(tickets::SENDER.to_owned());
    let world = plan.start(|_| {}).await?;
    tickets::break_down(&world).await?;
    let order = world.customer.order_by_csv(&world.csv(world.source.port())).await?;
    assert_eq!(order.state, "awaiting_upload");
    let id = order.id.as_str();
    // While it runs, everything that started it comes again.
    send(&world, Queue::Ingest, &[upload_event(&world, id)?]).await?;
    send(&world, Queue::Start, &[json!({ "request_id": id, "pass": "first" })]).await?;
    assert_eq!(rest(&world, &order).await?.state, "awaiting_cutover");
    tickets::mend(&world).await?;
    ensure_identical(&world)?;
    say_again(&world, id, "first").await?;
    quiet(&world).await?;
    assert_eq!(world.customer.status(&order).await?.state, "awaiting_cutover");
    ensure_identical(&world).context("after the first pass was said again")?;

    for (account, seed) in world.accounts.iter().zip(9..) {
        deliver_between_passes(&world.source, account, 6, seed)?;
    }
    staff::every_documented_query_answers(&world, &order)?;
    tickets::each_is_told(&world, &order, 3).await?;
    world.customer.act(&order, "cutover").await?;
    let status = cut_over(&world, &order).await?;
    assert_eq!(status.state, "completed", "{status:?}");
    ensure_identical(&world)?;
    certificates_agree_with_a_count_of_ones_own(&world, &order, &status).await?;
    say_again(&world, id, "final").await?;
    world.customer.act(&order, "cutover").await?;
    quiet(&world).await?;
    assert_eq!(world.customer.status(&order).await?.state, "completed");
    ensure_identical(&world).context("after the final pass was said again")?;

    let subjects = subjects(&world, &order).await?;
    assert_eq!(subjects.len(), 4, "{subjects:?}");
    tickets::each_was_told_once(&world, &order, 4).await?;
    staff::a_ticket_system_is_told_again(&world, &order)?;
    nothing_secret_is_told(&world, &[&order]).await?;
    nothing_secret_is_left(&world, &order).await?;
    a_second_request_copies_nothing_again(&world).await
}

/// Each function's message once more.
async fn say_again(world: &World, id: &str, pass: &str) -> Result<()> {
    let check = json!({ "request_id": id, "generation": 1 });
    send(world, Queue::Ingest, &[upload_event(world, id)?, check]).await?;
    send(world, Queue::Start, &[json!({ "request_id": id, "pass": pass })]).await?;
    let jobs: Vec<String> = (2..6).map(|row| format!("{id}-1-{row:05}")).collect();
    let plans: Vec<Value> = jobs.iter().map(|job| json!({ "job_id": job, "pass": pass })).collect();
    send(world, Queue::Plan, &plans).await?;
    let lane = |job| json!({ "job_id": job, "pass": pass, "lane": 0, "copied": 0 });
    let lanes: Vec<Value> = jobs.iter().map(lane).collect();
    send(world, Queue::Sync, &lanes).await?;
    let certify = |job| json!({ "job_id": job, "certified": 0 });
    let certifications: Vec<Value> = jobs.iter().map(certify).collect();
    send(world, Queue::Certify, &certifications).await?;
    let notices = ["received", "accepted", "first_pass_done", "finished"];
    let notices = notices.map(|notice| json!({ "request_id": id, "notice": { "about": notice } }));
    send(world, Queue::Notify, &notices).await?;
    Ok(())
}

/// What the bucket says about an upload.
fn upload_event(world: &World, id: &str) -> Result<Value> {
    let bucket = world.stack.output("BucketName")?;
    Ok(json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-11-22T20:00:00.000Z",
        "eventName": "ObjectCreated:Put", "userIdentity": { "principalId": "x" }, "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {},
        "s3": { "s3SchemaVersion": "1.0", "configurationId": "x",
            "bucket": { "name": bucket, "ownerIdentity": { "principalId": "x" }, "arn": format!("arn:aws:s3:::{bucket}") },
            "object": { "key": format!("uploads/{id}/1.csv"), "size": 1, "eTag": "x", "sequencer": "x" } }
    }] }))
}

/// The upload is gone, and the data key as soon as its owner says so; else it goes with the last later look.
async fn nothing_secret_is_left(world: &World, order: &Order) -> Result<()> {
    let path = format!("/v1/requests/{}/passwords", order.id);
    for _ in 0..2 {
        let (status, answer) = world.customer.call(Method::DELETE, &path, Some(order), None).await?;
        assert_eq!(
            (status, &answer["later_looks"]),
            (StatusCode::OK, &json!({ "passes": 0, "fetched": 0 }))
        );
    }
    let table = whole_table(world).await?;
    assert!(!table.contains("data_key"), "the data key outlived the request");
    let bucket = world.stack.output("BucketName")?;
    let objects = world
        .stack
        .aws(&["s3api", "list-objects-v2", "--bucket", bucket])
        .await?;
    assert!(
        objects["Contents"].as_array().is_none_or(Vec::is_empty),
        "the upload is still there: {objects}"
    );
    Ok(())
}

/// Every mailbox has a certificate that agrees, and says of each folder what counting it by other code says.
async fn certificates_agree_with_a_count_of_ones_own(world: &World, order: &Order, status: &Status) -> Result<()> {
    for mailbox in &status.mailboxes {
        let certificate = world.customer.certificate(order, mailbox).await?;
        assert_eq!(certificate["agrees"], true, "{certificate:#}");
        assert_eq!(certificate["totals"]["exceptions"], 0, "{certificate:#}");
        assert_eq!(certificate["mailbox"], mailbox.email.as_str());
        let account = world
            .accounts
            .iter()
            .find(|account| account.login.user == mailbox.email);
        let account = account.context("an account that nobody ordered")?;
        let login = Login::new(&account.login.user, "known to nobody");
        let folders = certificate["folders"].as_array().context("no folders")?;
        for folder in folders {
            let (source, destination) = (folder["source"].as_str(), folder["destination"].as_str());
            let there = tally::count(&world.source, &account.login, source.context("no name")?)?;
            let here = tally::count(&world.destination, &login, destination.context("no name")?)?;
            assert_eq!(folder["source_side"], side(&there), "{folder:#}");
            assert_eq!(folder["destination_side"], side(&here), "{folder:#}");
        }
        assert!(folders.len() >= account.folders.len(), "{certificate:#}");
    }
    // Only its owner gets it.
    let foreign = world
        .customer
        .order(&json!({ "contact_email": "other@example.org", "csv_bytes": 9 }))
        .await?;
    for (row, wanted) in [(2, &foreign), (99, order)] {
        let path = format!("/v1/requests/{}/mailboxes/{row}/certificate", order.id);
        let (answer, _) = world.customer.call(Method::GET, &path, Some(wanted), None).await?;
        assert_eq!(answer, StatusCode::NOT_FOUND);
    }
    Ok(())
}

fn side(counted: &Counted) -> Value {
    json!({ "messages": counted.messages, "bytes": counted.bytes, "digest": counted.digest })
}

/// What is at the destination already, from another request or a person, is matched and not copied; and as the
/// second request did not read it itself, certifying does.
async fn a_second_request_copies_nothing_again(world: &World) -> Result<()> {
    let order = world.customer.order_by_csv(&world.csv(world.source.port())).await?;
    assert_eq!(rest(world, &order).await?.state, "awaiting_cutover");
    ensure_identical(world).context("after a second request for the same mailboxes")?;
    let status = cut_over(world, &order).await?;
    assert_eq!(status.state, "completed", "{status:?}");
    certificates_agree_with_a_count_of_ones_own(world, &order, &status).await
}
