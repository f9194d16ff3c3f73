//! Sessions of the product with a real server: certificates, STARTTLS, ways to log in, compression.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mailvan::domain::secret::Secret;
use mailvan::domain::source::{Endpoint, Security};
use mailvan::imap::append::{Appended, Appender, Head};
use mailvan::imap::bodies::{self, Piece, Wanted};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Compression, Connector, Credentials, ImapError, Session};
use mailvan_local::dovecot::{Authority, Dovecot, Login, Options};
use mailvan_local::proxy::{Network, Proxy};
use sha2::{Digest as _, Sha256};

const USER: &str = "keeper@lighthouse.example";

fn start(change: impl FnOnce(&mut Options)) -> Dovecot {
    let mut options = Options {
        users: vec![Login::new(USER, "p:w \"ä\\")],
        ..Options::new("session")
    };
    change(&mut options);
    Dovecot::start(options).unwrap()
}

fn own() -> Credentials {
    Credentials::Own {
        user: USER.to_owned(),
        password: Secret::from("p:w \"ä\\"),
    }
}

fn at(port: u16, security: Security) -> Endpoint {
    Endpoint {
        host: "localhost".parse().unwrap(),
        port,
        security,
    }
}

fn trusting(authority: Option<&Authority>) -> Connector {
    let pem = authority.map(|authority| authority.pem().as_bytes());
    Connector::try_new(AddressPolicy::Any, true, pem).unwrap()
}

/// Both ways to an encrypted connection.
async fn opened(server: &Dovecot, connector: &Connector) -> [Result<Session, ImapError>; 2] {
    let tls = at(server.tls_port().unwrap(), Security::Tls);
    let starttls = at(server.port(), Security::StartTls);
    [
        connector.open(&tls, &own()).await,
        connector.open(&starttls, &own()).await,
    ]
}

#[tokio::test]
async fn server_with_a_trusted_certificate_is_spoken_to() {
    let authority = Arc::new(Authority::create().unwrap());
    let server = start(|options| options.authority = Some(Arc::clone(&authority)));
    for session in opened(&server, &trusting(Some(&authority))).await {
        let mut session = session.unwrap();
        assert!(session.capabilities().has("MULTIAPPEND"));
        assert_eq!(session.select("INBOX").await.unwrap().exists, 0);
        session.logout().await;
    }
}

#[tokio::test]
async fn server_with_a_certificate_of_an_unknown_authority_is_refused() {
    let authority = Arc::new(Authority::create().unwrap());
    let server = start(|options| options.authority = Some(Arc::clone(&authority)));
    let other = Authority::create().unwrap();
    for connector in [trusting(None), trusting(Some(&other))] {
        for session in opened(&server, &connector).await {
            assert!(matches!(session, Err(ImapError::Tls { .. })), "{session:?}");
        }
    }
    assert!(!server.log().unwrap().contains(USER), "the password was sent");
}

#[tokio::test]
async fn server_with_a_certificate_for_another_name_is_refused() {
    let authority = Arc::new(Authority::create_for("DNS:imap.example.net,IP:127.0.0.9").unwrap());
    let server = start(|options| options.authority = Some(Arc::clone(&authority)));
    for session in opened(&server, &trusting(Some(&authority))).await {
        assert!(matches!(session, Err(ImapError::Tls { .. })), "{session:?}");
    }
    assert!(!server.log().unwrap().contains(USER), "the password was sent");
}

#[tokio::test]
async fn server_without_starttls_gets_no_password() {
    let server = start(|_| ());
    let opened = trusting(None)
        .open(&at(server.port(), Security::StartTls), &own())
        .await;
    assert!(matches!(opened, Err(ImapError::NoStartTls { .. })), "{opened:?}");
    assert!(!server.log().unwrap().contains(USER));
}

