//! Servers that say what large providers say.

use std::time::Duration;

use mailvan::domain::CheckCode;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::{Subject, is, server};

/// A server that greets, and answers each command with the last of these whose name it has; `%` stands
/// for the command's tag.
pub async fn scripted(greeting: &'static str, answers: &'static [(&'static str, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                if writer.write_all(format!("{greeting}\r\n").as_bytes()).await.is_err() {
                    return;
                }
                while let Ok(Some(line)) = lines.next_line().await {
                    let tag = line.split(' ').next().unwrap_or_default();
                    let command = line.split(' ').nth(1).unwrap_or_default();
                    let known = answers.iter().find(|(name, _)| name.eq_ignore_ascii_case(command));
                    let answer = known.map_or("% OK done\r\n", |(_, answer)| *answer).replace('%', tag);
                    if writer.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_counts_slowly_is_no_fault() {
    let destination = server("provider", |_| ());
    // It answers STATUS in half an hour.
    let answers = &[
        ("AUTHENTICATE", "% OK [CAPABILITY IMAP4rev1] done\r\n"),
        ("LIST", "* LIST () \"/\" INBOX\r\n% OK done\r\n"),
        ("STATUS", ""),
    ];
    let port = scripted(GREETING, answers).await;
    let mut subject = Subject::between(port, destination.port());
    subject.within = Duration::from_secs(22);
    let looked = subject.look().await;
    assert_eq!((looked.size, looked.findings), (None, Vec::new()));
}

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready";

#[tokio::test]
async fn words_of_large_providers_are_understood() {
    let destination = server("provider", |_| ());
    for (greeting, answers, code) in [
        (
            GREETING,
            &[(
                "AUTHENTICATE",
                "% NO [ALERT] Application-specific password required: https://support.example (Failure)\r\n",
            )] as &[_],
            CheckCode::SourceAppPasswordNeeded,
        ),
        (
            GREETING,
            &[(
                "AUTHENTICATE",
                "% NO [ALERT] Your account is not enabled for IMAP use. (Failure)\r\n",
            )],
            CheckCode::SourceImapDisabled,
        ),
        (
            GREETING,
            &[(
                "AUTHENTICATE",
                "% NO [ALERT] Please log in via your web browser: https://support.example (Failure)\r\n",
            )],
            CheckCode::SourceLoginBlocked,
        ),
        (
            GREETING,
            &[
                ("AUTHENTICATE", "% OK [CAPABILITY IMAP4rev1] done\r\n"),
                ("LIST", "% NO Mailbox index is corrupted\r\n"),
            ],
            CheckCode::SourceFoldersUnreadable,
        ),
        (
            GREETING,
            &[("AUTHENTICATE", "* BYE Too many connections from this address\r\n")],
            CheckCode::SourceTooManyConnections,
        ),
        (
            GREETING,
            &[
                ("AUTHENTICATE", "% OK [CAPABILITY IMAP4rev1] done\r\n"),
                ("LIST", "% BAD User is authenticated but not connected.\r\n"),
            ],
            CheckCode::SourceMailboxUnreachable,
        ),
        (
            "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2] ready",
            &[],
            CheckCode::SourceOauthNeeded,
        ),
        ("220 mail.example.com ESMTP ready", &[], CheckCode::SourceNotImap),
        ("* PREAUTH welcome", &[], CheckCode::SourceNotImap),
        ("* BYE Server is down for maintenance", &[], CheckCode::SourceBusy),
    ] {
        let port = scripted(greeting, answers).await;
        let fault = Subject::between(port, destination.port()).fault().await;
        is(&fault, code);
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_out_of_reach() {
    let destination = server("provider", |_| ());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let fault = Subject::between(port, destination.port()).fault().await;
    is(&fault, CheckCode::SourceUnreachable);
}
