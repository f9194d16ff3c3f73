//! Writing: what is gathered, what is not copied, and what happens while nobody reads.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::super::error::ImapError;
use super::super::session::Session;
use super::{IDLE, scripted};

/// Takes everything and notes where in memory it lay.
#[derive(Debug, Default)]
struct Sink {
    writes: Arc<Mutex<Vec<Vec<Range<usize>>>>>,
}

impl AsyncRead for Sink {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.poll_write_vectored(cx, &[std::io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let place = |slice: &std::io::IoSlice<'_>| slice.as_ptr().addr()..slice.as_ptr().addr() + slice.len();
        self.writes.lock().unwrap().push(slices.iter().map(place).collect());
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn small_parts_leave_together() {
    let sink = Sink::default();
    let writes = Arc::clone(&sink.writes);
    let mut session = Session::new(Box::new(sink), IDLE);
    for _ in 0..1000 {
        session.write("APPEND", b" () {10+}\r\n").await.unwrap();
        session.write("APPEND", b"0123456789").await.unwrap();
    }
    assert!(writes.lock().unwrap().is_empty());
    session.flush("APPEND").await.unwrap();
    session.flush("APPEND").await.unwrap();
    assert_eq!(writes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn large_body_is_written_from_where_it_lies() {
    let sink = Sink::default();
    let writes = Arc::clone(&sink.writes);
    let mut session = Session::new(Box::new(sink), IDLE);
    let body = Bytes::from(vec![b'x'; 1 << 20]);
    session.write("APPEND", b"v1 APPEND a {1048576+}\r\n").await.unwrap();
    session.write("APPEND", &body).await.unwrap();
    let writes = writes.lock().unwrap();
    let start = body.as_ptr().addr();
    assert_eq!((writes[0][0].len(), writes[0][1].start), (24, start));
    let mut at = start;
    for range in writes.iter().flatten().skip(1) {
        assert_eq!(range.start, at);
        at = range.end;
    }
    assert_eq!(at, start + body.len());
}

/// 512 KiB at 64 KiB each quarter of a second, where the idle time is a second.
#[tokio::test]
async fn large_message_on_a_slow_line_is_not_a_silent_server() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), Duration::from_secs(1));
    let reader = tokio::spawn(async move {
        let mut part = vec![0; 64 << 10];
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            theirs.read_exact(&mut part).await.unwrap();
        }
    });
    session.write("APPEND", &vec![b'x'; 512 << 10]).await.unwrap();
    reader.await.unwrap();
}

#[tokio::test]
async fn server_that_takes_nothing_is_a_timeout() {
    let (ours, _theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), Duration::from_millis(200));
    let written = session.write("APPEND", &vec![b'x'; 512 << 10]).await;
    assert!(
        matches!(written, Err(ImapError::TimedOut { command: "APPEND", .. })),
        "{written:?}"
    );
}

#[tokio::test]
async fn two_sides_that_both_write_do_not_wait_for_each_other() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), Duration::from_secs(5));
    let server = tokio::spawn(async move {
        let noise = "* 1 FETCH (FLAGS ())\r\n".repeat(4000);
        theirs.write_all(noise.as_bytes()).await.unwrap();
        let mut part = vec![0; 512 << 10];
        theirs.read_exact(&mut part).await.unwrap();
        theirs
    });
    session.write("APPEND", &vec![b'x'; 512 << 10]).await.unwrap();
    let mut events = 0;
    let theirs = server.await.unwrap();
    drop(theirs);
    while session.next_event("APPEND").await.is_ok() {
        events += 1;
    }
    assert_eq!(events, 4000);
}

/// Dovecot 2.3 and Exchange (2026) say why before they close.
#[tokio::test]
async fn last_words_are_heard_where_a_write_fails() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), IDLE);
    theirs
        .write_all(b"* 3 EXISTS\r\n* BYE Too long argument\r\n")
        .await
        .unwrap();
    drop(theirs);
    let written = session.write("APPEND", &vec![b'x'; 512 << 10]).await;
    assert!(
        matches!(&written, Err(ImapError::Bye { text, .. }) if text == "Too long argument"),
        "{written:?}"
    );

    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), IDLE);
    drop(theirs);
    let written = session.write("APPEND", &vec![b'x'; 512 << 10]).await;
    assert!(
        matches!(written, Err(ImapError::Closed { .. } | ImapError::Io { .. })),
        "{written:?}"
    );
}

#[tokio::test]
async fn lost_session_is_not_used_again() {
    let (mut session, server) = scripted(vec![("v1 NOOP", "* BYE over\r\nv1 OK\r\nv2 OK\r\n* 4 EXISTS\r\n")]);
    assert!(matches!(session.refresh().await, Err(ImapError::Bye { .. })));
    assert!(matches!(
        session.refresh().await,
        Err(ImapError::Closed { command: "NOOP" })
    ));
    assert!(matches!(
        session.examine("a").await,
        Err(ImapError::Closed { command: "EXAMINE" })
    ));
    assert!(matches!(
        session.next_event("NOOP").await,
        Err(ImapError::Closed { .. })
    ));
    drop(session);
    assert_eq!(server.await.unwrap(), "v1 NOOP\r\n");
}

/// A future that was dropped half-way leaves an answer behind, which is not the next command's.
#[tokio::test]
async fn answer_to_a_dropped_command_is_not_taken_for_another() {
    let (mut session, server) = scripted(vec![("v1 SEARCH", "* SEARCH 1 2\r\n")]);
    let dropped = tokio::time::timeout(Duration::from_millis(50), async {
        session.send("SEARCH", "SEARCH ALL").await.unwrap();
        std::future::pending::<()>().await;
    });
    dropped.await.unwrap_err();
    let result = session.run("SEARCH", "SEARCH ALL").await;
    assert!(
        matches!(result, Err(ImapError::Unreadable { command: "SEARCH", .. })),
        "{result:?}"
    );
    drop(session);
    assert_eq!(server.await.unwrap().matches("SEARCH").count(), 1);
}

#[tokio::test]
async fn status_of_a_command_that_is_not_running_is_an_error() {
    for answer in [
        "v2 OK\r\n",
        "v0 OK\r\n",
        " BAD what?\r\n",
        "a1 OK\r\n",
        "v1 HELLO\r\n",
        "v1\r\n",
    ] {
        let (mut session, _server) = scripted(vec![("v1 NOOP", answer)]);
        let result = session.refresh().await;
        assert!(
            matches!(result, Err(ImapError::Unreadable { command: "NOOP", .. })),
            "{answer}"
        );
    }
    let (mut session, _server) = scripted(vec![("v1 NOOP", "v1 OK\r\nv1 OK\r\n"), ("v2 NOOP", "v2 OK\r\n")]);
    session.refresh().await.unwrap();
    assert!(session.refresh().await.is_err());
}
