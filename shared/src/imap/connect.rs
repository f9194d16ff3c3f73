//! From a host and credentials to a [`Session`]: resolve, guard, connect, TLS, log in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::ImapError;
use super::guard::{AddressPolicy, ForbiddenAddress};
pub use super::login::Credentials;
use super::login::log_in;
use super::quirks::Quirks;
use super::response::Kind;
use super::session::{Event, GREETING, Session, Wire};
use crate::dns::Resolver;
use crate::domain::source::{Endpoint, Security};

/// How long a TCP connection and a TLS handshake may take, each.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long it may take from a name to a session, in all.
const OPEN_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a server may stay silent within a command. RFC 9051 lets servers take their time with
/// large folders; two minutes are within one invocation.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// Makes sessions. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
    addresses: AddressPolicy,
    plaintext_allowed: bool,
    compression: Compression,
    /// Who is asked for addresses; none for the system.
    names: Option<Resolver>,
}

/// Whether a connection is compressed (COMPRESS=DEFLATE, RFC 4978).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Never: where the CPU is what limits.
    #[default]
    Off,
    /// Where the server offers it, for one more round trip at the login: where the line is what
    /// limits. Mail shrinks to about two thirds, lists of flags to a fifth.
    WhereOffered,
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
            compression: Compression::Off,
            names: None,
        })
    }

    /// The same, with addresses from this DNS instead of the system's.
    #[must_use]
    pub fn with_names(mut self, resolver: Resolver) -> Self {
        self.names = Some(resolver);
        self
    }

    /// The same with another compression; a new connector compresses nothing.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// How its connections are compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Opens a session within a minute: connected, encrypted as asked for, logged in, capabilities
    /// known.
    ///
    /// # Errors
    /// Any [`ImapError`]; nothing has been changed at the server.
    pub async fn open(&self, endpoint: &Endpoint, credentials: &Credentials) -> Result<Session, ImapError> {
        self.open_within(OPEN_TIMEOUT, endpoint, credentials).await
    }

    async fn open_within(
        &self,
        limit: Duration,
        endpoint: &Endpoint,
        credentials: &Credentials,
    ) -> Result<Session, ImapError> {
        let opening = tokio::time::timeout(limit, self.open_patiently(endpoint, credentials)).await;
        opening.unwrap_or(Err(ImapError::TimedOut {
            command: "login",
            seconds: limit.as_secs(),
        }))
    }

    /// Looks whether an IMAP server answers there as asked for, without a login, within `limit`.
    ///
    /// # Errors
    /// Any [`ImapError`] but those of a login.
    pub async fn probe(&self, endpoint: &Endpoint, limit: Duration) -> Result<(), ImapError> {
        let reaching = tokio::time::timeout(limit, self.reach(endpoint)).await;
        reaching
            .unwrap_or(Err(ImapError::TimedOut {
                command: GREETING,
                seconds: limit.as_secs(),
            }))
            .map(|_| ())
    }

    async fn open_patiently(&self, endpoint: &Endpoint, credentials: &Credentials) -> Result<Session, ImapError> {
        let session = log_in(self.reach(endpoint).await?, credentials, IDLE_TIMEOUT).await?;
        match self.compression {
            Compression::Off => Ok(session),
            Compression::WhereOffered => session.compress().await,
        }
    }

    /// A session as far as it goes without a login.
    async fn reach(&self, endpoint: &Endpoint) -> Result<Session, ImapError> {
        let host = endpoint.host.as_str();
        if endpoint.security == Security::None && !self.plaintext_allowed {
            return Err(ImapError::PlaintextRefused { host: host.to_owned() });
        }
        let tcp = self.connect(host, endpoint.port).await?;
        match endpoint.security {
            Security::Tls => greeted(host, self.encrypt(host, Box::new(tcp)).await?).await,
            Security::None => greeted(host, Box::new(tcp)).await,
            Security::StartTls => {
                let mut plain = greeted(host, Box::new(tcp)).await?;
                if !plain.capabilities().has("STARTTLS") {
                    plain.read_capabilities().await?;
                }
                if !plain.capabilities().has("STARTTLS") {
                    return Err(ImapError::NoStartTls { host: host.to_owned() });
                }
                plain.run("STARTTLS", "STARTTLS").await?;
                // What the server sent before the handshake is dropped with the framer, so nothing
                // injected in the clear survives (CVE-2011-0411 and its kin).
                let quirks = plain.quirks;
                let mut session = Session::new(self.encrypt(host, plain.into_wire()).await?, IDLE_TIMEOUT);
                session.quirks = quirks;
                Ok(session)
            }
        }
    }

    /// Opens a stream for another protocol than IMAP, by the same rules.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn stream(&self, host: &str, port: u16, is_encrypted: bool) -> Result<Box<dyn Wire>, ImapError> {
        if !is_encrypted && !self.plaintext_allowed {
            return Err(ImapError::PlaintextRefused { host: host.to_owned() });
        }
        let tcp = self.connect(host, port).await?;
        if is_encrypted {
            return self.encrypt(host, Box::new(tcp)).await;
        }
        Ok(Box::new(tcp))
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ImapError> {
        let bare = host.trim_matches(['[', ']']);
        let addresses = self
            .addresses_of(bare, port)
            .await
            .map_err(|source| ImapError::UnknownHost {
                host: host.to_owned(),
                source,
            })?;
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

    async fn addresses_of(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let Some(resolver) = self.names.as_ref().filter(|_| host.parse::<IpAddr>().is_err()) else {
            return Ok(tokio::net::lookup_host((host, port)).await?.collect());
        };
        let found = resolver.addresses(host).await.map_err(std::io::Error::other)?;
        if found.is_empty() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        Ok(found
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
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
pub(super) async fn greeted(host: &str, wire: Box<dyn Wire>) -> Result<Session, ImapError> {
    let mut session = Session::new(wire, IDLE_TIMEOUT);
    match session.next_event(GREETING).await? {
        Event::Notice(status) if status.kind == Kind::Ok => {
            session.quirks = Quirks::of_greeting(&status.text);
            Ok(session)
        }
        Event::Notice(status) if status.kind == Kind::Preauth => {
            Err(ImapError::Preauthenticated { host: host.to_owned() })
        }
        Event::Notice(_) | Event::Continue | Event::Data(_) | Event::Done(..) => Err(ImapError::Unreadable {
            command: GREETING,
            what: "this is not an IMAP server",
        }),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::secret::Secret;

    #[tokio::test]
    async fn silent_server_does_not_hold_up_the_opening() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint {
            host: "127.0.0.1".parse().unwrap(),
            port: listener.local_addr().unwrap().port(),
            security: Security::None,
        };
        let credentials = Credentials::Own {
            user: "joe".to_owned(),
            password: Secret::from("hunter2"),
        };
        let connector = Connector::try_new(AddressPolicy::Any, true, None).unwrap();
        let opening = connector.open_within(Duration::from_millis(200), &endpoint, &credentials);
        let opened = tokio::time::timeout(Duration::from_secs(15), opening).await.unwrap();
        assert!(matches!(opened, Err(ImapError::TimedOut { command: "login", .. })));
    }
}
