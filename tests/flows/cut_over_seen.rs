//! The DNS changes, and the final pass starts by itself; what comes later still is fetched by later passes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mailvan_local::customer::Order;
use mailvan_local::name_servers::NameServers;
use mailvan_local::samples::{accounts, deliver_between_passes, deliver_late};
use mailvan_local::stack::{Parameters, Queue};
use mailvan_local::world::{Plan, World};
use mailvan_tests::{PATIENCE, ensure_identical, quiet, rest, send, subjects, whole_table};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::described::the_running_api_is_the_described_one;
use crate::owners;

const DOMAIN: &str = "harbour.example";
const SERVERS: [u8; 2] = [11, 12];
const PROFILE: &str = r#"
[dns]
mx = ["10 mx.harbour-hosting.example"]
spf_include = "_spf.harbour-hosting.example"
[clients.smtp]
host = "smtp.harbour-hosting.example"
"#;
const ASK: &str = "Call the harbour master about {{ request }}.\n";

/// How many folders of each mailbox get a late message each time.
const LATE_FOLDERS: usize = 2;

/// The zone as every server of the domain has it, with this MX.
fn zone(mx: &str) -> String {
    format!("@ NS s11.servers.test.\n@ NS s12.servers.test.\n@ 5 MX 10 {mx}.\n@ TXT \"v=spf1 mx -all\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mx_starts_the_final_pass_and_the_finished_notice_is_sent_once() -> Result<()> {
    let mut dns = NameServers::new()?;
    for server in SERVERS {
        dns.set_zone(server, DOMAIN, &zone("mail.previous.example"))?;
    }
    dns.delegate(DOMAIN, &SERVERS);
    dns.start()?;
    let mut plan = Plan::new("cut-over-seen", accounts(30, 21));
    plan.has_dav = true;
    plan.more_profile = PROFILE.to_owned();
    plan.templates = vec![("en/ask.txt", ASK)];
    plan.parameters = Parameters {
        lead_times_waived: true,
        dns_server: Some(dns.resolver()),
        watch_rate: "rate(1 minute)",
        ..Parameters::default()
    };
    let world = plan.start(|_| {}).await?;
    let csv = world.csv(world.source.port());
    let order = world
        .customer
        .order_by_csv_with(&csv, &json!({ "tell_owners": true }))
        .await?;
    assert_eq!(rest(&world, &order).await?.state, "awaiting_cutover");
    let shown = look(&world, &order).await?;
    assert_eq!(shown["state"], "not_changed", "{shown:#}");
    assert_eq!(shown["records"][0]["found"], json!(["10 mail.previous.example"]));
    assert_eq!(
        shown["records"][1]["wanted"],
        json!(["v=spf1 mx include:_spf.harbour-hosting.example -all"])
    );

    // Half of the servers are not enough, however often it is asked.
    dns.set_zone(11, DOMAIN, &zone("mx.harbour-hosting.example"))?;
    for (account, seed) in world.accounts.iter().zip(9..) {
        deliver_between_passes(&world.source, account, 6, seed)?;
    }
    send(&world, Queue::Watch, &[json!({ "look": "all" })]).await?;
    quiet(&world).await?;
    assert_eq!(world.customer.status(&order).await?.state, "awaiting_cutover");

    dns.set_zone(12, DOMAIN, &zone("mx.harbour-hosting.example"))?;
    let ended = world.customer.wait_for(
        &order,
        &["completed", "completed_with_exceptions", "failed"],
        PATIENCE,
        |_| {},
    );
    assert_eq!(ended.await?.state, "completed");
    ensure_identical(&world)?;
    let shown = look(&world, &order).await?;
    assert_eq!(shown["state"], "changed", "{shown:#}");

    let again = json!({ "look": "request", "request_id": order.id });
    send(&world, Queue::Watch, &[again, json!({ "look": "all" })]).await?;
    quiet(&world).await?;
    assert_eq!(world.customer.status(&order).await?.state, "completed");
    let subjects = subjects(&world, &order).await?;
    let seen = subjects
        .iter()
        .filter(|subject| subject.contains("Your DNS change is here"));
    assert_eq!((seen.count(), subjects.len()), (1, 5), "{subjects:?}");
    the_mails_tell_what_the_profile_says(&world, &order).await?;
    owners::each_is_told_once(&world, &order).await?;
    late_mail_is_fetched_once_and_then_the_passwords_are_gone(&world, &order).await?;
    // It has all that an answer can show.
    the_running_api_is_the_described_one(&world, &order).await
}

/// The provider's own words, servers and MX stand in them, and each mailbox has its file for Apple's devices.
async fn the_mails_tell_what_the_profile_says(world: &World, order: &Order) -> Result<()> {
    let mails = world.stack.inbox().await?;
    let about = |words: &str| mails.iter().find(|mail| mail.subject.contains(words));
    let copied = about("change your DNS now").context("no mail about the first copy")?;
    let finished = about("have been moved").context("no mail about the end")?;
    for (mail, words) in [
        (copied, "10 mx.harbour-hosting.example"),
        (copied, "you need not tell us"),
        (finished, "Outgoing mail (SMTP): smtp.harbour-hosting.example"),
        (finished, "Port:                 465"),
        (finished, &format!("Call the harbour master about {}.", order.id)),
    ] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    assert!(finished.html.as_ref().is_some_and(|html| html.contains("Whom to ask")));
    let path = |row| format!("/v1/requests/{}/mailboxes/{row}/settings.mobileconfig", order.id);
    let (status, file) = world.customer.call(Method::GET, &path(2), Some(order), None).await?;
    let file = file.as_str().unwrap_or_default();
    assert_eq!(status, StatusCode::OK, "{file}");
    let mailbox = &world.accounts[0].login.user;
    assert!(
        file.contains(mailbox) && file.contains("com.apple.carddav.account"),
        "{file}"
    );
    let (status, _) = world.customer.call(Method::GET, &path(99), Some(order), None).await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    Ok(())
}

/// One pass that the customer asks for, more than once; then the one that begins by itself.
async fn late_mail_is_fetched_once_and_then_the_passwords_are_gone(world: &World, order: &Order) -> Result<()> {
    let late = LATE_FOLDERS * world.accounts.len();
    arrives_late(world)?;
    for _ in 0..3 {
        world.customer.act(order, "passes").await?;
    }
    let shown = later_looks(world, order, 1).await?;
    assert_eq!(shown["fetched"], late, "{shown}");
    assert!(
        shown["passwords_until"].is_string() && shown["next"].is_string(),
        "{shown}"
    );
    ensure_identical(world)?;

    arrives_late(world)?;
    a_day_passes(world, order).await?;
    let shown = later_looks(world, order, 2).await?;
    assert_eq!(shown, json!({ "passes": 2, "fetched": 2 * late }));
    ensure_identical(world)?;
    let path = format!("/v1/requests/{}/passes", order.id);
    let (status, answer) = world.customer.call(Method::POST, &path, Some(order), None).await?;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::CONFLICT, &json!("passwords_deleted"))
    );
    // The clock forgets to see to it.
    send(world, Queue::Watch, &[json!({ "look": "all" })]).await?;
    quiet(world).await?;
    for key in ["data_key", "due_at", "sealed_password"] {
        assert!(!whole_table(world).await?.contains(&format!("\"{key}\"")), "{key}");
    }
    let subjects = subjects(world, order).await?;
    let told = |words: &str| subjects.iter().filter(|subject| subject.contains(words)).count();
    assert_eq!(
        (told("Late mail"), told("have been moved"), subjects.len()),
        (2, 1, 7),
        "{subjects:?}"
    );
    Ok(())
}

