//! Mails to the owners of mailboxes.

use anyhow::Result;
use mailvan_local::customer::Order;
use mailvan_local::stack::Queue;
use mailvan_local::world::World;
use mailvan_tests::{quiet, send};
use serde_json::{Value, json};

use crate::{returned, staff};

/// Each owner is told once, in the new mailbox, however often it is said; what comes back is noted there and nowhere else.
pub async fn each_is_told_once(world: &World, order: &Order) -> Result<()> {
    let job = |row: u32| format!("{}-1-{row:05}", order.id);
    let rows = || (2..).take(world.accounts.len());
    let tell = rows().map(|row| json!({ "job_id": job(row), "owner_tries": 0 }));
    send(world, Queue::Owner, &tell.collect::<Vec<_>>()).await?;
    let certify = rows().map(|row| json!({ "job_id": job(row), "certified": 0 }));
    send(world, Queue::Certify, &certify.collect::<Vec<_>>()).await?;
    staff::an_owner_is_told_again(world, order)?;
    quiet(world).await?;

    let mails = world.stack.inbox().await?;
    let owners: Vec<_> = mails
        .iter()
        .filter(|mail| mail.subject.starts_with("Your mailbox is at"))
        .collect();
    let mut told: Vec<&str> = owners.iter().flat_map(|mail| &mail.to).map(String::as_str).collect();
    let mut expected: Vec<&str> = world
        .accounts
        .iter()
        .map(|account| account.login.user.as_str())
        .collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    for mail in owners {
        for words in [
            "smtp.harbour-hosting.example",
            "Choose a new password",
            "mailbox.mobileconfig",
        ] {
            assert_eq!(
                mail.text.contains(words),
                words != "Choose a new password",
                "{words}: {}",
                mail.text
            );
        }
        assert!(
            !mail.text.contains("/v1/requests") && !mail.text.contains("customer@example.org"),
            "{}",
            mail.text
        );
    }

    let owner = world.accounts[0].login.user.as_str();
    let returned = returned::no_such_owner(world, order, owner, 2);
    send(world, Queue::Bounce, &[returned]).await?;
    quiet(world).await?;
    let status = world.customer.status(order).await?;
    let shown: Vec<&Value> = status
        .mailboxes
        .iter()
        .filter_map(|mailbox| mailbox.owner_mail.as_ref())
        .collect();
    assert_eq!(shown.len(), world.accounts.len());
    assert!(shown.iter().all(|mail| mail["told_at"].is_string()), "{shown:?}");
    assert_eq!(
        (&shown[0]["trouble"], &shown[1]["trouble"]),
        (&json!("unreachable"), &Value::Null)
    );
    let path = format!("/v1/requests/{}", order.id);
    let (_, whole) = world
        .customer
        .call(reqwest::Method::GET, &path, Some(order), None)
        .await?;
    assert_eq!(whole["contact_trouble"], Value::Null);
    Ok(())
}
