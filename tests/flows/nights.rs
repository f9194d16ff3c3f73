//! A frame that has no room, one that is over for the night, and a night that nobody wakes.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mailvan_local::customer::Order;
use mailvan_local::proxy::{Network, Proxy};
use mailvan_local::samples::small;
use mailvan_local::stack::Queue;
use mailvan_local::world::{Plan, World};
use mailvan_tests::{PATIENCE, ensure_identical, quiet, rest, send, subjects};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// In which the copying would be done, were it not interrupted.
const COPYING: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_night_interrupts_goes_on_with_the_next_one_though_its_schedule_was_lost() -> Result<()> {
    let account = small("night@harbour.example", "Poller-9", 300, 7);
    let bandwidth = account.size_bytes() / COPYING;
    let mut plan = Plan::new("nights", vec![account]);
    plan.limits = "lanes = 1\nchunk_messages = 10".to_owned();
    let world = plan.start(|_| {}).await?;
    let slow = Network {
        bandwidth: Some(u64::try_from(bandwidth)?),
        ..Network::default()
    };
    let line = Proxy::start(world.source.address(), slow)?;

    // How much there is is known after the check only: then the frame turns out to be too short.
    let csv = world.csv(line.port());
    let wanted = json!({
        "contact_email": "customer@example.org", "csv_bytes": csv.len(),
        "window": { "start": time("now")?, "end": time("+55 seconds")?, "time_zone": "Europe/Berlin" },
    });
    let order = world.customer.order(&wanted).await?;
    world
        .customer
        .upload(order.upload.as_ref().context("no upload")?, &csv)
        .await?;
    assert_eq!(rest(&world, &order).await?.state, "needs_attention");
    let status = status(&world, &order).await?;
    assert_eq!(status["error"]["code"], "frame_too_short", "{status:#}");
    let next = status["next"].as_str().unwrap_or_default();
    assert!(next.starts_with("The time frame has no room"), "{next}");
    let path = format!("/v1/requests/{}/window", order.id);
    let body =
        json!({ "window": { "start": time("now")?, "end": time("+50 seconds")?, "time_zone": "Europe/Berlin" } });
    let (refused, answer) = world
        .customer
        .call(Method::POST, &path, Some(&order), Some(&body))
        .await?;
    assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(answer["code"], "no_room", "{answer}");
    world.customer.act(&order, "proceed").await?;

    // The frame ends while it is copied: what has begun is ended, and the rest waits.
    let copying = |status: &Value| status["mailboxes"][0]["messages_copied"].as_u64() > Some(0);
    until(&world, &order, copying).await?;
    let ended = json!({ ":end": { "S": time("now")? } });
    change(&world, &order, "SET #window.#end = :end", &ended).await?;
    let paused = until(&world, &order, |status| status["window"]["paused_until"].is_string()).await?;
    quiet(&world).await?;
    let copied = |status: &Value| status["mailboxes"][0]["messages_copied"].as_u64().unwrap_or_default();
    let resting = self::status(&world, &order).await?;
    assert_eq!(resting["state"], "first_pass", "{resting:#}");
    assert!(copied(&resting) < 300, "{resting:#}");
    let next = paused["next"].as_str().unwrap_or_default();
    assert!(next.starts_with("The time frame is over for now"), "{next}");
    let group = world.stack.output("ScheduleGroupName")?;
    let listed = ["scheduler", "list-schedules", "--group-name", group];
    let listed = world.stack.aws(&listed).await?.to_string();
    assert!(listed.contains(&format!("first-{}-", order.id)), "{listed}");
    assert!(reserved(&world, &order).await?, "nothing is promised to it");

    // The next night has begun, and nobody has woken it: the clock's own look does.
    let night = json!({
        ":start": { "S": time("-11 minutes")? }, ":end": { "S": time("+20 minutes")? }, ":since": { "S": time("-1 day")? },
    });
    let expression = "SET #window.#start = :start, #window.#end = :end, state_since = :since REMOVE looked_after";
    change(&world, &order, expression, &night).await?;
    assert_eq!(copied(&self::status(&world, &order).await?), copied(&resting));
    one_that_cannot_be_read_comes_first(&world).await?;
    send(&world, Queue::Clock, &[json!({ "look": "all" })]).await?;
    assert_eq!(rest(&world, &order).await?.state, "awaiting_cutover");
    ensure_identical(&world)?;
    quiet(&world).await?;
    let told = subjects(&world, &order).await?;
    let started = told.iter().filter(|subject| subject.contains("has begun"));
    assert_eq!(started.count(), 1, "{told:?}");
    assert!(!reserved(&world, &order).await?, "its room was not given back");

    // Nobody changes the DNS, and nobody comes back.
    let past = json!({ ":since": { "S": time("-2 days")? }, ":past": { "N": "1700000000" } });
    change(
        &world,
        &order,
        "SET state_since = :since, expires_at = :past REMOVE #window",
        &past,
    )
    .await?;
    send(&world, Queue::Clock, &[json!({ "look": "all" })]).await?;
    let ended = until(&world, &order, |status| status["state"] == "cancelled").await?;
    assert_eq!(
        (&ended["state"], &ended["error"]["code"]),
        (&json!("cancelled"), &json!("forgotten")),
        "{ended:#}"
    );
    let log = std::fs::read_to_string(world.emulator.log())?;
    assert!(log.contains("\"LateStarts\":1"), "nobody was told");
    for metric in ["ClockTicks", "ClockFaults"] {
        assert!(log.contains(&format!("\"{metric}\":1")), "{metric} was not counted");
    }
    Ok(())
}

