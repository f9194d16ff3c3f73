//! From a host and credentials to a [`Session`]: resolve, guard, connect, TLS, log in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_imap::{Authenticator, Client};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::error::ImapError;
use super::guard::{AddressPolicy, ForbiddenAddress};
use super::response::printable;
use super::session::{Event, Session, Wire};
use crate::domain::secret::Secret;
use crate::domain::source::{Endpoint, Security};

/// How long a TCP connection and a TLS handshake may take, each.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a server may stay silent within a command. RFC 9051 lets servers take their time with
/// large folders; two minutes are within one invocation.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

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

/// Makes sessions. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
    addresses: AddressPolicy,
    plaintext_allowed: bool,
}

/// What a connector trusts could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the trusted certificates could not be set up: {0}")]
pub struct TrustError(String);

impl Connector {
    /// A connector that trusts the public certificate authorities and, if given, those in a PEM
    /// file's text.
    ///
    /// # Errors
    /// [`TrustError`] where the PEM text holds no certificate.
    pub fn try_new(
        addresses: AddressPolicy,
        plaintext_allowed: bool,
        extra_ca_pem: Option<&[u8]>,
    ) -> Result<Self, TrustError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(pem) = extra_ca_pem {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|e| TrustError(e.to_string()))?;
                roots.add(certificate).map_err(|e| TrustError(e.to_string()))?;
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| TrustError(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            addresses,
            plaintext_allowed,
        })
    }

    /// Opens a session: connected, encrypted as asked for, logged in, capabilities known.
    ///
    /// # Errors
    /// Any [`ImapError`]; nothing has been changed at the server.
    pub async fn open(&self, endpoint: &Endpoint, credentials: &Credentials) -> Result<Session, ImapError> {
        let host = endpoint.host.as_str();
        if endpoint.security == Security::None && !self.plaintext_allowed {
            return Err(ImapError::PlaintextRefused { host: host.to_owned() });
        }
        let tcp = self.connect(host, endpoint.port).await?;
        let session = match endpoint.security {
            Security::Tls => greeted(self.encrypt(host, Box::new(tcp)).await?).await?,
            Security::None => greeted(Box::new(tcp)).await?,
            Security::StartTls => {
                let mut plain = greeted(Box::new(tcp)).await?;
                plain.read_capabilities().await?;
                if !plain.capabilities().has("STARTTLS") {
                    return Err(ImapError::NoStartTls { host: host.to_owned() });
                }
                plain.run("STARTTLS", "STARTTLS").await?;
                // What the server sent before the handshake is dropped with the framer, so nothing
                // injected in the clear survives (CVE-2011-0411 and its kin).
                Session::new(self.encrypt(host, plain.into_wire()).await?, IDLE_TIMEOUT)
            }
        };
        log_in(session, credentials).await
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ImapError> {
        let bare = host.trim_matches(['[', ']']);
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((bare, port))
            .await
            .map_err(|source| ImapError::UnknownHost {
                host: host.to_owned(),
                source,
            })?
            .collect();
        if let Some(refused) = addresses.iter().find(|address| !self.addresses.allows(address.ip())) {
            return Err(ForbiddenAddress {
                host: host.to_owned(),
                address: refused.ip(),
            }
            .into());
        }
        let unreachable = |source| ImapError::Unreachable {
            host: host.to_owned(),
            port,
            source,
        };
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            #[expect(clippy::disallowed_methods, reason = "the address has been checked right above")]
            let connecting = TcpStream::connect(address);
            match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(unreachable)?;
                    return Ok(stream);
                }
                Ok(Err(source)) => last = source,
                Err(_) => last = std::io::ErrorKind::TimedOut.into(),
            }
        }
        Err(unreachable(last))
    }

    async fn encrypt(&self, host: &str, stream: Box<dyn Wire>) -> Result<Box<dyn Wire>, ImapError> {
        let failed = |source| ImapError::Tls {
            host: host.to_owned(),
            source,
        };
        let bare = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(bare).map_err(|e| failed(std::io::Error::other(e)))?;
        match tokio::time::timeout(CONNECT_TIMEOUT, self.tls.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(source)) => Err(failed(source)),
            Err(_) => Err(failed(std::io::ErrorKind::TimedOut.into())),
        }
    }
}

