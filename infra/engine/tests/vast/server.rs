//! A server whose one folder holds any number of messages, none of which exists.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};

/// What the server has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Folder {
    pub messages: u32,
    /// Whether it has CONDSTORE and ESEARCH.
    pub is_able: bool,
    /// How many other folders there are, which cannot be opened.
    pub closed: u32,
    /// After how many refusals it ends a session.
    pub most_refusals: Option<u32>,
}

/// Serves until the test ends, to each connection the folder as it then is.
pub async fn serve(folder: Arc<Mutex<Folder>>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let now = *folder.lock().unwrap_or_else(PoisonError::into_inner);
            tokio::spawn(talk(stream, now));
        }
    });
    Ok(address)
}

/// One in ten messages is unread.
pub fn flags(uid: u32) -> &'static str {
    if (uid / 10).is_multiple_of(10) { "" } else { "\\Seen" }
}

async fn talk(stream: TcpStream, folder: Folder) -> Result<()> {
    let (read, write) = stream.into_split();
    let (mut lines, mut out) = (BufReader::new(read).lines(), BufWriter::with_capacity(1 << 16, write));
    let able = if folder.is_able {
        " CONDSTORE ESEARCH LIST-STATUS"
    } else {
        ""
    };
    let capabilities = format!("IMAP4rev1 SASL-IR LITERAL+ UIDPLUS LIST-EXTENDED SPECIAL-USE{able}");
    out.write_all(format!("* OK [CAPABILITY {capabilities} AUTH=PLAIN] hello\r\n").as_bytes())
        .await?;
    out.flush().await?;
    let n = folder.messages;
    let modseq = if folder.is_able { " HIGHESTMODSEQ 7" } else { "" };
    let status = format!(
        "* STATUS INBOX (MESSAGES {n} UIDNEXT {} UIDVALIDITY 3{modseq})\r\n",
        n + 1
    );
    let (mut refusals, mut is_open) = (0, false);
    while let Some(line) = lines.next_line().await? {
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let upper = command.to_ascii_uppercase();
        let is_opening = upper.starts_with("SELECT") || upper.starts_with("EXAMINE");
        if upper.starts_with("CAPABILITY") {
            out.write_all(format!("* CAPABILITY {capabilities}\r\n").as_bytes())
                .await?;
        } else if upper.starts_with("LIST") {
            for number in 0..folder.closed {
                out.write_all(format!("* LIST () \"/\" a{number}\r\n").as_bytes())
                    .await?;
            }
            out.write_all(b"* LIST () \"/\" INBOX\r\n").await?;
            if upper.contains("STATUS") {
                out.write_all(status.as_bytes()).await?;
            }
        } else if upper.starts_with("STATUS \"INBOX\"") || (upper.starts_with("STATUS") && folder.closed == 0) {
            out.write_all(status.as_bytes()).await?;
        } else if upper.starts_with("STATUS") {
            let name = command.split(' ').nth(1).unwrap_or_default();
            let status = format!("* STATUS {name} (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n");
            out.write_all(status.as_bytes()).await?;
        } else if (is_opening && !upper.contains("INBOX")) || (upper.starts_with("UID") && !is_open) {
            is_open = false;
            refusals += 1;
            if folder.most_refusals.is_some_and(|most| refusals > most) {
                out.write_all(b"* BYE too many errors\r\n").await?;
                out.flush().await?;
                return Ok(());
            }
            out.write_all(format!("{tag} NO not this one\r\n").as_bytes()).await?;
            out.flush().await?;
            continue;
        } else if is_opening {
            is_open = true;
            let opened = format!("* {n} EXISTS\r\n* OK [UIDVALIDITY 3]\r\n* OK [UIDNEXT {}]\r\n", n + 1);
            out.write_all(opened.as_bytes()).await?;
        } else if upper.starts_with("UID FETCH 1:") {
            let mut text = String::new();
            for uid in 1..=n {
                text.clear();
                if upper.contains("RFC822.SIZE") {
                    write!(text, "* {uid} FETCH (UID {uid} RFC822.SIZE {})\r\n", 2000 + uid % 9000)?;
                } else {
                    write!(text, "* {uid} FETCH (UID {uid} FLAGS ({}))\r\n", flags(uid))?;
                }
                out.write_all(text.as_bytes()).await?;
            }
        }
        out.write_all(format!("{tag} OK done\r\n").as_bytes()).await?;
        out.flush().await?;
    }
    Ok(())
}
