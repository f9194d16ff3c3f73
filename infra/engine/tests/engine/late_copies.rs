//! Second copies that a broken connection delivers late.

use anyhow::Result;
use mailvan::domain::Pass;
use mailvan_engine::MemoryLedger;
use mailvan_local::dovecot::Options;
use serde_json::{Value, json};

use crate::copied::{Copied, an_account, exceptions, folder};
use crate::servers::{Servers, pass};
use crate::users::{DATE, Pair, message};

/// The same message once more, as a connection that was given up may deliver it late.
fn append_second_copy(copied: &Copied, uid: usize) -> Result<()> {
    let inbox = &copied.servers.account.folders[0];
    copied.here()?.append("INBOX", &[inbox.messages[uid - 1].clone()])
}

#[tokio::test(flavor = "multi_thread")]
async fn late_second_copy_is_removed_and_reported() -> Result<()> {
    let mut copied = Copied::new(an_account()).await?;
    let uid = copied.servers.account.folders[0].messages.len() + 1;
    append_second_copy(&copied, 5)?;
    // Without evidence that a batch broke off it is somebody's own, and stays.
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!((&inbox["others"], &certificate["agrees"]), (&json!(1), &json!(true)));
    assert!(copied.servers.ensure_identical().is_err());

    copied.edit_inbox(|chunk| chunk["late"] = json!({ "uids": "4:6", "from_uid": 30 }))?;
    copied.mailbox.ledger.forget_findings();
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(
        inbox["late_copies_removed"],
        json!([{ "uid": 5, "destination_uid": uid }])
    );
    assert_eq!((&inbox["others"], &certificate["agrees"]), (&json!(0), &json!(true)));
    assert_eq!(certificate["totals"]["exceptions"], 0);
    copied.servers.ensure_identical()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_late_copy_stays() -> Result<()> {
    let mut copied = Copied::new(an_account()).await?;
    append_second_copy(&copied, 5)?;
    append_second_copy(&copied, 4)?;
    append_second_copy(&copied, 8)?;
    let mut here = copied.here()?;
    here.select("INBOX")?;
    // The user's program will remove the own copy of 4 when it likes.
    here.store(&[4], "+FLAGS.SILENT (\\Deleted)")?;
    // The own copy of 5 is gone, so what is left is the only one; 8 belongs to no broken batch.
    here.store(&[5], "+FLAGS.SILENT (\\Deleted)")?;
    here.command("UID EXPUNGE 5")?;
    copied.edit_inbox(|chunk| chunk["late"] = json!({ "uids": "4:6", "from_uid": 30 }))?;
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(
        (&inbox["others"], &inbox["late_copies_removed"]),
        (&json!(3), &json!([]))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn late_second_copy_that_cannot_be_removed_is_an_exception() -> Result<()> {
    let destination = Options {
        hidden_capabilities: vec!["UIDPLUS".to_owned()],
        ..Options::new("provider")
    };
    let mut copied = Copied::between(Servers::with(Options::new("previous"), destination, an_account())?).await?;
    append_second_copy(&copied, 5)?;
    copied.edit_inbox(|chunk| chunk["late"] = json!({ "uids": "4:6", "from_uid": 30 }))?;
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(exceptions(inbox), [("DOUBLED", "5")]);
    let sides = ["source_side", "destination_side"].map(|side| inbox[side]["messages"].as_u64().unwrap());
    assert_eq!((sides[0] + 1, &inbox["agrees"]), (sides[1], &json!(false)));
    Ok(())
}

/// What comes late in the first pass is gone when it is told, and the certificate knows of it in the end.
#[tokio::test(flavor = "multi_thread")]
async fn late_second_copy_is_removed_at_the_first_pass_end() -> Result<()> {
    let servers = Servers::start(an_account())?;
    let mailbox = servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    let mut copied = Copied { servers, mailbox };
    let uid = copied.servers.account.folders[0].messages.len() + 1;
    append_second_copy(&copied, 5)?;
    append_second_copy(&copied, 8)?;
    copied.edit_inbox(|chunk| chunk["late"] = json!({ "uids": "4:6", "from_uid": 30 }))?;
    let all = |copied: &Copied| {
        let mut here = copied.here()?;
        here.select("INBOX")?;
        here.search("ALL")
    };
    let remove = async |copied: &Copied| {
        let lease = copied
            .mailbox
            .ledger
            .lease_certificate(copied.mailbox.job_id, Pass::Final);
        copied.mailbox.remove_second_copies(lease).await
    };
    // No connection broke in this folder, as far as its record tells.
    remove(&copied).await?;
    assert_eq!(all(&copied)?.len(), uid + 1);

    copied.edit_folder(|folder| folder["broken_at"] = json!(1))?;
    remove(&copied).await?;
    remove(&copied).await?;
    let left = all(&copied)?;
    assert_eq!(left.len(), uid);
    assert!(!left.contains(&u32::try_from(uid)?));

    // One more comes even later: the certificate tells of both.
    append_second_copy(&copied, 6)?;
    pass(&copied.mailbox, Pass::Final).await?;
    let certificate = copied.certificate().await?;
    let inbox = folder(&certificate, "INBOX");
    assert_eq!(
        inbox["late_copies_removed"],
        json!([{ "uid": 5, "destination_uid": uid }, { "uid": 6, "destination_uid": uid + 2 }])
    );
    assert_eq!((&inbox["others"], &certificate["agrees"]), (&json!(1), &json!(true)));
    Ok(())
}

/// Two messages of one Message-ID and date: the second copy of the one comes late, while the end of the other's batch is
/// unknown. It is not the other one, written anew.
#[tokio::test(flavor = "multi_thread")]
async fn late_second_copy_is_not_taken_for_another_message_of_the_same_id() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    let named = |text: &str| {
        let mut message = message("shared", &[], DATE);
        message.bytes.extend(text.bytes());
        message
    };
    pair.there.append_message("INBOX", &named("the first"))?;
    let mut mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    pair.there
        .append_message("INBOX", &named("the second, which is longer"))?;
    pair.here.append_message("INBOX", &named("the first"))?;

    let mut ledger: Value = serde_json::from_str(&mailbox.ledger.to_json()?)?;
    let folder = &mut ledger["folders"]["0"];
    assert_eq!(folder["title"], "INBOX");
    folder["done_pass"] = Value::Null;
    let chunk = &mut ledger["chunks"]["0"]["0"];
    chunk["last_uid"] = json!(2);
    chunk["done_pass"] = Value::Null;
    chunk["late"] = json!({ "uids": "1", "from_uid": 1 });
    chunk["open_batch"] = json!({ "uids": "2", "from_uid": 2 });
    mailbox.ledger = MemoryLedger::from_json(&ledger.to_string())?;
    pass(&mailbox, Pass::First).await?;
    assert_eq!(pair.here.all("INBOX")?.len(), 3);
    let found = pair.here.command("UID SEARCH BODY longer")?;
    assert_eq!(found.first().map(Vec::as_slice), Some(&b"* SEARCH 3"[..]));
    Ok(())
}
