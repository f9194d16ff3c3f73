//! What single providers' servers do that others do not, each named after one: nothing is lost, doubled or misdated.

use anyhow::{Result, ensure};
use mailvan::domain::{CopyOptions, Pass};
use mailvan::sync::Mailbox;
use mailvan_engine::MemoryLedger;

use crate::odd_server::{Fate, Message, Odd, OddServer};
use crate::servers::{between, pass};
use crate::unreadable::{copied, exceptions, letter};

fn letters(count: u32) -> Vec<Message> {
    (1..=count).map(letter).collect()
}

async fn servers(source: Odd, destination: Odd, messages: Vec<Message>) -> Result<(OddServer, OddServer)> {
    let source = OddServer::start(source, &[("INBOX", messages)]).await?;
    Ok((source, OddServer::start(destination, &[]).await?))
}

fn deleting(source: &OddServer, destination: &OddServer, carry_deletions: bool) -> Result<Mailbox<MemoryLedger>> {
    Ok(Mailbox {
        options: CopyOptions {
            carry_deletions,
            ..CopyOptions::default()
        },
        ..between(source, destination)?
    })
}

/// hMailServer (2026) has a UIDVALIDITY of 0, which RFC 9051 forbids.
#[tokio::test(flavor = "multi_thread")]
async fn hmailserver_2026_without_a_uidvalidity_is_copied_once() -> Result<()> {
    let zero = || Odd {
        uid_validity: Some(0),
        ..Odd::default()
    };
    for (source, destination) in [(zero(), Odd::default()), (Odd::default(), zero()), (zero(), zero())] {
        let (source, destination) = servers(source, destination, letters(30)).await?;
        let mut mailbox = between(&source, &destination)?;
        mailbox.limits.chunk_messages = 10;
        pass(&mailbox, Pass::First).await?;
        assert_eq!(copied(&destination, "INBOX"), (1..=30).collect::<Vec<_>>());
        source.deliver("INBOX", letter(31));
        pass(&mailbox, Pass::Final).await?;
        assert_eq!(copied(&destination, "INBOX"), (1..=31).collect::<Vec<_>>());
        assert_eq!(exceptions(&mailbox), []);
    }
    Ok(())
}

/// Yahoo (2026) names a thousand messages at most, and says nothing of the others: they are not deleted.
#[tokio::test(flavor = "multi_thread")]
async fn yahoo_2026_cuts_what_it_finds_and_nothing_passes_for_deleted() -> Result<()> {
    let odd = Odd {
        capabilities: "ESEARCH",
        ..Odd::default()
    };
    for (limit, others) in [(None, 1..=29), (Some(10), 1..=30)] {
        let (source, destination) = servers(odd.clone(), Odd::default(), letters(30)).await?;
        let mailbox = deleting(&source, &destination, true)?;
        pass(&mailbox, Pass::First).await?;
        source.set(|odd| odd.search_limit = limit);
        source.remove("INBOX", 30);
        source.deliver("INBOX", letter(31));
        pass(&mailbox, Pass::Final).await?;
        let expected: Vec<u32> = others.chain([31]).collect();
        assert_eq!(copied(&destination, "INBOX"), expected, "{limit:?}");
    }
    Ok(())
}

/// Yandex (2026) has no SEARCH, whatever it announces: what was deleted is told otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn yandex_2026_refuses_to_search_and_deletions_are_found_nevertheless() -> Result<()> {
    let odd = Odd {
        capabilities: "ESEARCH",
        refuses_search: true,
        ..Odd::default()
    };
    let (source, destination) = servers(odd, Odd::default(), letters(30)).await?;
    let mailbox = deleting(&source, &destination, true)?;
    pass(&mailbox, Pass::First).await?;
    source.remove("INBOX", 12);
    source.deliver("INBOX", letter(31));
    pass(&mailbox, Pass::Final).await?;
    let others: Vec<u32> = (1..=31).filter(|uid| *uid != 12).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    Ok(())
}

