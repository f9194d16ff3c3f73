//! Compressed sessions: bytes in any pieces, flushes that carry everything, and what is no DEFLATE.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::super::error::ImapError;
use super::super::session::Session;
use super::{IDLE, capable};

const OFFER: &[u8] = b"* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE\r\nv1 OK\r\n";

/// The server's side of a compressed connection.
struct Peer {
    wire: DuplexStream,
    deflate: Compress,
    inflate: Decompress,
}

impl Peer {
    /// Reads a line that is not compressed and answers it.
    async fn plain(wire: &mut DuplexStream, expected: &str, answer: &[u8]) {
        let mut line = vec![0; expected.len()];
        wire.read_exact(&mut line).await.unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), expected);
        wire.write_all(answer).await.unwrap();
    }

    fn compressed(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 1000);
        self.deflate.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        out
    }

    /// Reads until so much has come out, and not a byte more is needed for it.
    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(length + 1);
        while text.len() < length {
            let mut part = vec![0; 1000];
            let count = self.wire.read(&mut part).await.unwrap();
            assert!(count > 0, "{} of {length}", text.len());
            let before = self.inflate.total_in();
            self.inflate
                .decompress_vec(&part[..count], &mut text, FlushDecompress::None)
                .unwrap();
            assert_eq!(self.inflate.total_in() - before, count as u64);
        }
        text
    }
}

/// A session that has just been compressed, and the server's side of it.
async fn compressed(then: &'static [u8], room: usize) -> (Session, Peer) {
    let (ours, mut wire) = tokio::io::duplex(room);
    let server = tokio::spawn(async move {
        Peer::plain(&mut wire, "v1 CAPABILITY\r\n", OFFER).await;
        let mut peer = Peer {
            wire,
            deflate: Compress::new(Compression::best(), false),
            inflate: Decompress::new(false),
        };
        // RFC 4978 lets the server compress right behind its OK, in the same packet.
        let mut answer = b"v2 OK\r\n".to_vec();
        answer.extend(peer.compressed(then));
        Peer::plain(&mut peer.wire, "v2 COMPRESS DEFLATE\r\n", &answer).await;
        peer
    });
    let mut session = Session::new(Box::new(ours), IDLE);
    session.read_capabilities().await.unwrap();
    let session = session.compress().await.unwrap();
    (session, server.await.unwrap())
}

#[tokio::test]
async fn answers_are_the_same_when_their_bytes_come_one_at_a_time() {
    let (mut session, mut peer) = compressed(b"* 7 EXISTS\r\n", 1 << 16).await;
    let server = tokio::spawn(async move {
        let command = b"v3 EXAMINE \"INBOX\"\r\n";
        assert_eq!(peer.read(command.len()).await, command);
        let answer = peer.compressed(b"* OK [UIDVALIDITY 38505] Ok\r\n* OK [UIDNEXT 8] Ok\r\nv3 OK done\r\n");
        for byte in answer {
            peer.wire.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        peer
    });
    let selected = session.examine("INBOX").await.unwrap();
    assert_eq!(
        (selected.exists, selected.uid_validity, selected.uid_next),
        (7, 38_505, Some(8))
    );
    drop(server.await.unwrap());
    assert!(matches!(
        session.refresh().await,
        Err(ImapError::Closed { .. } | ImapError::Io { .. })
    ));
}

/// Bytes that do not compress, more of them than any buffer holds, both ways at the same time.
#[tokio::test]
async fn large_bodies_cross_in_both_directions() {
    let mut noise = vec![0_u8; 3 << 20];
    let mut state = 1_u32;
    for byte in &mut noise {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    let (mut session, mut peer) = compressed(b"", 1 << 10).await;
    let body = noise.clone();
    let server = tokio::spawn(async move {
        let head = format!("* 1 FETCH (UID 1 BODY[] {{{}}}\r\n", body.len());
        let answer = peer.compressed(&[head.as_bytes(), &body, b")\r\n"].concat());
        let (ahead, rest) = answer.split_at(700_000);
        peer.wire.write_all(ahead).await.unwrap();
        let got = peer.read(body.len() + 2).await;
        assert!(got[..body.len()] == body);
        peer.wire.write_all(rest).await.unwrap();
        let end = peer.compressed(b"v3 OK\r\n");
        peer.wire.write_all(&end).await.unwrap();
        peer.wire
    });
    let tag = session.next_tag();
    session.write("APPEND", &noise).await.unwrap();
    session.write("APPEND", b"\r\n").await.unwrap();
    session.flush("APPEND").await.unwrap();
    let mut seen = Vec::new();
    loop {
        match session.next_event("APPEND").await.unwrap() {
            super::super::session::Event::Data(data) => seen.push(data.values[0].list()[3].bytes().unwrap().clone()),
            super::super::session::Event::Done(done, _) if done == tag => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.len() == 1 && seen[0] == noise);
    server.await.unwrap();
}

#[tokio::test]
async fn each_flush_carries_everything_before_it() {
    let (mut session, mut peer) = compressed(b"", 1 << 16).await;
    let mut sizes = Vec::new();
    for size in (1..400).chain([4095, 4096, 65_535, 65_536, 65_537, 200_000]) {
        let text = vec![b'a' + u8::try_from(size % 23).unwrap(); size];
        let (written, got) = tokio::join!(
            async {
                session.write("NOOP", &text).await?;
                session.flush("NOOP").await?;
                session.flush("NOOP").await
            },
            peer.read(size)
        );
        written.unwrap();
        assert!(got == text, "{size}");
        sizes.push(peer.inflate.total_in());
    }
    // Two flushes in a row are one marker: a byte or two, and five for the marker.
    assert!(sizes[1] - sizes[0] < 12, "{sizes:?}");
}

#[tokio::test]
async fn what_is_no_deflate_is_an_error() {
    for garbage in [&b"* BYE plain text\r\n"[..], &[0xff; 64], &[0x78, 0x9c, 0x01, 0x02]] {
        let (mut session, mut peer) = compressed(b"", 1 << 16).await;
        peer.wire.write_all(garbage).await.unwrap();
        drop(peer);
        let result = session.refresh().await;
        assert!(
            matches!(result, Err(ImapError::Io { .. } | ImapError::Closed { .. })),
            "{result:?}"
        );
    }
    // The end of the compressed stream, where only the connection's end is expected.
    let (mut session, mut peer) = compressed(b"", 1 << 16).await;
    let mut end = Vec::with_capacity(100);
    let text = b"* 1 EXISTS\r\n";
    peer.deflate
        .compress_vec(text, &mut end, FlushCompress::Finish)
        .unwrap();
    end.extend_from_slice(b"v3 OK\r\n");
    peer.wire.write_all(&end).await.unwrap();
    assert!(matches!(
        session.refresh().await,
        Err(ImapError::Closed { command: "NOOP" })
    ));
}

#[tokio::test]
async fn compression_that_is_refused_or_not_offered_is_not_needed() {
    let offer = "* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE\r\nv1 OK\r\n";
    let refusal = ("v2 COMPRESS DEFLATE\r\n", "v2 NO [COMPRESSIONACTIVE] TLS does it\r\n");
    let (session, _server) = capable(offer, vec![refusal, ("v3 NOOP", "v3 OK\r\n")]).await;
    session.compress().await.unwrap().refresh().await.unwrap();
    let none = "* CAPABILITY IMAP4rev1 COMPRESS=LZ4\r\nv1 OK\r\n";
    let (session, _server) = capable(none, vec![("v2 NOOP", "v2 OK\r\n")]).await;
    session.compress().await.unwrap().refresh().await.unwrap();
}
