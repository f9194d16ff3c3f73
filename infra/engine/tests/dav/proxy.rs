//! A line to a server on which answers go wrong as a test wishes.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of a request.
pub enum Way {
    /// It is answered by the server.
    Through,
    /// It is answered with this status, and the server does not get it.
    Refused(u16),
    /// The server gets it, and its answer is replaced by this status.
    Lost(u16),
    /// The server gets this body, as one that rewrites what it stores.
    Rewritten(String),
    /// The server's answer is changed.
    Answered(fn(String) -> String),
    /// It is never answered, and the server does not get it.
    Silent,
}

/// A request.
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its headers with its first line.
    pub head: String,
    /// Its body.
    pub body: String,
}

/// A line; it ends with the test's runtime.
pub struct Line {
    address: SocketAddr,
}

impl Line {
    /// A line to the server of this URL.
    pub async fn to(url: &str, way: impl Fn(&Asked) -> Way + Send + Sync + 'static) -> Self {
        let server: SocketAddr = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(way);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let way = Arc::clone(&way);
                tokio::spawn(async move { carry(client, server, &*way).await });
            }
        });
        Self { address }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Carries one request; the client connects again for the next.
async fn carry(mut client: TcpStream, server: SocketAddr, way: &(impl Fn(&Asked) -> Way + Send + Sync)) {
    let Some(asked) = read(&mut client).await else { return };
    let answer = match way(&asked) {
        Way::Through => ask(server, &asked, &asked.body).await,
        Way::Refused(status) => status_only(status),
        Way::Lost(status) => {
            ask(server, &asked, &asked.body).await;
            status_only(status)
        }
        Way::Rewritten(body) => ask(server, &asked, &body).await,
        Way::Answered(change) => change(ask(server, &asked, &asked.body).await),
        Way::Silent => std::future::pending().await,
    };
    let _ = client.write_all(answer.as_bytes()).await;
}

fn status_only(status: u16) -> String {
    format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

async fn read(client: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some(Asked {
                    method: head.split(' ').next()?.to_owned(),
                    head: head.to_owned(),
                    body: body.to_owned(),
                });
            }
        }
        let mut more = vec![0; 64 << 10];
        let read = client.read(&mut more).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&more[..read]);
    }
}

async fn ask(server: SocketAddr, asked: &Asked, body: &str) -> String {
    let kept = asked.head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        !["content-length", "connection"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
    });
    let head: Vec<&str> = kept.collect();
    let request = format!(
        "{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        head.join("\r\n"),
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.to_ascii_lowercase().contains("\r\nconnection: close") {
        return format!("{head}\r\n\r\n{body}");
    }
    format!("{head}\r\nConnection: close\r\n\r\n{body}")
}
