//! Logins by access token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::error::ImapError;
use super::super::login::Credentials;
use super::login::{RICH, WELCOME, opened, refused};

const TOKENS: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n";
const BEARERS: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER] ready\r\n";

fn token() -> Credentials {
    Credentials::Token {
        mailbox: "joe,=@example.test".to_owned(),
        token: "ya29.secret-token".into(),
    }
}

/// RFC 7628, section 3: the status in the challenge, 0x01 as the answer to it.
#[tokio::test]
async fn access_token_is_sent_as_a_bearers() {
    let steps = vec![
        ("", BEARERS),
        ("A0001 AUTHENTICATE OAUTHBEARER\r\n", "+ \r\n"),
        ("\r\n", WELCOME),
    ];
    let (result, lines) = opened(steps, &token()).await;
    assert!(result.unwrap().has("UIDPLUS"));
    let said = "n,a=joe=2C=3D@example.test,\x01auth=Bearer ya29.secret-token\x01\x01";
    assert_eq!(lines[1], STANDARD.encode(said));

    let status = STANDARD.encode("{\"status\":\"invalid_token\",\"scope\":\"https://mail.example.test/\"}");
    let challenge = format!("+ {status}\r\n").leak();
    let answers = [
        "+ \r\n",
        challenge,
        "A0001 NO [AUTHENTICATIONFAILED] ya29.secret-token\r\n",
    ];
    let (text, passing) = refused(&token(), BEARERS, &answers).await;
    assert_eq!(
        text,
        "[AUTHENTICATIONFAILED] ***: the access token is not valid, or not any more"
    );
    assert!(!passing);
}

/// Google's and Microsoft's form of it (as documented in 2026): nothing as the answer to a status.
#[tokio::test]
async fn access_token_is_sent_as_google_and_microsoft_take_it() {
    let said = STANDARD.encode("user=joe,=@example.test\x01auth=Bearer ya29.secret-token\x01\x01");
    let steps = vec![("", TOKENS), ("A0001 AUTHENTICATE XOAUTH2 dXNlcj1q", WELCOME)];
    let (result, lines) = opened(steps, &token()).await;
    assert!(result.is_ok());
    assert_eq!(lines, [format!("A0001 AUTHENTICATE XOAUTH2 {said}")]);

    let status = STANDARD.encode("{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"https://mail.google.com/\"}");
    let steps = vec![
        ("", TOKENS),
        ("\r\n", &*format!("+ {status}\r\n").leak()),
        ("\r\n", "A0001 NO SASL authentication failed\r\n"),
    ];
    let (result, lines) = opened(steps, &token()).await;
    assert_eq!(lines.get(1).map(String::as_str), Some(""));
    let text = result.unwrap_err().to_string();
    assert!(
        text.ends_with("failed: the access token is malformed, or not for this mailbox"),
        "{text}"
    );
}

#[tokio::test]
async fn access_token_is_not_sent_where_the_server_takes_none() {
    let (result, lines) = opened(vec![("", RICH)], &token()).await;
    assert!(matches!(result, Err(ImapError::LoginRefused { passing: false, .. })));
    assert!(lines.is_empty(), "{lines:?}");
}
