//! Arbitrary streams: valid answers, damaged ones and noise, cut anywhere, never panic, never loop and
//! say the same. `PROPTEST_CASES` sets how many are tried.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::deflate::Deflated;
use super::super::error::ImapError;
use super::super::replay::{check, pieces};
use super::super::session::{Event, Session};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9$\\\\/.&+-]{0,12}",
        "\"([a-z öß台(){}*%\\]\\[]|\\\\\\\\|\\\\\"){0,12}\"",
        // The length that is announced is not always the length that follows.
        (vec(any::<u8>(), 0..40), 0..10_u8, any::<bool>()).prop_map(|(bytes, off, binary)| {
            let body = String::from_utf8_lossy(&bytes).into_owned();
            let length = if off == 0 { body.len() / 2 } else { body.len() };
            format!("{}{{{length}}}\r\n{body}", if binary { "~" } else { "" })
        }),
        Just("NIL".to_owned()),
        Just("BODY[HEADER.FIELDS (DATE \"X-Y\")]<0.7>".to_owned()),
        any::<u64>().prop_map(|number| number.to_string()),
    ]
}

fn values() -> impl Strategy<Value = String> {
    let list = text().prop_recursive(4, 24, 6, |inner| {
        vec(inner, 0..6).prop_map(|values| format!("({})", values.join(" ")))
    });
    vec(list, 0..6).prop_map(|values| values.join(" "))
}

fn response() -> impl Strategy<Value = String> {
    prop_oneof![
        ("[0-9]{1,10}", "(FETCH|EXISTS|EXPUNGE|fetch)", values())
            .prop_map(|(number, name, values)| format!("* {number} {name} ({values})\r\n")),
        (
            "(LIST|LSUB|XLIST|STATUS|SEARCH|ESEARCH|NAMESPACE|CAPABILITY|FLAGS)",
            values()
        )
            .prop_map(|(name, values)| format!("* {name} {values}\r\n")),
        (
            "(v1|v2|\\*|A0001|)",
            "(OK|NO|BAD|BYE|PREAUTH|ok)",
            "( \\[[A-Z]{0,9}( [a-z0-9:,]{0,9})?\\])?[ a-zö{}0-9]{0,20}"
        )
            .prop_map(|(tag, kind, words)| format!("{tag} {kind}{words}\r\n")),
        "\\+( [a-zA-Z0-9=]{0,20})?\r\n",
        "[ -~]{0,20}\r?\n",
    ]
}

/// Answers as they are, and with bytes changed, put in and taken out.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let answers = vec(response(), 0..12).prop_map(|responses| responses.concat().into_bytes());
    let damage = vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 0..6);
    let damaged = (answers, damage).prop_map(|(mut stream, damage)| {
        for (place, what, byte) in damage.into_iter().filter(|_| !stream.is_empty()).collect::<Vec<_>>() {
            if stream.is_empty() {
                break;
            }
            let place = place.index(stream.len());
            match what {
                0 => stream[place] = byte,
                1 => stream.insert(place, b"(){}[]\"\\\r\n *+~<>"[usize::from(byte % 16)]),
                2 => drop(stream.remove(place)),
                _ => stream.truncate(place),
            }
        }
        stream
    });
    prop_oneof![8 => damaged, 1 => vec(any::<u8>(), 0..300), 1 => "[(){}\\[\\]\"\\\\\r\n *+~<>0-9a]{0,200}".prop_map(String::into_bytes)]
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(0..600_usize, 0..12)
}

/// What a session makes of the stream, up to the error that ends it.
fn events(pieces: Vec<Vec<u8>>) -> (Vec<String>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let server = tokio::spawn(async move {
            for piece in pieces {
                if theirs.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        let mut session = Session::new(Box::new(ours), Duration::from_secs(30));
        session.next_tag();
        let mut seen = Vec::new();
        let error = loop {
            match session.next_event("FETCH").await {
                Ok(Event::Done(tag, status)) => seen.push(format!("{tag} {status:?}")),
                Ok(event) => seen.push(format!("{event:?}")),
                Err(error) => break error,
            }
        };
        assert!(
            !matches!(error, ImapError::TimedOut { .. } | ImapError::Io { .. }),
            "{error}"
        );
        assert!(matches!(
            session.next_event("FETCH").await,
            Err(ImapError::Closed { .. })
        ));
        server.abort();
        (seen, error.to_string())
    })
}

/// What comes out of a compressed stream, at most so many bytes of it.
fn expanded(stream: &[u8]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(stream).await.unwrap();
        drop(theirs);
        let mut wire = Deflated::new(Box::new(ours), bytes::BytesMut::new()).take(1 << 20);
        let mut out = Vec::new();
        let _ = wire.read_to_end(&mut out).await;
        out.len()
    })
}

proptest! {
    #[test]
    fn any_stream_says_the_same_however_it_is_cut(stream in stream(), cuts in cuts()) {
        check(&stream, &cuts);
    }

    #[test]
    fn any_stream_is_the_same_to_a_session_and_ends(stream in stream(), cuts in cuts()) {
        let whole = events(vec![stream.clone()]);
        let cut = events(pieces(&stream, &cuts).into_iter().map(<[u8]>::to_vec).collect());
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn any_stream_may_be_fed_to_the_decompressor(stream in vec(any::<u8>(), 0..400)) {
        prop_assert!(expanded(&stream) <= 1 << 20);
    }
}
