//! A domain's settings for e-mail programs, in the format of Thunderbird's autoconfig
//! (<https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat>).
//!
//! Over HTTPS only, from the domain itself or its name `autoconfig`: what the domain itself says is what its
//! people say, while a name below it may be anybody's where a domain gives such names away. Redirects are
//! not followed, and the address of the mailbox is not told.

use std::time::Duration;

use futures_util::future::join;
use http::header::{CONNECTION, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use roxmltree::{Document, Node};

use crate::domain::{LoginName, Security};
use crate::imap::Connector;

/// How long the file may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of it is read; real ones have a few kilobytes.
const MOST_BYTES: usize = 64 * 1024;

/// How many servers of it are tried.
const MOST_SERVERS: usize = 4;

/// An IMAP server as the file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configured {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: LoginName,
    /// Whether the domain itself says so, and not a name below it.
    pub(super) is_its_own_word: bool,
}

/// The servers that a domain's file names; none where there is no such file.
pub(super) async fn fetch(connector: &Connector, port: u16, domain: &str) -> Vec<Configured> {
    let of_its_own = format!("autoconfig.{domain}");
    let get = async |host: &str, path: &str| {
        let text = tokio::time::timeout(PATIENCE, text(connector, host, port, path)).await;
        text.ok().flatten().map(|text| read(&text, domain)).unwrap_or_default()
    };
    let (below, own) = join(
        get(&of_its_own, "/mail/config-v1.1.xml"),
        get(domain, "/.well-known/autoconfig/mail/config-v1.1.xml"),
    )
    .await;
    let own = own.into_iter().map(|said| Configured {
        is_its_own_word: true,
        ..said
    });
    own.chain(below).take(MOST_SERVERS).collect()
}

async fn text(connector: &Connector, host: &str, port: u16, path: &str) -> Option<String> {
    let stream = connector.stream(host, port, true).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path).header(HOST, host).header(CONNECTION, "close");
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let exchange = async move {
        let answer = sender.send_request(request).await.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await.ok()?;
        String::from_utf8(body.to_bytes().to_vec()).ok()
    };
    let (text, _) = join(exchange, connection).await;
    text
}

/// The IMAP servers of a file in its order; those without encryption are left out.
fn read(text: &str, domain: &str) -> Vec<Configured> {
    let Ok(document) = Document::parse(text.trim_start_matches('\u{feff}')) else {
        return Vec::new();
    };
    let servers = document
        .descendants()
        .filter(|node| node.has_tag_name("incomingServer") && node.attribute("type") == Some("imap"));
    servers
        .filter_map(|server| configured(server, domain))
        .take(MOST_SERVERS)
        .collect()
}

fn configured(server: Node<'_, '_>, domain: &str) -> Option<Configured> {
    let value = |name: &str| {
        let found = server.children().find(|node| node.has_tag_name(name))?;
        Some(found.text()?.trim().replace("%EMAILDOMAIN%", domain))
    };
    Some(Configured {
        host: value("hostname")?,
        port: value("port")?.parse().ok().filter(|port| *port > 0)?,
        security: match value("socketType")?.as_str() {
            "SSL" => Security::Tls,
            "STARTTLS" => Security::StartTls,
            _ => return None,
        },
        login: match value("username").as_deref() {
            Some("%EMAILLOCALPART%") => LoginName::LocalPart,
            _ => LoginName::Address,
        },
        is_its_own_word: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(servers: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><clientConfig version="1.1"><emailProvider id="example.org">
            <domain>example.org</domain>{servers}<outgoingServer type="smtp"><hostname>smtp.example.org</hostname>
            <port>465</port><socketType>SSL</socketType></outgoingServer></emailProvider></clientConfig>"#
        )
    }

    #[test]
    fn encrypted_imap_servers_are_read_in_their_order() {
        let text = file(
            r#"<incomingServer type="pop3"><hostname>pop.example.org</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
            <incomingServer type="imap"><hostname> imap.%EMAILDOMAIN% </hostname><port>993</port><socketType>SSL</socketType>
              <username>%EMAILLOCALPART%</username></incomingServer>
            <incomingServer type="imap"><hostname>imap.example.org</hostname><port>143</port><socketType>plain</socketType></incomingServer>
            <incomingServer type="imap"><hostname>imap.hoster.example</hostname><port>143</port><socketType>STARTTLS</socketType>
              <username>%EMAILADDRESS%</username></incomingServer>"#,
        );
        let server = |host: &str, port, security, login| Configured {
            host: host.to_owned(),
            port,
            security,
            login,
            is_its_own_word: false,
        };
        assert_eq!(
            read(&text, "example.org"),
            [
                server("imap.example.org", 993, Security::Tls, LoginName::LocalPart),
                server("imap.hoster.example", 143, Security::StartTls, LoginName::Address),
            ]
        );
    }

    #[test]
    fn what_is_no_such_file_names_nothing() {
        let port = |port: &str| {
            file(&format!(
                r#"<incomingServer type="imap"><hostname>a.example</hostname><port>{port}</port><socketType>SSL</socketType></incomingServer>"#
            ))
        };
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><clientConfig>&b;</clientConfig>"#;
        for text in [
            "",
            "<html><p>Not found",
            bomb,
            &port("0"),
            &port("70000"),
            &port("x"),
            &file(""),
        ] {
            assert_eq!(read(text, "example.org"), [], "{text}");
        }
        assert_eq!(read(&format!("\u{feff}{}", port("993")), "example.org").len(), 1);
    }
}