/// A token as an issuer makes it, for this user.
fn token(key: &str, user: &str) -> Secret {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = format!("{{\"sub\":\"{user}\",\"iat\":1700000000,\"exp\":4100000000}}");
    let signed = format!("{}.{}", part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), part(&claims));
    let padded = |with: u8| -> Vec<u8> {
        let key = key.bytes().chain(std::iter::repeat(0)).take(64);
        key.map(|byte| byte ^ with).collect()
    };
    // RFC 2104: HMAC of a key shorter than a block.
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(&signed)
        .finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    Secret::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(outer)))
}

#[tokio::test]
async fn mailbox_is_opened_by_an_access_token() {
    let server = start(|options| options.token_key = Some("a key of the issuer".to_owned()));
    let connector = trusting(None);
    let open = async |token: Secret| {
        let mailbox = USER.to_owned();
        let credentials = Credentials::Token { mailbox, token };
        connector.open(&at(server.port(), Security::None), &credentials).await
    };
    let mut session = open(token("a key of the issuer", USER)).await.unwrap();
    session.select("INBOX").await.unwrap();
    for wrong in [
        token("another key", USER),
        token("a key of the issuer", "somebody@else.example"),
    ] {
        let error = open(wrong.clone()).await.unwrap_err();
        assert!(
            matches!(error, ImapError::LoginRefused { passing: false, .. }),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains(wrong.expose()));
    }
}

fn letters() -> Vec<String> {
    let letter = |number: usize| format!("Subject: {number}\r\n\r\n{}\r\n", "the same again, ".repeat(500));
    (0..100).map(letter).collect()
}

async fn append(session: &mut Session, folder: &str) {
    let mut appender = Appender::new(session, folder);
    for letter in letters() {
        let head = Head {
            flags: Vec::new(),
            date: None,
            size_bytes: letter.len() as u64,
        };
        appender.begin(&head).await.unwrap();
        appender.write(letter.as_bytes()).await.unwrap();
        appender.end_message().await.unwrap();
    }
    appender.finish().await.unwrap();
    let answer = appender.answer().await.unwrap();
    assert!(answer.iter().all(|one| matches!(one, Appended::Stored { .. })) && answer.len() == 100);
}

async fn read(session: &mut Session, folder: &str) -> Vec<Vec<u8>> {
    assert_eq!(session.examine(folder).await.unwrap().exists, 100);
    let wanted: Vec<Wanted> = (1..=100).map(|uid| Wanted { uid, size_bytes: 8000 }).collect();
    let (sink, mut pieces) = bodies::channel();
    let receiving = async {
        let mut bodies = Vec::new();
        while let Some(piece) = pieces.next().await {
            if let Piece::Whole { body, .. } = piece {
                bodies.push(body.to_vec());
            }
        }
        bodies
    };
    let mut withheld = Vec::new();
    let (end, bodies) = tokio::join!(bodies::read(session, &wanted, sink, &mut withheld), receiving);
    end.unwrap();
    assert_eq!(withheld, []);
    bodies
}

/// Appends a hundred letters to an empty folder and reads them; the bytes that crossed the line in both
/// directions.
async fn bytes_on_the_line(server: &Dovecot, folder: &str, compression: Compression) -> u64 {
    let proxy = Proxy::start(server.address(), Network::default()).unwrap();
    let connector = trusting(None).with_compression(compression);
    let mut session = connector.open(&at(proxy.port(), Security::None), &own()).await.unwrap();
    append(&mut session, folder).await;
    let bodies = read(&mut session, folder).await;
    assert!(bodies.iter().eq(letters().iter().map(String::as_bytes)));
    session.logout().await;
    let counters = proxy.counters();
    counters.bytes_to_server + counters.bytes_to_client
}

#[tokio::test]
async fn compressed_session_carries_the_same_in_less() {
    let server = start(|options| options.compression = true);
    let plain = bytes_on_the_line(&server, "Drafts", Compression::Off).await;
    let compressed = bytes_on_the_line(&server, "Sent", Compression::WhereOffered).await;
    assert!(plain > 1_600_000 && compressed < plain / 10, "{compressed} of {plain}");
    let without = start(|_| ());
    assert!(bytes_on_the_line(&without, "Sent", Compression::WhereOffered).await > 1_600_000);
}
