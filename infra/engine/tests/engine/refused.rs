//! What a destination refuses, and what a source says wrongly of its messages.

use anyhow::{Result, ensure};
use mailvan::domain::{CopyOptions, ExceptionClass, Pass};
use mailvan::sync::Mailbox;
use mailvan_engine::MemoryLedger;

use crate::odd_server::{Message, Odd, OddServer, Refusal};
use crate::servers::{between, pass};
use crate::unreadable::letter;

/// Messages with and without keywords, and with and without NUL, of which there are two.
fn awkward() -> Vec<Message> {
    let make = |uid: u32| {
        let mut message = letter(uid);
        if uid.is_multiple_of(2) {
            message.flags.push_str(" $Later");
        }
        if uid > 4 {
            message.body.extend(b"\0 and\0");
        }
        message
    };
    (1..=6).map(make).collect()
}

async fn copied(refusal: Refusal, repair: bool) -> Result<(Mailbox<MemoryLedger>, Vec<Message>)> {
    let source = OddServer::start(Odd::default(), &[("INBOX", awkward())]).await?;
    let odd = Odd {
        refusal: Some(refusal),
        ..Odd::default()
    };
    let destination = OddServer::start(odd, &[]).await?;
    let mailbox = Mailbox {
        options: CopyOptions {
            repair,
            ..CopyOptions::default()
        },
        ..between(&source, &destination)?
    };
    pass(&mailbox, Pass::First).await?;
    Ok((mailbox, destination.messages("INBOX")))
}

/// UIDs and codes of what is noted, and how many messages are without some of their flags.
fn noted(mailbox: &Mailbox<MemoryLedger>) -> (Vec<(u32, String)>, i64) {
    let chunks = mailbox.ledger.all_chunks();
    let exceptions = chunks.iter().flat_map(|chunk| &chunk.exceptions);
    let mut noted: Vec<_> = exceptions.map(|one| (one.uid, one.code.clone())).collect();
    noted.sort();
    (noted, chunks.iter().map(|chunk| chunk.dropped.messages).sum())
}

fn repaired(uids: &[u32]) -> Vec<(u32, String)> {
    uids.iter().map(|uid| (*uid, "REPAIRED".to_owned())).collect()
}

fn no_keywords(flags: &str, _: &[u8]) -> Option<&'static str> {
    flags.contains('$').then_some("Invalid keyword")
}

fn no_nul(_: &str, body: &[u8]) -> Option<&'static str> {
    body.contains(&0).then_some("Message contains NUL characters")
}