/// A request that is scheduled for long, with nothing else in it.
async fn one_that_cannot_be_read_comes_first(world: &World) -> Result<()> {
    let id = "0".repeat(26);
    let text = |text: &str| json!({ "S": text });
    let item = json!({
        "PK": text(&format!("REQ#{id}")), "SK": text("REQUEST"), "request_id": text(&id),
        "entity_state": text("request#scheduled"), "state_since": text("2026-01-01T00:00:00Z"),
    });
    world.stack.put_item(&item).await
}

/// The status, whole.
async fn status(world: &World, order: &Order) -> Result<Value> {
    let path = format!("/v1/requests/{}", order.id);
    let (_, status) = world.customer.call(Method::GET, &path, Some(order), None).await?;
    Ok(status)
}

/// Waits until the status is as wanted.
async fn until(world: &World, order: &Order, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let status = status(world, order).await?;
        if is_wanted(&status) {
            return Ok(status);
        }
        ensure!(begun.elapsed() < PATIENCE, "{status:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Changes the request in the table: a night is longer than a test.
async fn change(world: &World, order: &Order, expression: &str, values: &Value) -> Result<()> {
    let key = json!({ "PK": { "S": format!("REQ#{}", order.id) }, "SK": { "S": "REQUEST" } }).to_string();
    let names = [("#window", "window"), ("#start", "start"), ("#end", "end")];
    let names = names.into_iter().filter(|(name, _)| expression.contains(name));
    let names = names
        .map(|(name, own)| (name, json!(own)))
        .collect::<Value>()
        .to_string();
    let values = values.to_string();
    let update = [
        "dynamodb",
        "update-item",
        "--table-name",
        world.stack.output("TableName")?,
        "--key",
        &key,
    ];
    let set = [
        "--update-expression",
        expression,
        "--expression-attribute-names",
        &names,
        "--expression-attribute-values",
        &values,
    ];
    world.stack.aws(&[&update[..], &set[..]].concat()).await.map(drop)
}

/// Whether room is promised to a request.
async fn reserved(world: &World, order: &Order) -> Result<bool> {
    let key = json!({ "PK": { "S": "RESERVATIONS" }, "SK": { "S": format!("REQ#{}", order.id) } }).to_string();
    let get = [
        "dynamodb",
        "get-item",
        "--table-name",
        world.stack.output("TableName")?,
        "--key",
        &key,
    ];
    let item = world.stack.aws(&get).await?;
    let spans = item["Item"]["spans"]["L"]
        .as_array()
        .context("nothing was ever promised")?;
    Ok(!spans.is_empty())
}

/// A time so far from now.
fn time(from_now: &str) -> Result<String> {
    let output = Command::new("date").args(["-u", "-d", from_now, "+%FT%TZ"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
