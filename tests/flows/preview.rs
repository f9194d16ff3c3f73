//! What the first pass would do, asked before it begins.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use mailvan_local::dovecot::Login;
use mailvan_local::imap_client::{ImapClient, encode_folder_name};
use mailvan_local::samples::small;
use mailvan_local::world::{Plan, World};
use mailvan_tests::{PATIENCE, quiet, rest, whole_table};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_the_first_pass_then_does() -> Result<()> {
    let accounts = ["one", "two"].map(|name| small(&format!("{name}@harbour.example"), "Poller-9", 40, 5));
    let world = Plan::new("preview", accounts.to_vec()).start(|_| {}).await?;
    let customer = &world.customer;
    let port = world.source.port();
    let csv = format!(
        "email,password,source_host,port,security\none@harbour.example,Poller-9,127.0.0.1,{port},none\n\
         two@harbour.example,wrong,127.0.0.1,{port},none\nnobody,Poller-9,,,\n"
    );
    let options = json!({ "exclude": ["**/offen"], "repair": true });
    let body = json!({ "contact_email": "customer@example.org", "csv_bytes": csv.len(), "options": options });
    let order = customer.order(&body).await?;
    customer
        .upload(order.upload.as_ref().context("no upload")?, &csv)
        .await?;
    assert_eq!(rest(&world, &order).await?.state, "needs_attention");

    let path = format!("/v1/requests/{}/preview", order.id);
    let none = customer.call(Method::GET, &path, Some(&order), None).await?;
    assert_eq!((none.0, &none.1["code"]), (StatusCode::NOT_FOUND, &json!("no_preview")));
    let before = listed(&world)?;
    let (status, asked) = customer.call(Method::POST, &path, Some(&order), None).await?;
    assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
    assert_eq!(asked["mailboxes"][0]["state"], "pending");
    let soon = customer.call(Method::POST, &path, Some(&order), None).await?;
    assert_eq!(
        (soon.0, &soon.1["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("preview_too_soon"))
    );
    quiet(&world).await?;
    let (status, shown) = customer.call(Method::GET, &path, Some(&order), None).await?;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["mailboxes"][0]["state"], "ready", "{shown}");
    assert_eq!(
        shown["mailboxes"][1]["error"]["code"], "source_login_refused",
        "{shown}"
    );
    assert_eq!(listed(&world)?, before);
    let status = customer.status(&order).await?;
    assert_eq!(status.state, "needs_attention");
    assert!(
        status.mailboxes.iter().all(|mailbox| mailbox.state == "waiting"),
        "{status:?}"
    );

    customer.act(&order, "proceed").await?;
    let wanted = ["awaiting_cutover"];
    customer.wait_for(&order, &wanted, PATIENCE, |_| {}).await?;
    assert_eq!(previewed(&shown, &world), copied(&world).await?);
    let late = customer.call(Method::POST, &path, Some(&order), None).await?;
    assert_eq!(
        (late.0, &late.1["code"]),
        (StatusCode::CONFLICT, &json!("not_previewable"))
    );
    Ok(())
}

/// What is in the folders of the account on both sides, and which are subscribed to.
fn listed(world: &World) -> Result<BTreeSet<String>> {
    let login = &world.accounts.first().context("no account")?.login;
    let here = Login::new(&login.user, "known to nobody");
    let mut seen = BTreeSet::new();
    for (server, login) in [(&world.source, login), (&world.destination, &here)] {
        let mut client = ImapClient::connect(server.address(), login)?;
        let status = "LIST \"\" \"*\" RETURN (STATUS (MESSAGES RECENT UIDNEXT HIGHESTMODSEQ))";
        let mut lines = client.command(status)?;
        lines.retain(|line| line.starts_with(b"* STATUS"));
        lines.extend(client.command("LSUB \"\" \"*\"")?);
        seen.extend(lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()));
    }
    Ok(seen)
}

/// Where the preview says that folders go, by their names on the wire.
fn previewed(shown: &Value, world: &World) -> BTreeMap<String, String> {
    let folders = shown["mailboxes"][0]["folders"].as_array().cloned().unwrap_or_default();
    let copied = folders.iter().filter(|folder| folder["excluded"] != json!(true));
    let place = |folder: &Value| {
        let destination = folder["destination"].as_str().unwrap_or_default();
        let name = world
            .destination
            .layout()
            .name(&destination.split('/').collect::<Vec<_>>());
        (text(&folder["source"]), encode_folder_name(&name))
    };
    copied.map(place).collect()
}

/// Where the job table says that folders went.
async fn copied(world: &World) -> Result<BTreeMap<String, String>> {
    let table: Value = serde_json::from_str(&whole_table(world).await?)?;
    let items = table["Items"].as_array().context("no items")?;
    let folders = items
        .iter()
        .filter(|item| text(&item["SK"]["S"]).starts_with("FOLDER#"));
    let place = |folder: &Value| (text(&folder["title"]["S"]), text(&folder["destination_name"]["S"]));
    Ok(folders.map(place).collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
