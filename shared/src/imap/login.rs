//! Proving who we are: SASL where it is offered, else LOGIN.
//!
//! async-imap does the exchange: it writes the commands and the responses, and judges the tagged
//! status. It does so over a [`LoginStream`], which keeps from it what it would lose or stumble
//! over, so that a login costs one round trip where the server says with its greeting and with the
//! login's answer what it can do. What a server says to a refused login is shown to people, and some
//! servers repeat the command: the stream takes the credentials out before anything is kept.

use std::time::Duration;

use async_imap::error::Error;
use async_imap::{Authenticator, Client};
use zeroize::Zeroizing;

use super::error::ImapError;
use super::login_stream::{Heard, LoginStream};
pub use super::sasl::Credentials;
use super::sasl::{Mechanism, Proof};
use super::session::Session;

const LOGIN: &str = "login";

/// Logs in. The library borrows the stream for the login only: what follows is our own session.
pub(super) async fn log_in(
    mut session: Session,
    credentials: &Credentials,
    idle: Duration,
) -> Result<Session, ImapError> {
    if !session.has_told_capabilities() {
        session.read_capabilities().await?;
    }
    let proof = Proof::choose(credentials, session.capabilities())?;
    let at_once = session.capabilities().has("SASL-IR");
    let command = Zeroizing::new(if at_once {
        format!("{} {}", proof.mechanism.name(), *proof.encoded())
    } else {
        proof.mechanism.name().to_owned()
    });
    // RFC 9051, section 6.2: what was known before a login does not hold after it.
    session.forget_capabilities();
    let mut stream = LoginStream::new(session, proof);
    let client = Client::new(&mut stream);
    let answer = async {
        let answer = match proof.mechanism {
            Mechanism::Login => client.login(proof.user(), proof.secret().expose()).await,
            Mechanism::Plain | Mechanism::OAuthBearer | Mechanism::XOAuth2 => {
                let exchange = Exchange {
                    proof,
                    has_responded: at_once,
                };
                client.authenticate(command.as_str(), exchange).await
            }
        };
        answer.map(|_| ()).map_err(|(error, _)| error)
    };
    let answer = tokio::time::timeout(idle, answer).await;
    let heard = std::mem::take(&mut stream.heard);
    match answer {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(login_error(error, heard, proof)),
        Err(_) => {
            return Err(ImapError::TimedOut {
                command: LOGIN,
                seconds: idle.as_secs(),
            });
        }
    }
    let mut session = stream.into_session();
    if !session.has_told_capabilities() {
        session.read_capabilities().await?;
    }
    Ok(session)
}

/// Our side of a SASL exchange.
struct Exchange<'a> {
    proof: Proof<'a>,
    has_responded: bool,
}

impl Authenticator for Exchange<'_> {
    type Response = Zeroizing<Vec<u8>>;

    fn process(&mut self, _challenge: &[u8]) -> Self::Response {
        if std::mem::replace(&mut self.has_responded, true) {
            self.proof.later_response()
        } else {
            self.proof.response()
        }
    }
}

/// What the library makes of the answer, in the server's own words. The library's are not shown:
/// they may hold its buffer.
fn login_error(error: Error, heard: Heard, proof: Proof<'_>) -> ImapError {
    if let Some(bye) = heard.bye {
        return ImapError::Bye {
            command: LOGIN,
            text: bye.with_code(),
        };
    }
    let unreadable = |what| ImapError::Unreadable { command: LOGIN, what };
    if let Some(what) = heard.unreadable {
        return unreadable(what);
    }
    match (error, heard.done) {
        (Error::No(_) | Error::Bad(_), Some(status)) => {
            let words = status.with_code();
            let reason = heard.challenges.iter().find_map(|challenge| proof.reason(challenge));
            ImapError::LoginRefused {
                passing: is_passing(&words),
                text: match reason {
                    Some(reason) => format!("{words}: {reason}"),
                    None => words,
                },
            }
        }
        (Error::Io(source), _) => ImapError::Io {
            command: LOGIN,
            source: source.kind().into(),
        },
        (Error::ConnectionLost, _) => ImapError::Closed { command: LOGIN },
        (Error::Validate(_), _) => ImapError::LoginRefused {
            text: "the user name or password contains a line break".to_owned(),
            passing: false,
        },
        _ => unreadable("the answer to the login is malformed"),
    }
}

/// RFC 5530's codes for a refusal that is not about the password, and what servers without them say.
fn is_passing(words: &str) -> bool {
    let words = words.to_ascii_uppercase();
    [
        "UNAVAILABLE",
        "[INUSE]",
        "[SERVERBUG]",
        "TOO MANY",
        "TEMPORAR",
        "TRY AGAIN",
        "MAXIMUM NUMBER",
        "CONNECTIONS",
        "LIMIT",
        "THROTTLED",
        "BACKOFF",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}
