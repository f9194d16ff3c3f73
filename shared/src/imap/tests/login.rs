//! Logins: how many round trips they take, and what is left of a server's words.

use super::super::capability::Capabilities;
use super::super::connect::greeted;
use super::super::error::ImapError;
use super::super::login::{Credentials, log_in};
use super::super::login_stream::LoginStream;
use super::super::sasl::Proof;
use super::{IDLE, Steps, scripted};

pub(super) const RICH: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n";
const LOGIN_ONLY: &str = "* OK [CAPABILITY IMAP4rev1] ready\r\n";
pub(super) const WELCOME: &str = "A0001 OK [CAPABILITY IMAP4rev1 UIDPLUS] Logged in\r\n";

fn own(user: &str, password: &str) -> Credentials {
    Credentials::Own {
        user: user.to_owned(),
        password: password.into(),
    }
}

fn joe() -> Credentials {
    own("joe", "hunter2")
}

/// Greeting and login: what the server can do then, and the lines that it was sent.
pub(super) async fn opened(steps: Steps, credentials: &Credentials) -> (Result<Capabilities, ImapError>, Vec<String>) {
    let (session, server) = scripted(steps);
    let opening = async {
        let session = greeted("test", session.into_wire()).await?;
        let session = log_in(session, credentials, IDLE).await?;
        Ok(session.capabilities().clone())
    };
    let capabilities = opening.await;
    let lines = server.await.unwrap().lines().map(str::to_owned).collect();
    (capabilities, lines)
}

/// Each line that is sent waits for an answer: a round trip.
async fn round_trips(steps: Steps) -> usize {
    let (capabilities, lines) = opened(steps, &joe()).await;
    assert!(capabilities.unwrap().has("UIDPLUS"));
    lines.len()
}