fn neither(flags: &str, body: &[u8]) -> Option<&'static str> {
    no_keywords(flags, body).or_else(|| no_nul(flags, body))
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_keywords_are_left_off_and_counted() -> Result<()> {
    let (mailbox, there) = copied(no_keywords, false).await?;
    assert_eq!(there.len(), 6);
    ensure!(there.iter().all(|message| message.flags == "\\Seen"));
    assert_eq!(noted(&mailbox), (Vec::new(), 3));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_bytes_are_repaired_where_that_is_asked_for_and_keep_their_keywords() -> Result<()> {
    let (mailbox, there) = copied(no_nul, true).await?;
    assert_eq!(there.len(), 6);
    let later = there.iter().filter(|message| message.flags.contains("$Later"));
    assert_eq!(later.count(), 3);
    ensure!(there.iter().all(|message| !message.body.contains(&0)));
    assert_eq!(noted(&mailbox), (repaired(&[5, 6]), 0));
    let (mailbox, there) = copied(no_nul, false).await?;
    assert_eq!(there.len(), 4);
    assert_eq!(noted(&mailbox).0.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_is_repaired_also_where_its_keywords_are_refused() -> Result<()> {
    let (mailbox, there) = copied(neither, true).await?;
    assert_eq!(there.len(), 6, "{there:?}");
    ensure!(
        there
            .iter()
            .all(|message| message.flags == "\\Seen" && !message.body.contains(&0))
    );
    assert_eq!(noted(&mailbox), (repaired(&[5, 6]), 3));
    Ok(())
}

fn by_what_it_says(_: &str, body: &[u8]) -> Option<&'static str> {
    let says = |words: &str| String::from_utf8_lossy(body).contains(words);
    match () {
        () if says("letter 2\r") => Some("[TOOBIG] Message too large."),
        () if says("letter 3\r") => Some("Message size exceeds fixed limit"),
        () if says("letter 4\r") => Some("Message contains bare newlines"),
        () if says("letter 5\r") => Some("[ALERT] Unable to send E-mail message."),
        () => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_messages_are_named_with_the_class_and_the_words() -> Result<()> {
    let letters: Vec<Message> = (1..=6).map(letter).collect();
    let source = OddServer::start(Odd::default(), &[("INBOX", letters)]).await?;
    let odd = Odd {
        refusal: Some(by_what_it_says),
        ..Odd::default()
    };
    let destination = OddServer::start(odd, &[]).await?;
    let mailbox = between(&source, &destination)?;
    pass(&mailbox, Pass::First).await?;
    assert_eq!(destination.messages("INBOX").len(), 2);
    let chunks = mailbox.ledger.all_chunks();
    let mut named: Vec<_> = chunks
        .iter()
        .flat_map(|chunk| &chunk.exceptions)
        .map(|one| {
            (
                one.uid,
                one.class.map_or("", ExceptionClass::as_str),
                one.code.as_str(),
                one.text.as_str(),
            )
        })
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            (2, "too_large", "TOOBIG", "Message too large."),
            (3, "too_large", "", "Message size exceeds fixed limit"),
            (4, "invalid", "", "Message contains bare newlines"),
            (5, "other", "ALERT", "Unable to send E-mail message."),
        ]
    );
    Ok(())
}

fn no_keywords_then_full(flags: &str, body: &[u8]) -> Option<&'static str> {
    no_keywords(flags, body).or(Some("[ALERT] You exceeded your mail quota."))
}

/// Courier (5.0) has no code for it.
#[tokio::test(flavor = "multi_thread")]
async fn full_mailbox_stops_also_where_another_form_of_a_message_meets_it() -> Result<()> {
    let mut mail = letter(1);
    mail.flags.push_str(" $Later");
    let source = OddServer::start(Odd::default(), &[("INBOX", vec![mail])]).await?;
    let odd = Odd {
        refusal: Some(no_keywords_then_full),
        ..Odd::default()
    };
    let destination = OddServer::start(odd, &[]).await?;
    let mailbox = between(&source, &destination)?;
    let failed = pass(&mailbox, Pass::First).await.unwrap_err();
    ensure!(failed.to_string().contains("is full"), "{failed}");
    assert_eq!(noted(&mailbox).0, []);
    Ok(())
}

/// Without `\*` in PERMANENTFLAGS, new keywords are not even tried (RFC 9051, section 7.1).
#[tokio::test(flavor = "multi_thread")]
async fn keywords_that_the_destination_does_not_keep_are_counted() -> Result<()> {
    let source = OddServer::start(Odd::default(), &[("INBOX", awkward())]).await?;
    let odd = Odd {
        permanent_flags: Some("\\Seen \\Answered"),
        refusal: Some(no_keywords),
        ..Odd::default()
    };
    let destination = OddServer::start(odd, &[]).await?;
    let mailbox = between(&source, &destination)?;
    pass(&mailbox, Pass::First).await?;
    assert_eq!(destination.messages("INBOX").len(), 6);
    assert_eq!(noted(&mailbox), (Vec::new(), 3));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_beyond_the_append_limit_is_not_sent() -> Result<()> {
    let mut large = letter(2);
    large.body.extend([b'x'; 5000]);
    let source = OddServer::start(Odd::default(), &[("INBOX", vec![letter(1), large, letter(3)])]).await?;
    let odd = Odd {
        capabilities: "APPENDLIMIT=4096",
        ..Odd::default()
    };
    let destination = OddServer::start(odd, &[]).await?;
    let mailbox = between(&source, &destination)?;
    pass(&mailbox, Pass::First).await?;
    assert_eq!(destination.messages("INBOX").len(), 2);
    assert_eq!(noted(&mailbox).0, [(2, "TOOBIG".to_owned())]);
    Ok(())
}

/// Exchange (2023) counts RFC822.SIZE before it converts the message; Zimbra (2023) has header and body disagree.
#[tokio::test(flavor = "multi_thread")]
async fn messages_whose_sizes_are_told_wrongly_are_copied_whole() -> Result<()> {
    let mut large = letter(2);
    large.body.extend(vec![b'x'; (1 << 20) + 77]);
    let letters = vec![letter(1), large, letter(3)];
    for excess in [1, 900, -1, -900] {
        let odd = Odd {
            excess,
            ..Odd::default()
        };
        let source = OddServer::start(odd, &[("INBOX", letters.clone())]).await?;
        let destination = OddServer::start(Odd::default(), &[]).await?;
        let mailbox = between(&source, &destination)?;
        pass(&mailbox, Pass::First).await?;
        let mut there: Vec<Vec<u8>> = destination
            .messages("INBOX")
            .into_iter()
            .map(|message| message.body)
            .collect();
        let mut expected: Vec<Vec<u8>> = letters.iter().map(|message| message.body.clone()).collect();
        there.sort();
        expected.sort();
        ensure!(there == expected, "{excess}: {} messages", there.len());
        assert_eq!(noted(&mailbox), (Vec::new(), 0));
    }
    Ok(())
}

/// A destination that makes its folders anew in the middle of a pass: the folder waits for the final pass, which
/// matches it, and nothing is there twice.
#[tokio::test(flavor = "multi_thread")]
async fn folder_made_anew_within_a_pass_is_matched_in_the_final_one() -> Result<()> {
    let letters: Vec<Message> = (1..=40).map(letter).collect();
    let source = OddServer::start(Odd::default(), &[("INBOX", letters)]).await?;
    let odd = Odd {
        renewed_after: Some(10),
        ..Odd::default()
    };
    let destination = OddServer::start(odd, &[]).await?;
    let mut mailbox = between(&source, &destination)?;
    mailbox.limits.chunk_messages = 10;
    pass(&mailbox, Pass::First).await?;
    pass(&mailbox, Pass::Final).await?;
    assert_eq!(destination.messages("INBOX").len(), 40);
    Ok(())
}