/// The look that is to come is due now.
async fn a_day_passes(world: &World, order: &Order) -> Result<()> {
    let table = world.stack.output("TableName")?;
    let request = format!("REQ#{}", order.id);
    for (partition, sort_key, attribute) in [
        (request.as_str(), "REQUEST", "looks.due[0]"),
        ("LOOKS", request.as_str(), "due_at"),
    ] {
        let key = json!({ "PK": { "S": partition }, "SK": { "S": sort_key } }).to_string();
        let change = format!("SET {attribute} = :now");
        let values = json!({ ":now": { "N": "1" } }).to_string();
        let arguments = [
            "dynamodb",
            "update-item",
            "--table-name",
            table,
            "--key",
            &key,
            "--update-expression",
            &change,
            "--expression-attribute-values",
            &values,
        ];
        world.stack.aws(&arguments).await?;
    }
    Ok(())
}

fn arrives_late(world: &World) -> Result<()> {
    for account in &world.accounts {
        deliver_late(&world.source, &account.login, account, LATE_FOLDERS)?;
    }
    Ok(())
}

/// What is shown of the later passes when this many of them are over.
async fn later_looks(world: &World, order: &Order, passes: u64) -> Result<Value> {
    let path = format!("/v1/requests/{}", order.id);
    let begun = Instant::now();
    loop {
        let (_, answer) = world.customer.call(Method::GET, &path, Some(order), None).await?;
        if answer["state"] == "completed" && answer["later_looks"]["passes"] == passes {
            return Ok(answer["later_looks"].clone());
        }
        ensure!(begun.elapsed() < PATIENCE, "{answer}");
        send(world, Queue::Watch, &[json!({ "look": "all" })]).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The domain as the API shows it.
async fn look(world: &World, order: &Order) -> Result<Value> {
    let path = format!("/v1/requests/{}/dns", order.id);
    let begun = Instant::now();
    loop {
        let (status, answer) = world.customer.call(Method::GET, &path, Some(order), None).await?;
        ensure!(status == StatusCode::OK, "{status}: {answer}");
        let domain = answer.pointer("/domains/0").context("no domain")?.clone();
        if domain["state"] != "unknown" {
            return Ok(domain);
        }
        ensure!(begun.elapsed() < PATIENCE, "{answer}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