/// A session whose greeting has been read.
async fn greeted(wire: Box<dyn Wire>) -> Result<Session, ImapError> {
    let mut session = Session::new(wire, IDLE_TIMEOUT);
    match session.next_event("greeting").await? {
        Event::Notice(_) => Ok(session),
        Event::Continue | Event::Data(_) | Event::Done(..) => Err(ImapError::Unreadable {
            command: "greeting",
            what: "this is not an IMAP server",
        }),
    }
}

/// Logs in. The library borrows the stream for the login only: what follows is our own session.
async fn log_in(mut session: Session, credentials: &Credentials) -> Result<Session, ImapError> {
    session.read_capabilities().await?;
    let initial_response = session.capabilities().has("SASL-IR");
    let plain_offered = session.capabilities().has("AUTH=PLAIN");
    let mut wire = session.into_wire();
    let client = Client::new(&mut wire);
    let authorized = match credentials {
        Credentials::Own { user, password } if plain_offered => {
            authenticate(
                client,
                Plain {
                    authorize: "",
                    user,
                    password,
                },
                initial_response,
            )
            .await
        }
        Credentials::Own { user, password } => {
            let login = tokio::time::timeout(IDLE_TIMEOUT, client.login(user, password.expose())).await;
            login
                .map_err(|_| login_timed_out())?
                .map(|_| ())
                .map_err(|(error, _)| login_error(error))
        }
        Credentials::Master {
            mailbox,
            user,
            password,
        } => {
            authenticate(
                client,
                Plain {
                    authorize: mailbox,
                    user,
                    password,
                },
                initial_response,
            )
            .await
        }
    };
    authorized?;
    let mut session = Session::new(wire, IDLE_TIMEOUT);
    session.read_capabilities().await?;
    Ok(session)
}

async fn authenticate(
    client: Client<&mut Box<dyn Wire>>,
    plain: Plain<'_>,
    initial_response: bool,
) -> Result<(), ImapError> {
    let mechanism = if initial_response {
        Zeroizing::new(format!("PLAIN {}", STANDARD.encode(plain.response())))
    } else {
        Zeroizing::new("PLAIN".to_owned())
    };
    let authenticated = tokio::time::timeout(IDLE_TIMEOUT, client.authenticate(mechanism.as_str(), plain)).await;
    authenticated
        .map_err(|_| login_timed_out())?
        .map(|_| ())
        .map_err(|(error, _)| login_error(error))
}

struct Plain<'a> {
    authorize: &'a str,
    user: &'a str,
    password: &'a Secret,
}

impl Plain<'_> {
    fn response(&self) -> Vec<u8> {
        format!("{}\0{}\0{}", self.authorize, self.user, self.password.expose()).into_bytes()
    }
}

impl Authenticator for Plain<'_> {
    type Response = Vec<u8>;

    fn process(&mut self, _challenge: &[u8]) -> Vec<u8> {
        self.response()
    }
}

fn login_timed_out() -> ImapError {
    ImapError::TimedOut {
        command: "login",
        seconds: IDLE_TIMEOUT.as_secs(),
    }
}

/// The library's error without what its `Display` may embed: the server's buffer.
fn login_error(error: async_imap::error::Error) -> ImapError {
    use async_imap::error::Error;
    match error {
        Error::No(words) | Error::Bad(words) => ImapError::LoginRefused {
            passing: is_passing(&words),
            text: server_words(&words),
        },
        Error::Io(source) => ImapError::Io {
            command: "login",
            source: source.kind().into(),
        },
        Error::ConnectionLost => ImapError::Closed { command: "login" },
        Error::Validate(_) => ImapError::LoginRefused {
            text: "the user name or password contains a line break".to_owned(),
            passing: false,
        },
        _ => ImapError::Unreadable {
            command: "login",
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
        "[LIMIT]",
        "[SERVERBUG]",
        "TOO MANY",
        "TEMPORAR",
        "TRY AGAIN",
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
}