/// What is left of the server's words after a refused login, and whether it may pass.
pub(super) async fn refused(
    credentials: &Credentials,
    greeting: &'static str,
    answers: &[&'static str],
) -> (String, bool) {
    let mut steps = vec![("", greeting)];
    steps.extend(answers.iter().map(|answer| ("\r\n", *answer)));
    let (result, lines) = opened(steps, credentials).await;
    assert!(lines[0].starts_with("A0001"), "{lines:?}");
    match result {
        Err(ImapError::LoginRefused { text, passing }) => (text, passing),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn login_takes_one_round_trip_where_the_server_tells_what_it_can_do() {
    // Dovecot 2.3 and Gmail (2026): in the status of the login, or in data before it.
    for answer in [
        WELCOME,
        "* CAPABILITY IMAP4rev1 UIDPLUS\r\nA0001 OK joe@example.test authenticated (Success)\r\n",
    ] {
        let steps = vec![("", RICH), ("A0001 AUTHENTICATE PLAIN AGpvZQBodW50ZXIy\r\n", answer)];
        assert_eq!(round_trips(steps).await, 1);
    }
}

#[tokio::test]
async fn what_the_server_does_not_tell_is_asked_for() {
    let steps = vec![
        ("", "* OK ready\r\n"),
        ("v1 CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nv1 OK\r\n"),
        ("A0001 AUTHENTICATE PLAIN\r\n", "+ \r\n"),
        ("AGpvZQBodW50ZXIy\r\n", "A0001 OK\r\n"),
        ("v2 CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS\r\nv2 OK\r\n"),
    ];
    assert_eq!(round_trips(steps).await, 4);
    let steps = vec![
        ("", LOGIN_ONLY),
        ("A0001 LOGIN \"joe\" \"hunter2\"\r\n", "A0001 OK\r\n"),
        ("v1 CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS\r\nv1 OK\r\n"),
    ];
    assert_eq!(round_trips(steps).await, 2);
}

/// async-imap 0.12 cannot read a list without IMAP4rev1 (tried in 2026).
#[tokio::test]
async fn capabilities_that_do_not_name_imap4rev1_are_believed() {
    let steps = vec![
        ("", "* OK ready\r\n"),
        ("v1 CAPABILITY", "* CAPABILITY SASL-IR AUTH=PLAIN\r\nv1 OK\r\n"),
        (
            "A0001 AUTHENTICATE PLAIN AGpvZQBodW50ZXIy\r\n",
            "* CAPABILITY LITERAL+ UIDPLUS\r\nA0001 OK\r\n",
        ),
    ];
    assert_eq!(round_trips(steps).await, 2);
    let steps = vec![
        ("", "* OK [CAPABILITY SASL-IR AUTH=PLAIN] ready\r\n"),
        (
            "A0001 AUTHENTICATE PLAIN A",
            "A0001 OK [CAPABILITY UIDPLUS] Logged in\r\n",
        ),
    ];
    assert_eq!(round_trips(steps).await, 1);
}

#[tokio::test]
async fn greeting_and_login_may_be_spelt_as_servers_do() {
    for (asked, answer) in [
        // Without a space, with words instead of base64: both were met with Courier and older Exchange.
        ("+\r\n", "A0001 OK größer\r\n"),
        ("+ go ahead\r\n", "A0001 OK [CAPABILITY IMAP4rev1 UIDPLUS] größer\r\n"),
        // async-imap 0.12 panics at a multibyte character right behind a code (tried in 2026).
        ("+ \r\n", "A0001 OK [READ-WRITE]größer\r\n"),
        ("+ \r\n", "* XYZZY (\r\n* OK [ALERT]ä\r\nA0001 OK [X] {5}\r\n"),
    ] {
        let steps = vec![
            ("", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN]größer\r\n"),
            ("A0001 AUTHENTICATE PLAIN\r\n", asked),
            ("AGpvZQBodW50ZXIy\r\n", answer),
            ("v1 CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS\r\nv1 OK\r\n"),
        ];
        let steps = steps.into_iter().take(if answer.contains("UIDPLUS") { 3 } else { 4 });
        assert!(opened(steps.collect(), &joe()).await.0.is_ok(), "{answer}");
    }
}

#[tokio::test]
async fn password_repeated_by_the_server_is_hidden() {
    let (text, _) = refused(&joe(), LOGIN_ONLY, &["A0001 NO bad password hunter2\r\n"]).await;
    assert_eq!(text, "bad password ***");
    let echo = "A0001 BAD UNKNOWN COMMAND: LOGIN \"JOE\" \"HUNTER2\"\r\n";
    let (text, _) = refused(&joe(), LOGIN_ONLY, &[echo]).await;
    assert!(text.contains("***") && !text.contains("HUNTER"), "{text}");
}

#[tokio::test]
async fn password_at_the_end_of_what_is_kept_is_hidden() {
    let echo = format!("A0001 NO {}hunter2\r\n", "x".repeat(297)).leak();
    let (text, _) = refused(&joe(), LOGIN_ONLY, &[echo]).await;
    assert!(!text.contains("hun"), "{text}");
    let goodbye = "* BYE hunter2, I do not know you\r\n";
    let (result, _) = opened(vec![("", LOGIN_ONLY), ("A0001", goodbye)], &joe()).await;
    let error = result.unwrap_err();
    assert!(
        matches!(&error, ImapError::Bye { text, .. } if text.starts_with("***")),
        "{error}"
    );
}

#[tokio::test]
async fn quoted_password_repeated_by_the_server_is_hidden() {
    let echo = "A0001 BAD what is LOGIN \"joe\" \"hun\\\"t\\\\er2\" or hun\"t\\er2?\r\n";
    let (text, _) = refused(&own("joe", "hun\"t\\er2"), LOGIN_ONLY, &[echo]).await;
    assert!(!text.contains("hun") && !text.contains("er2"), "{text}");
}

#[tokio::test]
async fn password_that_is_a_word_of_the_protocol_does_no_harm() {
    for password in ["OK", "A0001", "NO", "+", "*", " ", "[CAPABILITY", "IMAP4rev1"] {
        let steps = vec![("", LOGIN_ONLY), ("A0001 LOGIN", WELCOME)];
        assert!(opened(steps, &own("joe", password)).await.0.is_ok(), "{password}");
        refused(&own("joe", password), LOGIN_ONLY, &["A0001 NO no\r\n"]).await;
    }
}

#[tokio::test]
async fn sasl_response_repeated_by_the_server_is_hidden_even_where_it_is_cut() {
    let (text, _) = refused(&joe(), RICH, &["A0001 BAD no PLAIN AGpvZQBodW50ZXIy\r\n"]).await;
    assert_eq!(text, "no PLAIN ***");
    let (text, _) = refused(&joe(), RICH, &["A0001 BAD no PLAIN AGpvZQBodW50 (cut)\r\n"]).await;
    assert_eq!(text, "no PLAIN *** (cut)");
}

#[tokio::test]
async fn too_many_connections_are_not_a_wrong_password() {
    let busy = "A0001 NO Maximum number of connections from user+IP exceeded\r\n";
    assert!(refused(&joe(), LOGIN_ONLY, &[busy]).await.1);
    let unavailable = "A0001 NO [UNAVAILABLE] Temporary authentication failure.\r\n";
    assert!(refused(&joe(), LOGIN_ONLY, &[unavailable]).await.1);
    let wrong = refused(&joe(), RICH, &["A0001 NO [AUTHENTICATIONFAILED] Wrong.\r\n"]).await;
    assert_eq!(wrong, ("[AUTHENTICATIONFAILED] Wrong.".to_owned(), false));
    let wrong = "A0001 NO limit is no good password\r\n";
    assert!(
        !refused(&own("joe", "limit"), LOGIN_ONLY, &[wrong]).await.1,
        "a password is no sign"
    );
}

#[tokio::test]
async fn no_password_is_sent_where_the_server_takes_none() {
    let steps = vec![("", "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED STARTTLS] ready\r\n")];
    let (result, lines) = opened(steps, &joe()).await;
    assert!(matches!(result, Err(ImapError::LoginRefused { passing: false, .. })));
    assert!(lines.is_empty(), "{lines:?}");
}

#[tokio::test]
async fn server_that_asks_again_and_again_is_not_told_the_password_for_ever() {
    let mut steps = vec![("", RICH)];
    steps.extend(std::iter::repeat_n(("\r\n", "+ \r\n"), 4));
    let (result, lines) = opened(steps, &joe()).await;
    assert!(
        matches!(result, Err(ImapError::Unreadable { command: "login", .. })),
        "{result:?}"
    );
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn what_is_not_an_imap_server_is_told_at_once() {
    for greeting in [
        "220 mail.example.test ESMTP\r\n",
        "+OK POP3 ready\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "* NO not today\r\n",
        "* 3 EXISTS\r\n",
        "\r\n",
    ] {
        let (result, lines) = opened(vec![("", greeting)], &joe()).await;
        let error = result.unwrap_err();
        assert!(
            matches!(
                error,
                ImapError::Unreadable {
                    command: "greeting",
                    ..
                }
            ),
            "{greeting}: {error}"
        );
        assert!(lines.is_empty());
    }
}

/// Nobody could tell whose mailbox it is, and a server that greets so takes no STARTTLS any more.
#[tokio::test]
async fn preauthenticated_connection_is_not_used() {
    let (result, lines) = opened(vec![("", "* PREAUTH welcome\r\n")], &joe()).await;
    assert!(matches!(result, Err(ImapError::Preauthenticated { .. })));
    assert!(lines.is_empty());
}

#[tokio::test]
async fn goodbye_instead_of_an_answer_is_told_in_the_servers_words() {
    // Yandex (2026): BYE again and again.
    let endless = "* BYE [ALERT] too many connections\r\n".repeat(1000).leak();
    for steps in [vec![("", &*endless)], vec![("", RICH), ("A0001", endless)]] {
        let (result, _) = opened(steps, &joe()).await;
        let error = result.unwrap_err();
        assert!(
            matches!(&error, ImapError::Bye { text, .. } if text == "[ALERT] too many connections"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn end_of_stream_within_a_login_is_an_error() {
    for steps in [
        vec![],
        vec![("", "* OK rea")],
        vec![("", RICH), ("A0001", "")],
        vec![("", RICH), ("A0001", "* CAPABILITY IMAP4rev1\r\nA0001 OK")],
    ] {
        let (result, _) = opened(steps, &joe()).await;
        assert!(matches!(result, Err(ImapError::Closed { .. })), "{result:?}");
    }
    for answer in ["A0001 HELLO\r\n", "A0002 OK\r\n", " OK\r\n"] {
        let (result, _) = opened(vec![("", RICH), ("A0001", answer)], &joe()).await;
        assert!(
            matches!(result, Err(ImapError::Unreadable { command: "login", .. })),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn debug_shows_nothing_of_what_is_on_its_way() {
    use tokio::io::AsyncWriteExt as _;
    let (session, _server) = scripted(vec![]);
    let (mut session, credentials) = (session, joe());
    session.write("APPEND", b"secret body").await.unwrap();
    session.framer.buffer().extend_from_slice(b"secret body");
    assert!(!format!("{session:?}").contains("secret"));
    let proof = Proof::choose(&credentials, session.capabilities()).unwrap();
    let mut stream = LoginStream::new(session, proof);
    stream.write_all(b"A0001 LOGIN joe hunter2").await.unwrap();
    let shown = format!("{stream:?} {proof:?} {credentials:?}");
    assert!(!shown.contains("secret") && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("104, 117"), "{shown}");
}
