//! Contacts and calendars: uploaded, imported while the function is killed, shown, and taken back.

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailvan_local::customer::{Order, Upload};
use mailvan_local::inbox::Mail;
use mailvan_local::samples::small;
use mailvan_local::stack::{Parameters, Queue};
use mailvan_local::world::{DESTINATION_PASSWORD, Plan, World};
use mailvan_tests::{PATIENCE, quiet, rest, send, subjects, whole_table};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MAILBOX: &str = "anna@harbour.example";
const EVENTS: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn contacts_and_calendars_arrive_once_though_the_import_is_killed_and_can_be_taken_back() -> Result<()> {
    let mut plan = Plan::new("attachments", vec![small(MAILBOX, "Poller-9", 5, 1)]);
    plan.has_dav = true;
    plan.parameters = Parameters {
        import_timeout_seconds: 20,
        import_visibility_seconds: 21,
        ..plan.parameters
    };
    let world = plan.start(|_| {}).await?;
    let order = world.customer.order_by_csv(&world.csv(world.source.port())).await?;
    rest(&world, &order).await?;

    // Long before the server can have taken all entries.
    let kill = world
        .emulator
        .kill_at_work("import", Duration::from_millis(400))
        .await?;
    let takeout = archive()?;
    let id = attach(&world, &order, &takeout, "calendar", "takeout.zip").await?;
    let begun = Instant::now();
    while !world.emulator.happened().await?.kills.contains(&kill) {
        ensure!(begun.elapsed() < PATIENCE, "import is not at work");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let wish = json!({ "request_id": order.id, "attachment": id, "done": 0 });
    send(&world, Queue::Import, &[wish.clone(), wish]).await?;
    let imported = wait(&world, &order, &id, "completed_with_exceptions").await?;
    let expected = (EVENTS as u64 + 3, EVENTS as u64 + 2, 1);
    let number = |name: &str| imported[name].as_u64().unwrap_or_default();
    assert_eq!(
        (number("objects"), number("imported"), number("failed")),
        expected,
        "{imported:#}"
    );
    assert_eq!(
        imported["problems"][0]["file"], "Takeout/Calendar/Familie.ics",
        "{imported:#}"
    );
    let dav = world.dav.as_ref().context("no server")?;
    assert_eq!(dav.objects(MAILBOX)?.len(), EVENTS + 2);

    // The same file again brings nothing, and undoing it takes nothing away.
    let again = attach(&world, &order, &takeout, "calendar", "takeout.zip").await?;
    let second = wait(&world, &order, &again, "completed_with_exceptions").await?;
    assert_eq!(
        (&second["imported"], &second["existing"]),
        (&json!(0), &json!(EVENTS + 2)),
        "{second:#}"
    );
    undo(&world, &order, &again).await?;
    assert_eq!(dav.objects(MAILBOX)?.len(), EVENTS + 2);

    let report = format!("/v1/requests/{}/report.csv", order.id);
    let (_, report) = world.customer.call(Method::GET, &report, Some(&order), None).await?;
    let report = report.as_str().context("no report")?;
    assert!(report.contains("attachment,2,anna@harbour.example"), "{report}");

    let undone = undo(&world, &order, &id).await?;
    assert_eq!(
        (&undone["removed"], &undone["changed_since"]),
        (&json!(EVENTS + 2), &json!(0)),
        "{undone:#}"
    );
    assert!(dav.objects(MAILBOX)?.is_empty());

    let junk = attach(&world, &order, b"%PDF-1.7 nothing of the kind", "contacts", "a.vcf").await?;
    let failed = wait(&world, &order, &junk, "failed").await?;
    assert_eq!(failed["error"]["code"], "file_not_readable", "{failed:#}");
    quiet(&world).await?;
    told_once(&world, &order, &junk).await?;
    let table = whole_table(&world).await?;
    assert!(!table.contains("van-key-7"), "a password is in the table");
    Ok(())
}

/// What went wrong is told while the request runs: the last mail has it all, and none is sent again.
async fn told_once(world: &World, order: &Order, last: &str) -> Result<()> {
    let of_imports = async || -> Result<Vec<Mail>> {
        let mut mails = world.stack.inbox().await?;
        mails.retain(|mail| mail.subject.contains(&order.id) && mail.subject.contains("contacts and calendars"));
        Ok(mails)
    };
    let begun = Instant::now();
    let mails = loop {
        let mails = of_imports().await?;
        let told = "- a.vcf (anna@harbour.example)\n  Not imported: ";
        if mails.last().is_some_and(|mail| mail.text.contains(told)) {
            break mails;
        }
        ensure!(begun.elapsed() < PATIENCE, "the last import is not told: {mails:#?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    for mail in &mails {
        assert!(mail.subject.contains("Not all of your contacts"), "{}", mail.subject);
    }
    let notice = json!({ "about": "imported", "attachment": u64::from_str_radix(last, 16)? });
    let message = json!({ "request_id": order.id, "notice": notice });
    send(world, Queue::Notify, &[message.clone(), message]).await?;
    quiet(world).await?;
    assert_eq!(of_imports().await?, mails, "a mail was sent twice");
    Ok(())
}

/// A Takeout with a calendar of which one entry is broken, and contacts.
fn archive() -> Result<Vec<u8>> {
    let event = |n| {
        format!(
            "BEGIN:VEVENT\r\nUID:{n}@example.org\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nSUMMARY:{n}\r\nEND:VEVENT\r\n"
        )
    };
    let events: String = (0..EVENTS).map(event).collect();
    let calendar = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-CALNAME:Familie\r\n{events}BEGIN:VEVENT\r\nUID:b\r\nbroken\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let contacts =
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:One\r\nEND:VCARD\r\nBEGIN:VCARD\r\nVERSION:3.0\r\nFN:Two\r\nEND:VCARD\r\n";
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("Takeout/Calendar/Familie.ics", calendar.as_str()),
        ("Takeout/Contacts/All.vcf", contacts),
    ] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_does_not_end_before_its_files_because_their_password_ends_with_it() -> Result<()> {
    let mut plan = Plan::new("attachments-held", vec![small(MAILBOX, "Poller-9", 5, 1)]);
    plan.has_dav = true;
    plan.own_passwords = true;
    let world = plan.start(|_| {}).await?;
    let csv = world.csv(world.source.port());
    let rows = csv.lines().zip(["destination_password", DESTINATION_PASSWORD]);
    let csv: Vec<String> = rows.map(|(row, password)| format!("{row},{password}")).collect();
    let order = world.customer.order_by_csv(&csv.join("\n")).await?;
    assert_eq!(rest(&world, &order).await?.state, "awaiting_cutover");

    let takeout = archive()?;
    let (id, upload) = announce(&world, &order, &takeout, "calendar", "takeout.zip").await?;
    world.customer.act(&order, "cutover").await?;
    let path = format!("/v1/requests/{}", order.id);
    let begun = Instant::now();
    loop {
        let (_, status) = world.customer.call(Method::GET, &path, Some(&order), None).await?;
        if status["mailboxes"][0]["state"] == "completed" {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{status:#}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    quiet(&world).await?;
    assert_eq!(world.customer.status(&order).await?.state, "final_pass");

    world.customer.upload_bytes(&upload, &takeout).await?;
    let imported = wait(&world, &order, &id, "completed_with_exceptions").await?;
    assert_eq!(imported["imported"], json!(EVENTS + 2), "{imported:#}");
    let ended = ["completed", "completed_with_exceptions", "failed"];
    let ended = world.customer.wait_for(&order, &ended, PATIENCE, |_| {}).await?;
    assert_eq!(ended.state, "completed");
    quiet(&world).await?;
    let subjects = subjects(&world, &order).await?;
    assert_eq!(subjects.len(), 4, "{subjects:?}");
    let passwords = format!("/v1/requests/{}/passwords", order.id);
    let (status, answer) = world
        .customer
        .call(Method::DELETE, &passwords, Some(&order), None)
        .await?;
    ensure!(status == StatusCode::OK, "{status}: {answer}");
    assert!(
        !whole_table(&world).await?.contains("\"data_key\""),
        "the key outlived its request"
    );
    Ok(())
}

/// Announces and uploads a file; gives the attachment's id.
async fn attach(world: &World, order: &Order, bytes: &[u8], kind: &str, name: &str) -> Result<String> {
    let (id, upload) = announce(world, order, bytes, kind, name).await?;
    let other = world.customer.upload_bytes(&upload, b"something else").await;
    ensure!(other.is_err(), "other bytes than those announced were taken");
    world.customer.upload_bytes(&upload, bytes).await?;
    Ok(id)
}

/// Announces a file; gives the attachment's id, and where it goes.
pub async fn announce(world: &World, order: &Order, bytes: &[u8], kind: &str, name: &str) -> Result<(String, Upload)> {
    let body = json!({
        "mailbox": 2, "kind": kind, "bytes": bytes.len(), "name": name,
        "sha256": STANDARD.encode(Sha256::digest(bytes)),
    });
    let path = format!("/v1/requests/{}/attachments", order.id);
    let (status, answer) = world
        .customer
        .call(Method::POST, &path, Some(order), Some(&body))
        .await?;
    ensure!(status == 201, "{status}: {answer}");
    let upload = serde_json::from_value(answer["upload"].clone())?;
    Ok((answer["id"].as_str().context("no id")?.to_owned(), upload))
}

async fn wait(world: &World, order: &Order, id: &str, state: &str) -> Result<Value> {
    let path = format!("/v1/requests/{}/attachments", order.id);
    let begun = Instant::now();
    loop {
        let (_, answer) = world.customer.call(Method::GET, &path, Some(order), None).await?;
        let attachments = answer["attachments"].as_array().context("no attachments")?;
        let own = attachments
            .iter()
            .find(|attachment| attachment["id"] == id)
            .context("no such attachment")?;
        if own["state"] == state {
            return Ok(own.clone());
        }
        if begun.elapsed() > PATIENCE || (own["state"] == "failed" && state != "failed") {
            bail!("not {state}: {own:#}");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn undo(world: &World, order: &Order, id: &str) -> Result<Value> {
    let path = format!("/v1/requests/{}/attachments/{id}", order.id);
    let before = delayed(world).await?;
    let (status, answer) = world.customer.call(Method::DELETE, &path, Some(order), None).await?;
    ensure!(status == 202, "{status}: {answer}");
    // Had the call died half-way, this message would have it taken back nevertheless.
    ensure!(
        delayed(world).await? > before,
        "nothing would go on without the call's end"
    );
    wait(world, order, id, "undone").await
}

/// How many messages of the import's queue wait for their time.
async fn delayed(world: &World) -> Result<u32> {
    let (url, name) = (
        world.stack.queue_url(Queue::Import)?,
        "ApproximateNumberOfMessagesDelayed",
    );
    let asked = [
        "sqs",
        "get-queue-attributes",
        "--queue-url",
        url,
        "--attribute-names",
        name,
    ];
    let attributes = world.stack.aws(&asked).await?;
    let count = attributes["Attributes"][name].as_str().context("no count")?;
    Ok(count.parse()?)
}
