//! Servers that can do little, and lines that break.

use anyhow::Result;
use mailvan_local::dovecot::{Layout, Login, Options};
use mailvan_local::imap_client::{ImapClient, encode_folder_name};
use mailvan_local::proxy::{Cut, Direction, Ending, Network, Proxy};
use mailvan_local::samples::{deliver_between_passes, office, small};
use mailvan_local::world::{Plan, World};
use mailvan_tests::{comparison_of, cut_over, ensure_identical, rest};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn poor_servers_and_a_line_that_breaks_lose_and_double_nothing() -> Result<()> {
    let hidden = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let mut plan = Plan::new("poor", vec![office(200, 8)]);
    plan.source = Options {
        layout: Layout::german().with_separator('.', "INBOX."),
        hidden_capabilities: hidden(&["LIST-EXTENDED", "SPECIAL-USE", "SASL-IR", "LIST-STATUS"]),
        ..Options::new("poor-source")
    };
    plan.destination = Options {
        hidden_capabilities: hidden(&[
            "MULTIAPPEND",
            "LITERAL+",
            "UIDPLUS",
            "SPECIAL-USE",
            "LIST-EXTENDED",
            "SASL-IR",
        ]),
        ..Options::new("poor-destination")
    };
    plan.limits = "lanes = 2\nbatch_messages = 50".to_owned();
    let world = plan.start(|_| {}).await?;
    // The line breaks once, in the middle of the bodies, as if the source had nothing more to say.
    let cut = Cut {
        after_bytes: 600_000,
        direction: Direction::ToClient,
        ending: Ending::Close,
        each: false,
    };
    let proxy = Proxy::start(
        world.source.address(),
        Network {
            cut: Some(cut),
            ..Network::default()
        },
    )?;
    let order = world.customer.order_by_csv(&world.csv(proxy.port())).await?;
    let status = rest(&world, &order).await?;
    assert_eq!(status.state, "awaiting_cutover", "{status:?}");
    assert_eq!(
        proxy.counters().cut,
        1,
        "the line did not break: the test shows nothing"
    );
    ensure_identical(&world)?;
    deliver_between_passes(&world.source, &world.accounts[0], 5, 3)?;
    let status = cut_over(&world, &order).await?;
    assert_eq!(status.state, "completed", "{status:?}");
    ensure_identical(&world)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_for_one_mailbox_and_folders_that_go_away_double_and_lose_nothing() -> Result<()> {
    let account = small("quay@harbour.example", "Poller-9", 300, 12);
    let mut plan = Plan::new("twice", vec![account]);
    plan.source.compression = true;
    let world = plan.start(|_| {}).await?;
    let proxy = Proxy::start(world.source.address(), Network::default())?;
    let csv = world.csv(proxy.port());
    server_was_slow(&world).await?;
    let order = world.customer.order_by_csv(&csv).await?;
    let again = world.customer.order_by_csv(&csv).await?;
    for order in [&order, &again] {
        assert_eq!(rest(&world, order).await?.state, "awaiting_cutover");
    }
    ensure_identical(&world)?;
    let bytes = world.customer.status(&order).await?.mailboxes[0].check["bytes"].as_u64();
    let crossed = proxy.counters().bytes_to_client;
    assert!(
        bytes.is_some_and(|bytes| crossed < bytes / 4 * 3),
        "{crossed} bytes crossed the slow line, of {bytes:?} of mail"
    );
    world.customer.act(&again, "cancel").await?;

    // The user tidies up on both sides, and new mail arrives.
    let login = world.accounts[0].login.clone();
    let mut there = ImapClient::connect(world.source.address(), &login)?;
    let deleted = encode_folder_name(&world.source.layout().name(&["Aufträge", "offen"]));
    there.command(&format!("DELETE \"{deleted}\""))?;
    let removed = encode_folder_name(&world.destination.layout().name(&["Aufträge", "erledigt"]));
    deliver_between_passes(&world.source, &world.accounts[0], 4, 5)?;
    // A third request copies the new mail before the first one's final pass comes to it.
    let third = world.customer.order_by_csv(&csv).await?;
    assert_eq!(rest(&world, &third).await?.state, "awaiting_cutover");
    let mut here = ImapClient::connect(world.destination.address(), &Login::new(&login.user, "known to nobody"))?;
    here.command(&format!("DELETE \"{removed}\""))?;

    let status = cut_over(&world, &order).await?;
    assert_eq!(status.state, "completed", "{status:?}");
    let comparison = comparison_of(&world, &login.user)?.expect("the account is compared");
    for difference in &comparison.differences {
        let told = difference.to_string();
        assert!(told.contains("offen") || told.contains("erledigt"), "{comparison}");
    }
    assert_eq!(comparison.differences.len(), 2, "{comparison}");
    Ok(())
}

/// Has the service remember that connections to the source were slow, so that it tries whether compressed ones are faster.
async fn server_was_slow(world: &World) -> Result<()> {
    let sample =
        json!({ "M": { "messages": { "N": "100" }, "bytes": { "N": "10000000" }, "millis": { "N": "10000" } } });
    let item = json!({
        "PK": { "S": "HOST#127.0.0.1" },
        "SK": { "S": "SPEED" },
        "measured": { "N": "3" },
        "samples": { "L": [&sample, &sample, &sample] },
    });
    world.stack.put_item(&item).await
}
