//! What is said to prove who we are, and how to keep it out of what is shown.
//!
//! PLAIN (RFC 4616), OAUTHBEARER (RFC 7628), XOAUTH2 (Google's and Microsoft's form of it), and
//! LOGIN where there is no PLAIN.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::capability::Capabilities;
use super::error::ImapError;
use super::response::printable;
use super::session::quote;
use crate::domain::secret::Secret;

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
    /// An OAuth 2.0 access token that is good for the mailbox.
    Token {
        /// The mailbox that is to be opened.
        mailbox: String,
        /// The access token; it is not renewed here.
        token: Secret,
    },
}

impl Credentials {
    /// The mailbox that is opened, as the server calls it.
    pub fn mailbox(&self) -> &str {
        match self {
            Self::Own { user, .. } => user,
            Self::Master { mailbox, .. } | Self::Token { mailbox, .. } => mailbox,
        }
    }
}

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// The command LOGIN.
    Login,
    Plain,
    OAuthBearer,
    XOAuth2,
}

impl Mechanism {
    /// Its name in AUTHENTICATE.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }
}

/// Credentials and the way they are used at one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof<'a> {
    pub(super) mechanism: Mechanism,
    credentials: &'a Credentials,
}

impl<'a> Proof<'a> {
    /// The best way that the server offers.
    ///
    /// # Errors
    /// [`ImapError::LoginRefused`] where it offers none.
    pub(super) fn choose(credentials: &'a Credentials, capabilities: &Capabilities) -> Result<Self, ImapError> {
        let refused = |text: &str| ImapError::LoginRefused {
            text: text.to_owned(),
            passing: false,
        };
        let mechanism = match credentials {
            Credentials::Own { .. } if capabilities.has("AUTH=PLAIN") => Mechanism::Plain,
            // RFC 9051, section 6.2.3: LOGIN must not be sent then.
            Credentials::Own { .. } if capabilities.has("LOGINDISABLED") => {
                return Err(refused("(LOGINDISABLED) it takes no password over this connection"));
            }
            Credentials::Own { .. } => Mechanism::Login,
            Credentials::Master { .. } => Mechanism::Plain,
            Credentials::Token { .. } if capabilities.has("AUTH=OAUTHBEARER") => Mechanism::OAuthBearer,
            Credentials::Token { .. } if capabilities.has("AUTH=XOAUTH2") => Mechanism::XOAuth2,
            Credentials::Token { .. } => return Err(refused("(no AUTH=OAUTHBEARER) it takes no access tokens")),
        };
        Ok(Self { mechanism, credentials })
    }

    /// The user name for LOGIN.
    pub(super) fn user(self) -> &'a str {
        match self.credentials {
            Credentials::Own { user, .. } | Credentials::Master { user, .. } => user,
            Credentials::Token { mailbox, .. } => mailbox,
        }
    }

    pub(super) fn secret(self) -> &'a Secret {
        match self.credentials {
            Credentials::Own { password, .. } | Credentials::Master { password, .. } => password,
            Credentials::Token { token, .. } => token,
        }
    }

    /// The first SASL response, not encoded.
    pub(super) fn response(self) -> Zeroizing<Vec<u8>> {
        let secret = self.secret().expose();
        let text = match (self.credentials, self.mechanism) {
            (Credentials::Own { user, .. }, _) => format!("\0{user}\0{secret}"),
            (Credentials::Master { mailbox, user, .. }, _) => format!("{mailbox}\0{user}\0{secret}"),
            (Credentials::Token { mailbox, .. }, Mechanism::XOAuth2) => {
                format!("user={mailbox}\x01auth=Bearer {secret}\x01\x01")
            }
            (Credentials::Token { mailbox, .. }, _) => {
                // RFC 5801, section 4: the two characters with a meaning in a saslname.
                let name = mailbox.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={name},\x01auth=Bearer {secret}\x01\x01")
            }
        };
        Zeroizing::new(text.into_bytes())
    }

    /// The answer to a challenge after the first response. A server that does not accept a token
    /// says why in a challenge, and goes on to its tagged NO when that has been answered: by 0x01
    /// (RFC 7628, section 3.2.3), for XOAUTH2 by nothing.
    pub(super) fn later_response(self) -> Zeroizing<Vec<u8>> {
        match self.mechanism {
            Mechanism::Login | Mechanism::Plain => self.response(),
            Mechanism::OAuthBearer => Zeroizing::new(vec![1]),
            Mechanism::XOAuth2 => Zeroizing::default(),
        }
    }

    /// The first SASL response in base64.
    pub(super) fn encoded(self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.response()))
    }

    /// What a challenge says of a token that is not accepted, in words.
    pub(super) fn reason(self, challenge: &str) -> Option<String> {
        if !matches!(self.mechanism, Mechanism::OAuthBearer | Mechanism::XOAuth2) {
            return None;
        }
        let json = STANDARD.decode(challenge.trim()).ok()?;
        let reason: serde_json::Value = serde_json::from_slice(&json).ok()?;
        let status = reason.get("status")?;
        let status = status.as_str().map_or_else(|| status.to_string(), str::to_owned);
        Some(match status.as_str() {
            "invalid_token" | "401" => "the access token is not valid, or not any more".to_owned(),
            "insufficient_scope" | "403" => "the access token does not allow IMAP for this mailbox".to_owned(),
            "invalid_request" | "400" => "the access token is malformed, or not for this mailbox".to_owned(),
            other => format!(
                "the access token was not accepted ({})",
                printable(&self.hidden_in(other))
            ),
        })
    }

    /// The words without the secret, as it is, quoted or in a SASL response, in capitals or not.
    pub(super) fn hidden_in(self, words: &str) -> String {
        let encoded = self.encoded();
        let giveaway = encoded.get(..GIVEAWAY_CHARS).unwrap_or(&encoded);
        let mut text = words.to_owned();
        while let Some((before, from)) = text.split_once(giveaway) {
            let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
            text = format!("{before}***{}", from.trim_start_matches(is_base64));
        }
        let secret = self.secret().expose();
        let quoted = Zeroizing::new(quote(secret));
        let quoted = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        for form in [encoded.as_str(), quoted, secret] {
            text = replaced(&text, form);
        }
        text
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
