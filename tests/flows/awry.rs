//! What goes wrong for customers, and what they are told.

use anyhow::Result;
use mailvan_local::customer::{Customer, Order, Status};
use mailvan_local::samples::small;
use mailvan_local::stack::Queue;
use mailvan_local::world::{Plan, SUPPORT, World, permit_for};
use mailvan_tests::{
    cut_over, ensure_identical, nothing_secret_is_told, quiet, rest, send_to, subjects, subjects_to, whole_table,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{returned, staff};

fn states_of_checks(status: &Status) -> Vec<&str> {
    let checks = status.mailboxes.iter().map(|mailbox| mailbox.check["state"].as_str());
    checks.map(Option::unwrap_or_default).collect()
}

/// Waits until every mailbox has been looked at, and the request waits for the customer.
async fn checked(world: &World, order: &Order) -> Result<Status> {
    let begun = std::time::Instant::now();
    loop {
        let status = rest(world, order).await?;
        let is_open = |state: &&str| ["waiting", "running"].contains(state);
        let open = states_of_checks(&status).iter().filter(|state| is_open(state)).count();
        if !status.mailboxes.is_empty() && open == 0 {
            assert_eq!(status.state, "needs_attention", "{status:?}");
            return Ok(status);
        }
        assert!(begun.elapsed() < mailvan_tests::PATIENCE, "{status:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Gives a row the right password.
async fn mend(world: &World, order: &Order, row: u32) -> Result<()> {
    let path = format!("/v1/requests/{}/mailboxes/{row}", order.id);
    let body = json!({ "password": "Poller-9" });
    let (status, answer) = world
        .customer
        .call(Method::PATCH, &path, Some(order), Some(&body))
        .await?;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    Ok(())
}

/// Without the provider's permit nobody orders, and with one for its own mailboxes only.
async fn nobody_orders_without_a_permit(customer: &Customer) -> Result<()> {
    let mailbox = |to: &str| json!({ "email": "one@harbour.example", "password": "Poller-9", "source_host": "127.0.0.1", "destination_email": to });
    let form = |to: &str| json!({ "contact_email": "customer@example.org", "mailboxes": [mailbox(to)] });
    for permit in ["", "guessed.permit"] {
        let (status, answer) = customer.order_by_permit(permit, &form("one@harbour.example")).await?;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::FORBIDDEN, &json!("permit_required")),
            "{answer}"
        );
    }
    let permit = permit_for(&["one@harbour.example".to_owned()], Some("4711"));
    for foreign in ["two@harbour.example", "one@elsewhere.example"] {
        let (_, answer) = customer.order_by_permit(&permit, &form(foreign)).await?;
        let codes = (&answer["code"], &answer["rows_refused"][0]["code"]);
        assert_eq!(codes, (&json!("invalid_request"), &json!("not_permitted")), "{answer}");
    }
    let mut another = form("one@harbour.example");
    another["ticket"] = json!("4712");
    let (_, answer) = customer.order_by_permit(&permit, &another).await?;
    assert_eq!(answer["faults"][0]["code"], "another_ticket", "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_and_the_good_mailboxes_go_on() -> Result<()> {
    let accounts = ["one", "two", "three"].map(|name| small(&format!("{name}@harbour.example"), "Poller-9", 40, 5));
    let world = Plan::new("awry", accounts.to_vec()).start(|_| {}).await?;
    let port = world.source.port();
    let customer = &world.customer;

    nobody_orders_without_a_permit(customer).await?;

    // Faulty rows hold the others back; all faults are told at once, and no password is.
    let faulty = format!(
        "email,password,source_host,port,security\none@harbour.example,Poller-9,127.0.0.1,{port},none\nnobody,Poller-9,,99999,maybe\none@elsewhere.example,Poller-9,127.0.0.1,{port},none\n"
    );
    let order = customer.order_by_csv(&faulty).await?;
    let status = rest(&world, &order).await?;
    assert_eq!(status.state, "needs_attention", "{status:?}");
    let rows = status.rows_refused.iter().map(|fault| fault["row"].as_u64());
    assert!(rows.eq([3, 3, 3, 4].map(Some)), "{:?}", status.rows_refused);
    let last = &status.rows_refused[3];
    assert_eq!(last["code"], "not_permitted", "{last}");

    // A corrected file takes its place; two of three passwords are wrong, which is found before anything starts.
    let csv = world
        .csv(port)
        .replace("two@harbour.example,\"Poller-9\"", "two@harbour.example,\"wrong\"")
        .replace("three@harbour.example,\"Poller-9\"", "three@harbour.example,\"wrong\"");
    let path = format!("/v1/requests/{}/upload", order.id);
    let (_, answer) = customer
        .call(
            Method::POST,
            &path,
            Some(&order),
            Some(&json!({ "csv_bytes": csv.len() })),
        )
        .await?;
    customer
        .upload(&serde_json::from_value(answer["upload"].clone())?, &csv)
        .await?;
    let status = checked(&world, &order).await?;
    assert_eq!(states_of_checks(&status), ["passed", "failed", "failed"], "{status:?}");
    let check = &status.mailboxes[1].check;
    assert_eq!(check["fault"]["code"], "source_wrong_password", "{check}");
    assert!(!check.to_string().contains("wrong\""), "{check}");
    assert_eq!(status.mailboxes[0].check["messages"], 40, "{status:?}");

    // One row is mended, and checked again; the customer goes on without the other.
    mend(&world, &order, status.mailboxes[2].row).await?;
    let status = checked(&world, &order).await?;
    assert_eq!(states_of_checks(&status), ["passed", "failed", "passed"], "{status:?}");
    customer.act(&order, "proceed").await?;
    let status = customer
        .wait_for(&order, &["awaiting_cutover"], mailvan_tests::PATIENCE, |_| {})
        .await?;
    let failed: Vec<_> = status
        .mailboxes
        .iter()
        .filter(|mailbox| mailbox.state == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{status:?}");
    assert_eq!(failed[0].email, "two@harbour.example");
    let error = failed[0].error.clone().unwrap_or_default();
    assert_eq!(error["code"], "source_wrong_password", "{error}");

    // Mended by the cut-over, it is copied in the final pass.
    mend(&world, &order, failed[0].row).await?;
    let status = cut_over(&world, &order).await?;
    assert_eq!(status.state, "completed", "{status:?}");
    ensure_identical(&world)?;
    let told = subjects(&world, &order).await?;
    assert_eq!(told.len(), 7, "{told:?}");

    // Said twice with the same key it is one order, and another order under that key is refused.
    let order_again = json!({ "contact_email": "customer@example.org", "csv_bytes": 9 });
    let (_, first) = customer
        .order_by_key("0b9a6c9e-6f0e-4b0e-9b57-3f5f7d2f6a11", &order_again)
        .await?;
    let (again_status, again) = customer
        .order_by_key("0b9a6c9e-6f0e-4b0e-9b57-3f5f7d2f6a11", &order_again)
        .await?;
    assert_eq!(
        (again_status, &again["id"], &again["token"]),
        (StatusCode::CREATED, &first["id"], &first["token"])
    );
    let other = json!({ "contact_email": "customer@example.org", "csv_bytes": 10 });
    let (other_status, other) = customer
        .order_by_key("0b9a6c9e-6f0e-4b0e-9b57-3f5f7d2f6a11", &other)
        .await?;
    assert_eq!(
        (other_status, &other["code"]),
        (StatusCode::CONFLICT, &json!("idempotency_key_reused"))
    );

    // Somebody else's token opens nothing, and looks like no request at all.
    let mut foreign = customer.order_by_csv(&csv).await?;
    foreign.id.clone_from(&order.id);
    let (foreign_status, foreign_answer) = customer
        .call(Method::GET, &format!("/v1/requests/{}", order.id), Some(&foreign), None)
        .await?;
    foreign.id = "0".repeat(26);
    let (unknown_status, unknown_answer) = customer
        .call(
            Method::GET,
            &format!("/v1/requests/{}", foreign.id),
            Some(&foreign),
            None,
        )
        .await?;
    assert_eq!(
        (foreign_status, unknown_status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(foreign_answer["detail"], unknown_answer["detail"]);
    nothing_secret_is_told(&world, &[&order]).await?;
    staff::a_new_token_voids_the_old_one(&world, &order).await
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_frame_starts_by_itself_and_a_cancelled_one_does_not() -> Result<()> {
    let account = small("pier@harbour.example", "Poller-9", 30, 6);
    let world = Plan::new("frames", vec![account]).start(|_| {}).await?;
    let order = json!({
        "contact_email": "customer@example.org",
        "window": { "start": date("+30 days")?, "end": date("+31 days")?, "time_zone": "Europe/Berlin" },
        "mailboxes": [{ "email": "pier@harbour.example", "password": "Poller-9", "source_host": "127.0.0.1", "port": world.source.port(), "security": "none" }],
    });
    // A hundred mailboxes have no room in a minute; the next frame is longer.
    let source = &order["mailboxes"][0];
    let mailboxes: Vec<serde_json::Value> = (0..100)
        .map(|n| {
            let mut mailbox = source.clone();
            mailbox["email"] = json!(format!("pier{n}@harbour.example"));
            mailbox
        })
        .collect();
    let crowd = json!({
        "contact_email": "customer@example.org",
        "window": { "start": order["window"]["start"], "end": date("+30 days +30 seconds")?, "time_zone": "Europe/Berlin" },
        "mailboxes": mailboxes,
    });
    let (status, answer) = world.customer.order_by_permit(&world.permit, &crowd).await?;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("no_room")),
        "{answer}"
    );
    assert!(answer["next_window"]["end"].is_string(), "{answer}");
    let kept = world.customer.order(&order).await?;
    let cancelled = world.customer.order(&order).await?;
    for order in [&kept, &cancelled] {
        world
            .customer
            .wait_for(order, &["scheduled"], mailvan_tests::PATIENCE, |_| {})
            .await?;
    }
    changed_mailbox_is_found_before_the_start(&world, &cancelled, &kept).await?;
    returned::mail_that_came_back_is_noted(&world, &cancelled).await?;
    world.customer.act(&cancelled, "cancel").await?;
    // Another frame has another schedule, and the one before is forgotten.
    let start = date("+75 seconds")?;
    let window = json!({ "window": { "start": start, "time_zone": "Europe/Berlin" } });
    let path = format!("/v1/requests/{}/window", kept.id);
    let (status, answer) = world
        .customer
        .call(Method::POST, &path, Some(&kept), Some(&window))
        .await?;
    assert_eq!(
        (status, &answer["state"]),
        (StatusCode::OK, &json!("scheduled")),
        "{answer}"
    );
    log_in_as(&world, &kept, "nobody@harbour.example").await?;
    quiet(&world).await?;
    let seconds = std::process::Command::new("date")
        .args(["-d", &start, "+%s"])
        .output()?;
    let expected = format!("first-{}-{}", kept.id, String::from_utf8(seconds.stdout)?.trim());
    assert_eq!(starts(&world).await?, [expected]);
    assert_eq!(looks(&world).await?, Vec::<String>::new());

    nothing_copied_is_begun_again(&world, &kept).await?;
    assert_eq!(cut_over(&world, &kept).await?.state, "completed");
    assert_eq!(starts(&world).await?, Vec::<String>::new());
    let (status, answer) = world
        .customer
        .call(Method::POST, &path, Some(&kept), Some(&window))
        .await?;
    assert_eq!(
        (status, &answer["state"]),
        (StatusCode::CONFLICT, &json!("completed")),
        "{answer}"
    );
    assert_eq!(world.customer.status(&cancelled).await?.state, "cancelled");
    returned::nobody_is_written_to_until_the_address_is_another(&world, &cancelled).await?;

    // A message that nobody could handle ends in the table, with its reason, and the customer is told.
    let stuck = json!({ "contact_email": "customer@example.org", "csv_bytes": 100 });
    let stuck = world.customer.order(&stuck).await?;
    let letter = json!({ "request_id": stuck.id, "generation": 1 });
    send_to(&world, world.stack.dead_letter_queue_url(Queue::Ingest)?, &[letter]).await?;
    world
        .customer
        .wait_for(&stuck, &["failed"], mailvan_tests::PATIENCE, |_| {})
        .await?;
    quiet(&world).await?;
    assert_eq!(subjects(&world, &stuck).await?.len(), 1);
    let told = subjects_to(&world, &stuck, SUPPORT).await?;
    assert_eq!(told.len(), 1, "staff are told once: {told:?}");
    // So does what no ticket system took.
    let letter = json!({ "request_id": stuck.id, "tell": { "about": "failed" }, "system": "whmcs", "tries": 100 });
    send_to(&world, world.stack.dead_letter_queue_url(Queue::Ticket)?, &[letter]).await?;
    let begun = std::time::Instant::now();
    while !whole_table(&world).await?.contains("whmcs_given_up_at") {
        assert!(begun.elapsed() < mailvan_tests::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(())
}

/// The password was right when it was looked at, and is not when the copying begins.
async fn nothing_copied_is_begun_again(world: &World, order: &Order) -> Result<()> {
    let status = rest(world, order).await?;
    assert_eq!(status.state, "needs_attention", "{status:?}");
    let error = status.mailboxes[0].error.clone().unwrap_or_default();
    assert_eq!(
        (status.mailboxes[0].state.as_str(), &error["code"]),
        ("failed", &json!("source_login_refused")),
        "{error}"
    );
    quiet(world).await?;
    let told = subjects(world, order).await?;
    assert!(
        told.iter().any(|subject| subject.contains("could not be copied yet")),
        "{told:?}"
    );
    let path = format!("/v1/requests/{}/mailboxes/1", order.id);
    let right = json!({ "username": "pier@harbour.example" });
    let (status, answer) = world
        .customer
        .call(Method::PATCH, &path, Some(order), Some(&right))
        .await?;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let status = rest(world, order).await?;
    assert_eq!(status.state, "awaiting_cutover", "{status:?}");
    Ok(())
}

/// Has the mailbox opened at the previous provider by another name.
async fn log_in_as(world: &World, order: &Order, user: &str) -> Result<()> {
    let table = world.stack.output("TableName")?;
    let key = json!({ "PK": { "S": format!("REQ#{}", order.id) }, "SK": { "S": "JOB#0#00001" } }).to_string();
    let other = json!({ ":other": { "S": user } }).to_string();
    let update = ["dynamodb", "update-item", "--table-name", table, "--key", &key];
    let set = [
        "--update-expression",
        "SET source_user = :other",
        "--expression-attribute-values",
        &other,
    ];
    world.stack.aws(&[&update[..], &set[..]].concat()).await?;
    Ok(())
}

/// Hours before the start all are looked at once more; what has changed since is told.
async fn changed_mailbox_is_found_before_the_start(world: &World, changed: &Order, kept: &Order) -> Result<()> {
    assert_eq!((starts(world).await?.len(), looks(world).await?.len()), (2, 2));
    log_in_as(world, changed, "nobody@harbour.example").await?;
    for order in [changed, kept] {
        let scheduled = looks(world).await?;
        let name = scheduled.iter().find(|name| name.contains(&order.id));
        let start = name
            .and_then(|name| name.rsplit('-').next())
            .and_then(|start| start.parse::<i64>().ok());
        let look = json!({ "request_id": order.id, "look_again": start });
        send_to(world, world.stack.queue_url(Queue::Start)?, &[look]).await?;
    }
    let begun = std::time::Instant::now();
    while states_of_checks(&world.customer.status(changed).await?) != ["failed"] {
        assert!(begun.elapsed() < mailvan_tests::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    quiet(world).await?;
    let rows = whole_table(world).await?;
    assert_eq!(rows.matches("NOTICE#found_again_").count(), 1, "{rows}");
    assert_eq!(states_of_checks(&world.customer.status(kept).await?), ["passed"]);
    Ok(())
}

/// A time so far from now.
fn date(from_now: &str) -> Result<String> {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", from_now, "+%FT%TZ"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The schedules of passes.
async fn starts(world: &World) -> Result<Vec<String>> {
    schedules(world, "first-").await
}

/// The schedules of the looks before them.
async fn looks(world: &World) -> Result<Vec<String>> {
    schedules(world, "look-").await
}

/// The schedules whose name begins so; the clock that has the DNS looked at is in the same group.
async fn schedules(world: &World, kind: &str) -> Result<Vec<String>> {
    let group = world.stack.output("ScheduleGroupName")?;
    let arguments = ["scheduler", "list-schedules", "--group-name", group];
    let listed = world.stack.aws(&arguments).await?;
    let names = listed["Schedules"].as_array().into_iter().flatten();
    let names = names.filter_map(|schedule| schedule["Name"].as_str());
    Ok(names.filter(|name| name.starts_with(kind)).map(str::to_owned).collect())
}
