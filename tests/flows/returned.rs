//! Notices that come back.
//!
//! The emulator's SES tells nothing and its bus takes no event in the name of AWS, so events are held against the rule, and
//! put where the rule would put them.

use anyhow::Result;
use mailvan_local::customer::Order;
use mailvan_local::stack::Queue;
use mailvan_local::world::World;
use mailvan_tests::{quiet, send_to, subjects, whole_table};
use reqwest::Method;
use serde_json::{Value, json};

use crate::staff;

/// What staff set instead of the customer's address.
const OTHER: &str = "other@example.org";

/// What SES tells of the mail about a scheduled start, `second` seconds after it was sent.
fn event(set: &str, order: &Order, second: u32, kind: &str, part: &Value) -> Value {
    let name = if kind == "bounce" {
        ("Email Bounced", "Bounce")
    } else {
        ("Email Delivered", "Delivery")
    };
    let mut event = json!({
        "version": "0", "id": "4b4a8d2f-6c1e-4a3b-9d5e-0c1b2a3f4e5d", "detail-type": name.0, "source": "aws.ses",
        "account": "123456789012", "time": "2026-11-25T21:00:05Z", "region": "eu-west-1", "resources": [],
        "detail": {
            "eventType": name.1,
            "mail": {
                "timestamp": "2026-11-25T21:00:00.000Z", "messageId": "0102018f-example-000000", "destination": ["customer@example.org"],
                "tags": { "ses:configuration-set": [set], "request": [order.id], "notice": ["scheduled"] },
            },
        },
    });
    event["detail"][kind] = part.clone();
    event["detail"][kind]["timestamp"] = json!(format!("2026-11-25T21:00:{second:02}.123Z"));
    event
}

fn bounce(sort: &str) -> Value {
    json!({
        "feedbackId": "0102", "bounceType": "Permanent", "bounceSubType": sort,
        "bouncedRecipients": [{ "emailAddress": "customer@example.org", "action": "failed", "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown" }],
    })
}

async fn wait_for_trouble(world: &World, order: &Order, expected: &Value) -> Result<()> {
    let path = format!("/v1/requests/{}", order.id);
    let begun = std::time::Instant::now();
    loop {
        let (_, status) = world.customer.call(Method::GET, &path, Some(order), None).await?;
        if status["contact_trouble"]["kind"] == *expected {
            return Ok(());
        }
        assert!(begun.elapsed() < mailvan_tests::PATIENCE, "{status:#}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// What became of a mail is noted at its request, until a later one arrives.
pub async fn mail_that_came_back_is_noted(world: &World, order: &Order) -> Result<()> {
    let rules = world.stack.aws(&["events", "list-rules"]).await?;
    let pattern = rules["Rules"][0]["EventPattern"].as_str().unwrap_or_default();
    let set = format!("{}-notices", world.stack.name());
    let delivery = json!({ "recipients": ["customer@example.org"], "smtpResponse": "250 ok" });
    for (set, matches) in [(set.as_str(), true), ("another", false)] {
        for (kind, part) in [("bounce", &bounce("General")), ("delivery", &delivery)] {
            let event = event(set, order, 4, kind, part).to_string();
            let test = [
                "events",
                "test-event-pattern",
                "--event-pattern",
                pattern,
                "--event",
                &event,
            ];
            assert_eq!(world.stack.aws(&test).await?["Result"], matches, "{pattern}");
        }
    }
    let queue = world.stack.queue_url(Queue::Bounce)?;
    let general = event(&set, order, 4, "bounce", &bounce("General"));
    // It comes twice, as it may.
    send_to(world, queue, &[general.clone(), general.clone()]).await?;
    wait_for_trouble(world, order, &json!("bounced")).await?;
    let arrived = event(&set, order, 20, "delivery", &delivery);
    send_to(world, queue, &[arrived]).await?;
    wait_for_trouble(world, order, &Value::Null).await?;
    // What was before counts no more.
    let nobody = event(&set, order, 40, "bounce", &bounce("NoEmail"));
    send_to(world, queue, &[general]).await?;
    quiet(world).await?;
    wait_for_trouble(world, order, &Value::Null).await?;
    send_to(world, queue, &[nobody]).await?;
    wait_for_trouble(world, order, &json!("unreachable")).await
}

/// Nobody reads what is sent there; staff see what was not sent, set another address and have it sent.
pub async fn nobody_is_written_to_until_the_address_is_another(world: &World, order: &Order) -> Result<()> {
    let told = async || -> Result<usize> {
        let subjects = subjects(world, order).await?;
        Ok(subjects.iter().filter(|subject| subject.contains("cancelled")).count())
    };
    assert_eq!(told().await?, 0);
    assert!(whole_table(world).await?.contains("mail_came_back"));
    staff::a_customer_is_written_to_again(world, order, "cancelled")?;
    quiet(world).await?;
    assert_eq!(told().await?, 1);
    assert!(!whole_table(world).await?.contains("mail_came_back"));
    wait_for_trouble(world, order, &Value::Null).await?;

    // That one was taken, and came back.
    let set = format!("{}-notices", world.stack.name());
    let mut bounced = event(&set, order, 50, "bounce", &bounce("General"));
    bounced["detail"]["mail"]["tags"]["notice"] = json!(["cancelled"]);
    bounced["detail"]["bounce"]["bouncedRecipients"][0]["emailAddress"] = json!(OTHER);
    send_to(world, world.stack.queue_url(Queue::Bounce)?, &[bounced]).await?;
    wait_for_trouble(world, order, &json!("bounced")).await?;
    staff::a_notice_is_sent_again(world, order, "cancelled")?;
    quiet(world).await?;
    assert_eq!(told().await?, 2);
    let arrived = event(&set, order, 55, "delivery", &json!({ "recipients": [OTHER] }));
    send_to(world, world.stack.queue_url(Queue::Bounce)?, &[arrived]).await?;
    wait_for_trouble(world, order, &Value::Null).await
}

/// What SES tells where there is no mailbox of an owner.
pub fn no_such_owner(world: &World, order: &Order, owner: &str, row: u32) -> Value {
    let set = format!("{}-notices", world.stack.name());
    let mut event = event(&set, order, 4, "bounce", &bounce("NoEmail"));
    event["detail"]["mail"]["tags"]["notice"] = json!([format!("owner_1_{row}")]);
    event["detail"]["bounce"]["bouncedRecipients"][0]["emailAddress"] = json!(owner);
    event
}
