//! Messages that the source does not give out: all others are copied, and each is named.

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan::domain::Pass;
use mailvan::store::Ledger as _;
use mailvan::sync::Mailbox;
use mailvan_engine::MemoryLedger;
use mailvan_local::proxy::{Cut, Direction, Ending, Network, Proxy};

use crate::odd_server::{Fate, Message, Odd, OddServer};
use crate::servers::{between, pass};

const DATE: &str = "01-Feb-2019 10:11:12 +0530";

pub fn letter(uid: u32) -> Message {
    Message {
        uid,
        flags: "\\Seen".to_owned(),
        date: DATE.to_owned(),
        body: format!("Message-ID: <{uid}@pier.example>\r\nSubject: {uid}\r\n\r\nletter {uid}\r\n").into_bytes(),
    }
}

fn letters(count: u32) -> Vec<Message> {
    (1..=count).map(letter).collect()
}

/// UIDs of messages that are there, by what they say of themselves.
pub fn copied(server: &OddServer, folder: &str) -> Vec<u32> {
    let messages = server.messages(folder);
    let subject = |message: &Message| {
        let text = String::from_utf8_lossy(&message.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        line.parse().unwrap()
    };
    let mut uids: Vec<u32> = messages.iter().map(subject).collect();
    uids.sort_unstable();
    uids
}

pub fn exceptions(mailbox: &Mailbox<MemoryLedger>) -> Vec<(u32, String, String)> {
    let chunks = mailbox.ledger.all_chunks();
    let all = chunks.iter().flat_map(|chunk| &chunk.exceptions);
    let mut all: Vec<_> = all.map(|one| (one.uid, one.code.clone(), one.text.clone())).collect();
    all.sort();
    all
}

/// As if the messages that are tried alone had been tried for longer.
async fn age_trials(mailbox: &Mailbox<MemoryLedger>, seconds: i64) -> Result<()> {
    for mut chunk in mailbox.ledger.all_chunks() {
        if let Some(trials) = chunk.trials.as_mut() {
            trials.open.iter_mut().for_each(|trial| trial.since -= seconds);
            mailbox.ledger.save_chunk(&chunk).await?;
        }
    }
    Ok(())
}

/// So many runs of the first pass break off.
async fn ensure_breaks_off(mailbox: &Mailbox<MemoryLedger>, runs: usize) -> Result<()> {
    for run in 0..runs {
        ensure!(pass(mailbox, Pass::First).await.is_err(), "run {run}");
        mailbox.ledger.end_leases();
    }
    Ok(())
}

/// Runs a pass until it ends, a run a minute; gives how many broke off before.
async fn until_done(mailbox: &Mailbox<MemoryLedger>, this: Pass) -> Result<usize> {
    for broken in 0..20 {
        let done = pass(mailbox, this).await;
        mailbox.ledger.end_leases();
        if done.is_ok() {
            return Ok(broken);
        }
        age_trials(mailbox, 60).await?;
    }
    anyhow::bail!("the pass does not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_is_refused_is_named_and_all_others_are_copied() -> Result<()> {
    for fate in [
        Fate::NoAtTheEnd("NO Some messages could not be FETCHed (Failure)"),
        Fate::NoAtOnce("NO [SERVERBUG] Internal error occurred. Refer to server log"),
        Fate::NoAtOnce("BAD Command Error. 12"),
    ] {
        let odd = Odd {
            fates: [(7, fate), (41, fate)].into(),
            ..Odd::default()
        };
        let source = OddServer::start(odd, &[("INBOX", letters(50))]).await?;
        let destination = OddServer::start(Odd::default(), &[]).await?;
        let mailbox = between(&source, &destination)?;
        pass(&mailbox, Pass::First).await?;
        let others: Vec<u32> = (1..=50).filter(|uid| ![7, 41].contains(uid)).collect();
        assert_eq!(copied(&destination, "INBOX"), others, "{fate:?}");
        let named = exceptions(&mailbox);
        let codes: Vec<(u32, &str)> = named.iter().map(|(uid, code, _)| (*uid, code.as_str())).collect();
        assert_eq!(codes, [(7, "UNREADABLE"), (41, "UNREADABLE")], "{fate:?}");
        let (Fate::NoAtTheEnd(words) | Fate::NoAtOnce(words)) = fate else {
            unreachable!()
        };
        let words = words
            .rsplit(']')
            .next()
            .unwrap()
            .trim_start_matches("NO")
            .trim_start_matches("BAD");
        ensure!(
            named.iter().all(|(_, _, text)| text.contains(words.trim())),
            "{named:?}"
        );
        // In the final pass it may be another day.
        source.set(|odd| odd.fates.clear());
        pass(&mailbox, Pass::Final).await?;
        assert_eq!(copied(&destination, "INBOX"), (1..=50).collect::<Vec<_>>());
        assert_eq!(exceptions(&mailbox), []);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_breaks_the_connection_is_found_out_and_left_out() -> Result<()> {
    let odd = Odd {
        fates: [(9, Fate::Close), (30, Fate::Close)].into(),
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", letters(50)), ("Other", letters(3))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = between(&source, &destination)?;
    let broken = until_done(&mailbox, Pass::First).await?;
    // One without a name, and three for each.
    ensure!(broken == 7, "{broken} runs broke off");
    let others: Vec<u32> = (1..=50).filter(|uid| ![9, 30].contains(uid)).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    assert_eq!(copied(&destination, "Other"), [1, 2, 3]);
    let named = exceptions(&mailbox);
    let uids: Vec<u32> = named.iter().map(|(uid, ..)| *uid).collect();
    assert_eq!(uids, [9, 30]);
    ensure!(
        named
            .iter()
            .all(|(_, code, text)| code == "UNREADABLE" && text.contains("breaks"))
    );
    ensure!(mailbox.ledger.all_chunks().iter().all(|chunk| chunk.trials.is_none()));
    // New mail that does the same comes in the final pass, and what did is given out now.
    source.set(|odd| odd.fates = [(51, Fate::Close)].into());
    source.deliver("INBOX", letter(51));
    source.deliver("INBOX", letter(52));
    until_done(&mailbox, Pass::Final).await?;
    assert_eq!(
        copied(&destination, "INBOX"),
        (1..=52).filter(|uid| *uid != 51).collect::<Vec<_>>()
    );
    assert_eq!(exceptions(&mailbox).len(), 1);
    Ok(())
}

/// Whoever dies while it reads a message alone has written down which one.
#[tokio::test(flavor = "multi_thread")]
async fn message_that_kills_its_worker_is_found_out_and_left_out() -> Result<()> {
    let odd = Odd {
        fates: [(40, Fate::Close)].into(),
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", letters(50))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = between(&source, &destination)?;
    while mailbox.ledger.all_chunks().iter().all(|chunk| chunk.trials.is_none()) {
        ensure!(pass(&mailbox, Pass::First).await.is_err());
        mailbox.ledger.end_leases();
    }
    source.set(|odd| odd.fates = [(40, Fate::Silence)].into());
    for _ in 0..3 {
        let killed = tokio::time::timeout(Duration::from_secs(1), pass(&mailbox, Pass::First)).await;
        ensure!(killed.is_err(), "{killed:?}");
        mailbox.ledger.end_leases();
    }
    pass(&mailbox, Pass::First).await?;
    let others: Vec<u32> = (1..=50).filter(|uid| *uid != 40).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    assert_eq!(exceptions(&mailbox).len(), 1);
    Ok(())
}

/// A line that breaks now and then is no message's fault.
#[tokio::test(flavor = "multi_thread")]
async fn message_that_breaks_the_connection_once_is_copied() -> Result<()> {
    let odd = Odd {
        fates: [(1, Fate::Close)].into(),
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", letters(20))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = between(&source, &destination)?;
    ensure_breaks_off(&mailbox, 2).await?;
    source.set(|odd| odd.fates.clear());
    pass(&mailbox, Pass::First).await?;
    assert_eq!(copied(&destination, "INBOX"), (1..=20).collect::<Vec<_>>());
    assert_eq!(exceptions(&mailbox), []);
    Ok(())
}

/// A message that is longer than what the line carries at once breaks it each time too.
#[tokio::test(flavor = "multi_thread")]
async fn message_that_is_too_long_for_the_line_is_copied_over_a_better_one() -> Result<()> {
    let mut all = letters(60);
    all[29].body.extend(b"a line of a long letter\r\n".repeat(1600));
    let source = OddServer::start(Odd::default(), &[("INBOX", all)]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let line = Proxy::start(source.address, Network::default())?;
    let mut mailbox = between(&source, &destination)?;
    mailbox.source.endpoint.port = line.port();
    let cut = Cut {
        after_bytes: 32_000,
        direction: Direction::ToClient,
        ending: Ending::Close,
        each: true,
    };
    line.set_network(Network {
        cut: Some(cut),
        ..Network::default()
    });
    ensure_breaks_off(&mailbox, 12).await?;
    let others: Vec<u32> = (1..=60).filter(|uid| *uid != 30).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    line.set_network(Network::default());
    pass(&mailbox, Pass::First).await?;
    assert_eq!(copied(&destination, "INBOX"), (1..=60).collect::<Vec<_>>());
    assert_eq!(exceptions(&mailbox), []);
    Ok(())
}

/// Nothing else can be read there to see whether the line holds, so the message is tried for longer.
#[tokio::test(flavor = "multi_thread")]
async fn lone_message_that_breaks_the_connection_is_left_out_after_minutes() -> Result<()> {
    let odd = Odd {
        fates: [(100, Fate::Close)].into(),
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", vec![letter(100)]), ("Other", letters(3))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = between(&source, &destination)?;
    ensure_breaks_off(&mailbox, 12).await?;
    assert_eq!(exceptions(&mailbox), []);
    age_trials(&mailbox, 300).await?;
    pass(&mailbox, Pass::First).await?;
    let codes: Vec<_> = exceptions(&mailbox)
        .into_iter()
        .map(|(uid, code, _)| (uid, code))
        .collect();
    assert_eq!(codes, [(100, "UNREADABLE".to_owned())]);
    assert_eq!(copied(&destination, "Other"), [1, 2, 3]);
    Ok(())
}

/// Dovecot (2.3, 2022) refuses to list a folder in which there is a message whose size it cannot tell.
#[tokio::test(flavor = "multi_thread")]
async fn message_whose_size_is_not_told_is_named_and_all_others_are_copied() -> Result<()> {
    let odd = Odd {
        unsized_uids: vec![13],
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", letters(40)), ("Other", letters(3))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = between(&source, &destination)?;
    pass(&mailbox, Pass::First).await?;
    let others: Vec<u32> = (1..=40).filter(|uid| *uid != 13).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    assert_eq!(copied(&destination, "Other"), [1, 2, 3]);
    let named = exceptions(&mailbox);
    ensure!(
        matches!(&named[..], [(13, code, _)] if code == "UNREADABLE"),
        "{named:?}"
    );
    Ok(())
}
