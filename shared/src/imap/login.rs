//! Proving who we are: SASL PLAIN where it is offered, else LOGIN.
//!
//! What a server says to a refused login is shown to people, and some servers repeat the command:
//! nothing leaves this module before the credentials are taken out of it.

use std::time::Duration;

use async_imap::error::Error;
use async_imap::{Authenticator, Client};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::ImapError;
use super::response::printable;
use super::session::{Session, quote};
use crate::domain::secret::Secret;

const LOGIN: &str = "login";

/// How many leading characters of a SASL response give it away: servers repeat it cut off, too.
const GIVEAWAY_CHARS: usize = 12;

/// How to prove who we are.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The mailbox's own user name and password.
    Own {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A master user acting for a mailbox: SASL PLAIN with an authorisation identity (RFC 4616).
    Master {
        /// The mailbox that is to be opened.
        mailbox: String,
        /// The master user.
        user: String,
        /// The master user's password.
        password: Secret,
    },
}

/// Logs in. The library borrows the stream for the login only: what follows is our own session.
pub(super) async fn log_in(
    mut session: Session,
    credentials: &Credentials,
    idle: Duration,
) -> Result<Session, ImapError> {
    session.read_capabilities().await?;
    let plain = Plain::from(credentials);
    let by_login = matches!(credentials, Credentials::Own { .. }) && !session.capabilities().has("AUTH=PLAIN");
    let mechanism = if session.capabilities().has("SASL-IR") {
        Zeroizing::new(format!("PLAIN {}", *plain.encoded()))
    } else {
        Zeroizing::new("PLAIN".to_owned())
    };
    let mut wire = session.into_wire();
    let client = Client::new(&mut wire);
    let answer = async {
        let answer = if by_login {
            client.login(plain.user, plain.password.expose()).await
        } else {
            client.authenticate(mechanism.as_str(), plain).await
        };
        answer.map(|_| ()).map_err(|(error, _)| error)
    };
    match tokio::time::timeout(idle, answer).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(login_error(error, plain)),
        Err(_) => {
            return Err(ImapError::TimedOut {
                command: LOGIN,
                seconds: idle.as_secs(),
            });
        }
    }
    let mut session = Session::new(wire, idle);
    session.read_capabilities().await?;
    Ok(session)
}

/// What SASL PLAIN says (RFC 4616).
#[derive(Clone, Copy)]
struct Plain<'a> {
    authorize: &'a str,
    user: &'a str,
    password: &'a Secret,
}

impl<'a> From<&'a Credentials> for Plain<'a> {
    fn from(credentials: &'a Credentials) -> Self {
        let (authorize, user, password) = match credentials {
            Credentials::Own { user, password } => ("", user, password),
            Credentials::Master {
                mailbox,
                user,
                password,
            } => (mailbox.as_str(), user, password),
        };
        Self {
            authorize,
            user,
            password,
        }
    }
}

impl Plain<'_> {
    fn response(self) -> Vec<u8> {
        format!("{}\0{}\0{}", self.authorize, self.user, self.password.expose()).into_bytes()
    }

    fn encoded(self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(Zeroizing::new(self.response())))
    }

    /// The words without the password, as it is, quoted or in a SASL response, in capitals or not.
    /// The library hands over words in `Debug` form, so that each is looked for in that form too.
    fn hidden_in(self, words: &str) -> String {
        let encoded = self.encoded();
        let giveaway = encoded.get(..GIVEAWAY_CHARS).unwrap_or(&encoded);
        let mut text = words.to_owned();
        while let Some((before, from)) = text.split_once(giveaway) {
            let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
            text = format!("{before}***{}", from.trim_start_matches(is_base64));
        }
        let password = Zeroizing::new(self.password.expose().to_owned());
        let quoted = Zeroizing::new(quote(&password));
        let quoted = Zeroizing::new(quoted.trim_matches('"').to_owned());
        for form in [&encoded, &quoted, &password] {
            let debug = Zeroizing::new(format!("{:?}", form.as_str()));
            let inner = debug.get(1..debug.len().saturating_sub(1)).unwrap_or_default();
            text = replaced(&replaced(&text, inner), form);
        }
        text
    }
}

impl Authenticator for Plain<'_> {
    type Response = Vec<u8>;

    fn process(&mut self, _challenge: &[u8]) -> Vec<u8> {
        self.response()
    }
}