/// Yandex (2026) lists some messages, and answers without a body, or with an empty one, when it is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn yandex_2026_messages_without_a_body_are_named_and_all_others_are_copied() -> Result<()> {
    for fate in [Fate::NoBody, Fate::Empty] {
        let odd = Odd {
            fates: [(7, fate), (41, fate), (51, fate)].into(),
            ..Odd::default()
        };
        let (source, destination) = servers(odd, Odd::default(), letters(50)).await?;
        // A message of no bytes is one.
        let empty = Message {
            body: Vec::new(),
            ..letter(1)
        };
        source.deliver("Empty", empty);
        let mailbox = between(&source, &destination)?;
        pass(&mailbox, Pass::First).await?;
        let others: Vec<u32> = (1..=50).filter(|uid| ![7, 41].contains(uid)).collect();
        assert_eq!(copied(&destination, "INBOX"), others, "{fate:?}");
        assert_eq!(destination.messages("Empty").len(), 1);
        let named = |mailbox| {
            let named = exceptions(mailbox).into_iter();
            named.map(|(uid, code, _)| format!("{uid} {code}")).collect::<Vec<_>>()
        };
        assert_eq!(named(&mailbox), ["7 UNREADABLE", "41 UNREADABLE"], "{fate:?}");
        // What is new and little is read by planning first.
        source.set(|odd| odd.fates.retain(|uid, _| *uid == 51));
        source.deliver("INBOX", letter(51));
        source.deliver("INBOX", letter(52));
        pass(&mailbox, Pass::Final).await?;
        let others: Vec<u32> = (1..=52).filter(|uid| *uid != 51).collect();
        assert_eq!(copied(&destination, "INBOX"), others, "{fate:?}");
        assert_eq!(named(&mailbox), ["51 UNREADABLE"], "{fate:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_vanishes_while_it_is_read_is_gone_and_no_exception() -> Result<()> {
    let odd = Odd {
        vanishing: Some(13),
        ..Odd::default()
    };
    let (source, destination) = servers(odd, Odd::default(), letters(50)).await?;
    let mailbox = between(&source, &destination)?;
    pass(&mailbox, Pass::First).await?;
    let others: Vec<u32> = (1..=50).filter(|uid| *uid != 13).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    assert_eq!(exceptions(&mailbox), []);
    let messages: i64 = mailbox.ledger.all_chunks().iter().map(|chunk| chunk.messages).sum();
    assert_eq!(messages, 49);
    Ok(())
}

/// Zimbra (2023): what it says of a message's header is not what is in the message. After a lost answer the copies are
/// found nevertheless.
#[tokio::test(flavor = "multi_thread")]
async fn zimbra_2023_header_and_message_disagree_and_nothing_is_doubled() -> Result<()> {
    let source = Odd {
        disagreeing_uids: (1..=20).collect(),
        ..Odd::default()
    };
    let destination = Odd {
        unconfirmed_after: Some(7),
        ..Odd::default()
    };
    let (source, destination) = servers(source, destination, letters(20)).await?;
    let mailbox = between(&source, &destination)?;
    ensure!(
        pass(&mailbox, Pass::First).await.is_err(),
        "the session should have ended"
    );
    ensure!(!copied(&destination, "INBOX").is_empty());
    mailbox.ledger.end_leases();
    pass(&mailbox, Pass::First).await?;
    assert_eq!(copied(&destination, "INBOX"), (1..=20).collect::<Vec<_>>());
    Ok(())
}

/// Proton Bridge (2026) gives messages other UIDs under the same UIDVALIDITY. They are no new mail, and what the user
/// has removed here stays away.
#[tokio::test(flavor = "multi_thread")]
async fn proton_bridge_2026_changes_uids_and_nothing_is_doubled_or_brought_back() -> Result<()> {
    for carry_deletions in [false, true] {
        let odd = Odd {
            uid_validity: Some(7),
            ..Odd::default()
        };
        let (source, destination) = servers(odd, Odd::default(), letters(40)).await?;
        let mailbox = deleting(&source, &destination, carry_deletions)?;
        pass(&mailbox, Pass::First).await?;
        let before: Vec<u32> = destination
            .messages("INBOX")
            .iter()
            .map(|message| message.uid)
            .collect();
        source.renumber();
        source.deliver("INBOX", Message { uid: 141, ..letter(41) });
        destination.remove("INBOX", 3);
        pass(&mailbox, Pass::Final).await?;
        let others: Vec<u32> = (1..=41).filter(|uid| *uid != 3).collect();
        assert_eq!(copied(&destination, "INBOX"), others, "{carry_deletions}");
        let after = destination.messages("INBOX");
        let kept = after.iter().filter(|message| before.contains(&message.uid));
        assert_eq!(kept.count(), 39, "the copies are others now");
        // Nothing is new to the same pass begun again, or to a later one.
        pass(&mailbox, Pass::Final).await?;
        pass(&mailbox, Pass::Later(1)).await?;
        assert_eq!(copied(&destination, "INBOX"), others, "{carry_deletions}");
    }
    Ok(())
}

fn dated(uid: u32, date: &str, header: &str, more: usize) -> Message {
    let mut message = letter(uid);
    date.clone_into(&mut message.date);
    message.body = [header.as_bytes(), &message.body, &vec![b'x'; more]].concat();
    message
}

/// Exchange pads days with a space; others say NIL, nothing, or what is no date (2026). Then the message's own header
/// tells when it came, and not the day of the migration.
#[tokio::test(flavor = "multi_thread")]
async fn messages_without_a_date_are_dated_by_their_header() -> Result<()> {
    let received =
        "Received: from a by b\r\n\t; Wed, 7 Feb 2024 10:00:01 +0545\r\nDate: Tue, 6 Feb 2024 10:00:00 +0000\r\n";
    let written = "Date: Tue, 6 Feb 2024 23:59:59 -0330\r\n";
    let messages = vec![
        dated(1, " 7-Feb-2026 21:52:25 +0000", written, 0),
        dated(2, "NIL", received, 0),
        dated(3, "", written, 0),
        dated(4, "00-Jan-0000 00:00:00 +0000", written, 0),
        dated(5, "NIL", received, (1 << 20) + 77),
        dated(6, "NIL", "", 0),
    ];
    let (source, destination) = servers(Odd::default(), Odd::default(), messages).await?;
    let mailbox = between(&source, &destination)?;
    pass(&mailbox, Pass::First).await?;
    // What little is new is copied by planning.
    source.deliver("INBOX", dated(7, "NIL", written, 0));
    pass(&mailbox, Pass::Final).await?;
    let dates = destination.messages("INBOX").into_iter().map(|message| {
        let text = String::from_utf8_lossy(&message.body).into_owned();
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        (subject.to_owned(), message.date)
    });
    let mut dates: Vec<(String, String)> = dates.collect();
    dates.sort();
    let dates: Vec<&str> = dates.iter().map(|(_, date)| date.as_str()).collect();
    assert_eq!(
        dates,
        [
            " 7-Feb-2026 21:52:25 +0000",
            "07-Feb-2024 10:00:01 +0545",
            "06-Feb-2024 23:59:59 -0330",
            "06-Feb-2024 23:59:59 -0330",
            "07-Feb-2024 10:00:01 +0545",
            // The destination's own: nothing tells it.
            "01-Jan-2001 00:00:00 +0000",
            "06-Feb-2024 23:59:59 -0330",
        ]
    );
    Ok(())
}
