//! What certificates say of mailboxes whose destination is not as the copying left it.

use std::time::Duration;

use anyhow::Result;
use mailvan::clock::Deadline;
use mailvan::domain::{DateRange, Pass};
use mailvan::store::{Doing, Step};
use mailvan::sync::Mailbox;
use mailvan_engine::{PassError, certify};
use mailvan_local::imap_client::encode_folder_name;
use mailvan_local::proxy::{Network, Proxy};
use mailvan_local::samples::{deliver_between_passes, office, small};
use mailvan_local::tally;
use serde_json::json;

use crate::copied::{Copied, an_account, exceptions, folder};
use crate::servers::{Servers, pass};

#[tokio::test(flavor = "multi_thread")]
async fn certificate_of_a_whole_mailbox_agrees_with_an_independent_count() -> Result<()> {
    let servers = Servers::start(office(300, 5))?;
    let mailbox = servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    let changes = deliver_between_passes(&servers.source, &servers.account, 6, 3)?;
    pass(&mailbox, Pass::Final).await?;
    let copied = Copied { servers, mailbox };
    let certificate = copied.certificate().await?;
    assert_eq!(
        (&certificate["agrees"], &certificate["totals"]["exceptions"]),
        (&json!(true), &json!(0))
    );
    let (servers, mut messages) = (&copied.servers, 0);
    for folder in certificate["folders"].as_array().unwrap() {
        let destination = folder["destination"].as_str().unwrap();
        let counted = tally::count(&servers.destination, &servers.account.login, destination)?;
        let expected = json!({ "messages": counted.messages, "bytes": counted.bytes, "digest": counted.digest });
        assert_eq!(
            (&folder["destination_side"], &folder["source_side"]),
            (&expected, &expected),
            "{destination}"
        );
        let source = folder["source"].as_str().unwrap();
        assert_eq!(tally::count(&servers.source, &servers.account.login, source)?, counted);
        messages += counted.messages;
    }
    assert_eq!(certificate["totals"]["source_side"]["messages"], messages);
    let new = changes.new_in_inbox + changes.new_folder.map_or(0, |(_, count)| count);
    assert_eq!(messages, (servers.account.messages() + new) as u64);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_altered_in_the_destinations_store_is_told() -> Result<()> {
    let copied = Copied::into_files().await?;
    let file = copied.file(3)?;
    let mut bytes = std::fs::read(&file)?;
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes)?;
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(exceptions(inbox), [("REWRITTEN", "3")]);
    assert_eq!(
        (&inbox["agrees"], &certificate["agrees"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(inbox["source_side"]["bytes"], inbox["destination_side"]["bytes"]);
    assert_ne!(inbox["source_side"]["digest"], inbox["destination_side"]["digest"]);
    assert_eq!(certificate["totals"]["exceptions"], 1);

    // Where it is not at the source any more, it is told as one of those that went with it.
    let mut there = copied.there()?;
    there.select("INBOX")?;
    there.store(&[3, 5], "+FLAGS.SILENT (\\Deleted)")?;
    there.command("UID EXPUNGE 3,5")?;
    copied.mailbox.ledger.forget_findings();
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(exceptions(inbox), [("NOT_AS_COPIED", "3,5")]);
    assert_eq!(inbox["gone_at_source"], 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_with_another_date_at_the_destination_is_told() -> Result<()> {
    let mut copied = Copied::into_files().await?;
    let file = copied.file(4)?;
    let touched = std::process::Command::new("touch")
        .args(["-d", "2001-02-03T04:05:06Z"])
        .arg(&file)
        .status()?;
    assert!(touched.success());
    copied.forget()?;
    copied.servers.destination.restart()?;
    let certificate = copied.certificate().await?;
    assert_eq!(exceptions(folder(&certificate, "INBOX")), [("REDATED", "4")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_did_since_is_no_fault() -> Result<()> {
    let copied = Copied::new(an_account()).await?;
    let names = |path: &[&str]| copied.servers.destination.layout().name(path);
    // Here: two messages deleted, one of them gone at the source too; one new; a folder deleted.
    let mut here = copied.here()?;
    here.select("INBOX")?;
    here.store(&[2, 7], "+FLAGS.SILENT (\\Deleted)")?;
    here.command("UID EXPUNGE 2,7")?;
    let mut one = copied.servers.account.folders[0].messages[0].clone();
    one.bytes.extend(b"and more\r\n");
    here.append("INBOX", &[one.clone()])?;
    here.command(&format!(
        "DELETE \"{}\"",
        encode_folder_name(&names(&["Aufträge", "offen"]))
    ))?;
    // There: three deleted, two new.
    let mut there = copied.there()?;
    there.select("INBOX")?;
    there.store(&[7, 9, 10], "+FLAGS.SILENT (\\Deleted)")?;
    there.command("UID EXPUNGE 7,9,10")?;
    there.append("INBOX", &[one.clone(), one])?;

    let certificate = copied.certificate().await?;
    assert_eq!(
        (&certificate["agrees"], &certificate["totals"]["exceptions"]),
        (&json!(true), &json!(0))
    );
    let inbox = folder(&certificate, "INBOX");
    let counts = |name: &str| inbox[name].as_u64().unwrap();
    assert_eq!(inbox["gone_since"], json!({ "messages": 2, "uids": "2,7" }));
    assert_eq!(
        (counts("others"), counts("arrived_since"), counts("gone_at_source")),
        (1, 2, 3)
    );
    // With 7 gone on both sides, nothing tells any more what 9 and 10 were.
    assert_eq!(inbox["unverified"], json!({ "messages": 2, "uids": "9:10" }));
    let deleted = folder(&certificate, "Aufträge/offen");
    assert_eq!(deleted["gone_since"]["messages"], 8);
    assert_eq!(deleted["source_side"]["messages"], 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_gone_from_the_source_alone_are_still_compared() -> Result<()> {
    let copied = Copied::new(an_account()).await?;
    let mut there = copied.there()?;
    let deleted = encode_folder_name("Aufträge/offen");
    there.command(&format!("DELETE \"{deleted}\""))?;
    there.select("INBOX")?;
    there.store(&[9, 10], "+FLAGS.SILENT (\\Deleted)")?;
    there.command("UID EXPUNGE 9,10")?;
    let mut here = copied.here()?;
    here.select("INBOX")?;
    here.store(&[2], "+FLAGS.SILENT (\\Deleted)")?;
    here.command("UID EXPUNGE 2")?;
    let certificate = copied.certificate().await?;
    let (inbox, deleted) = (folder(&certificate, "INBOX"), folder(&certificate, "Aufträge/offen"));
    assert_eq!(certificate["agrees"], true, "{certificate:#}");
    assert_eq!(
        (&inbox["unverified"]["messages"], &inbox["gone_at_source"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(
        inbox["source_side"]["messages"].as_u64().unwrap() + 1,
        copied.servers.account.folders[0].messages.len() as u64
    );
    assert_eq!(
        (&deleted["source_state"], &deleted["unverified"]["messages"]),
        (&json!("gone"), &json!(0))
    );
    assert_ne!(deleted["source_side"]["messages"], 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_nobody_copied_is_missing_unless_it_was_not_wanted() -> Result<()> {
    let mut copied = Copied::new(an_account()).await?;
    copied.edit_inbox(|chunk| {
        // As if 7 had never been heard of.
        let map = chunk["map"].as_str().unwrap().to_owned();
        let last = map.strip_prefix("1:").and_then(|rest| rest.strip_suffix("=1")).unwrap();
        chunk["map"] = json!(format!("1:6=1,8:{last}=8"));
    })?;
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(
        (exceptions(inbox), &inbox["agrees"]),
        (vec![("MISSING", "7")], &json!(false))
    );
    assert_eq!(inbox["others"], 1);

    copied.mailbox.ledger.forget_findings();
    copied.mailbox.options.dates = DateRange {
        since: None,
        before: "1990-01-01".parse().ok(),
    };
    let certificate = copied.certificate().await?;
    assert_eq!(certificate["totals"]["exceptions"], 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_source_what_the_copying_read_counts() -> Result<()> {
    let mut copied = Copied::new(an_account()).await?;
    copied.servers.source.stop();
    assert!(copied.certificate().await.is_err());
    let certificate = copied.certificate_of(false).await?;
    assert_eq!(
        (&certificate["agrees"], &certificate["totals"]["exceptions"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(folder(&certificate, "INBOX")["source_state"], "unreachable");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_was_made_anew_at_the_destination_is_an_exception() -> Result<()> {
    let copied = Copied::new(an_account()).await?;
    let name = copied.servers.destination.layout().name(&["Sent"]);
    let mut here = copied.here()?;
    here.command(&format!("DELETE \"{name}\""))?;
    // UIDVALIDITY is the time of making it, in seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    here.create(&name)?;
    let certificate = copied.certificate().await?;
    let sent = folder(&certificate, "Gesendet");
    assert_eq!(
        (exceptions(sent), &sent["agrees"]),
        (vec![("FOLDER_REPLACED", "")], &json!(false))
    );
    assert_eq!(certificate["totals"]["exceptions"], 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn comparing_goes_on_where_a_run_ended_within_a_chunk() -> Result<()> {
    let copied = Copied::new(small("quay@harbour.example", "Poller-9", 150, 12)).await?;
    // The largest message takes a second and a half, of the two that a run has for reading.
    let slow = Network {
        bandwidth: Some(280_000),
        ..Network::default()
    };
    let proxy = Proxy::start(copied.servers.destination.address(), slow)?;
    let slow = Mailbox {
        ledger: copied.mailbox.ledger.clone(),
        ..copied
            .servers
            .mailbox_between(copied.servers.source.port(), proxy.port())?
    };
    let (mut runs, mut cut_within_a_chunk) = (1, 0);
    let certificate = loop {
        match certify(&slow, true, Deadline::after(Duration::from_secs(7))).await {
            Ok(certificate) => break certificate,
            // On a busy machine a run may end before the first message is read.
            Err(PassError::OutOfTime | PassError::Certify(_)) if runs < 20 => runs += 1,
            Err(error) => return Err(error.into()),
        }
        cut_within_a_chunk += u32::from(slow.ledger.to_json()?.contains("read_here"));
    };
    assert!(
        cut_within_a_chunk > 0,
        "no run ended within a chunk: the test shows nothing"
    );
    let told = slow.ledger.doings();
    let folders = u32::try_from(slow.ledger.all_folders().len())?;
    let of_all = |doing: &Doing| doing.folders.is_some_and(|(done, all)| done < all && all == folders);
    let compared: Vec<&Doing> = told.iter().filter(|doing| doing.step == Step::Comparing).collect();
    assert!(
        !compared.is_empty() && compared.iter().all(|doing| of_all(doing)),
        "{told:?}"
    );
    let certificate = serde_json::to_value(certificate)?;
    assert_eq!(
        (&certificate["agrees"], &certificate["totals"]["exceptions"]),
        (&json!(true), &json!(0))
    );
    copied.mailbox.ledger.forget_findings();
    assert_eq!(copied.certificate().await?["folders"], certificate["folders"]);
    Ok(())
}