/// `***` for each occurrence of the secret, whatever the case of its ASCII letters.
fn replaced(text: &str, secret: &str) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let (lower, secret) = (text.to_ascii_lowercase(), Zeroizing::new(secret.to_ascii_lowercase()));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (found, _) in lower.match_indices(secret.as_str()) {
        out.push_str(text.get(at..found).unwrap_or_default());
        out.push_str("***");
        at = found + secret.len();
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The library's error without what its `Display` may embed: the server's buffer.
fn login_error(error: Error, plain: Plain<'_>) -> ImapError {
    match error {
        Error::No(words) | Error::Bad(words) => {
            let words = plain.hidden_in(&words);
            ImapError::LoginRefused {
                passing: is_passing(&words),
                text: server_words(&words),
            }
        }
        Error::Io(source) => ImapError::Io {
            command: LOGIN,
            source: source.kind().into(),
        },
        Error::ConnectionLost => ImapError::Closed { command: LOGIN },
        Error::Validate(_) => ImapError::LoginRefused {
            text: "the user name or password contains a line break".to_owned(),
            passing: false,
        },
        _ => ImapError::Unreadable {
            command: LOGIN,
            what: "the answer to the login is malformed",
        },
    }
}

/// RFC 5530's codes for a refusal that is not about the password, and what servers without them say.
fn is_passing(words: &str) -> bool {
    let words = words.to_ascii_uppercase();
    [
        "[UNAVAILABLE]",
        "[INUSE]",
        "[SERVERBUG]",
        "TOO MANY",
        "TEMPORAR",
        "TRY AGAIN",
        "MAXIMUM NUMBER",
        "CONNECTIONS",
        "LIMIT",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}

/// async-imap 0.12 gives `code: ..., info: Some("...")`.
fn server_words(words: &str) -> String {
    let quoted = words
        .split_once("info: Some(\"")
        .and_then(|(_, rest)| rest.rsplit_once("\")"));
    printable(quoted.map_or(words, |(text, _)| text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::scripted;
    use super::*;

    #[test]
    fn only_the_servers_own_words_are_kept_of_a_refused_login() {
        let words = r#"code: None, info: Some("[AUTHENTICATIONFAILED] Authentication failed.")"#;
        assert_eq!(server_words(words), "[AUTHENTICATIONFAILED] Authentication failed.");
        assert!(!is_passing(words));
        assert!(is_passing(
            "info: Some(\"[UNAVAILABLE] Temporary authentication failure.\")"
        ));
    }

    /// What is left of a server's words after LOGIN, or AUTHENTICATE where it offers that.
    async fn refused(password: &str, capabilities: &'static str, answer: &'static str) -> (String, bool) {
        let (session, server) = scripted(vec![("CAPABILITY", capabilities), ("A0001", answer)]);
        let credentials = Credentials::Own {
            user: "joe".to_owned(),
            password: password.into(),
        };
        let result = log_in(session, &credentials, Duration::from_secs(20)).await;
        let sent = server.await.unwrap();
        assert!(sent.contains("A0001"), "{sent}");
        match result {
            Err(ImapError::LoginRefused { text, passing }) => (text, passing),
            other => panic!("not refused: {other:?}"),
        }
    }

    const LOGIN_ONLY: &str = "* CAPABILITY IMAP4rev1\r\nv1 OK\r\n";
    const SASL_IR: &str = "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\nv1 OK\r\n";

    #[tokio::test]
    async fn password_repeated_by_the_server_is_hidden() {
        let (text, _) = refused("hunter2", LOGIN_ONLY, "A0001 NO bad password hunter2\r\n").await;
        assert_eq!(text, "bad password ***");
        let echo = "A0001 BAD UNKNOWN COMMAND: LOGIN \"JOE\" \"HUNTER2\"\r\n";
        let (text, _) = refused("hunter2", LOGIN_ONLY, echo).await;
        assert!(text.contains("***") && !text.contains("HUNTER"), "{text}");
    }

    #[tokio::test]
    async fn quoted_password_repeated_by_the_server_is_hidden() {
        let echo = "A0001 BAD what is LOGIN \"joe\" \"hun\\\"t\\\\er2\" or hun\"t\\er2?\r\n";
        let (text, _) = refused("hun\"t\\er2", LOGIN_ONLY, echo).await;
        assert!(!text.contains("hun") && !text.contains("er2"), "{text}");
    }

    #[tokio::test]
    async fn sasl_response_repeated_by_the_server_is_hidden_even_where_it_is_cut() {
        let (text, _) = refused("hunter2", SASL_IR, "A0001 BAD no PLAIN AGpvZQBodW50ZXIy\r\n").await;
        assert_eq!(text, "no PLAIN ***");
        let (text, _) = refused("hunter2", SASL_IR, "A0001 BAD no PLAIN AGpvZQBodW50 (cut)\r\n").await;
        assert_eq!(text, "no PLAIN *** (cut)");
    }

    #[tokio::test]
    async fn too_many_connections_are_not_a_wrong_password() {
        let busy = "A0001 NO Maximum number of connections from user+IP exceeded\r\n";
        assert!(refused("hunter2", LOGIN_ONLY, busy).await.1);
        let wrong = "A0001 NO limit is no good password\r\n";
        assert!(!refused("limit", LOGIN_ONLY, wrong).await.1, "a password is no sign");
    }
}
