//! Putting ready objects as fast as a server takes them: the plainest client, on so many connections.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::measure::{Taken, within};

/// What is put, and where to.
#[derive(Debug, clap::Args)]
pub struct How {
    /// The server
    #[arg(long)]
    server: SocketAddr,
    /// The mailbox
    #[arg(long)]
    user: String,
    /// The path of a calendar that is made for them
    #[arg(long)]
    calendar: String,
    /// A folder with the objects
    #[arg(long)]
    objects: PathBuf,
    /// How many connections
    #[arg(long)]
    connections: usize,
}

/// Puts all objects of the folder into a new calendar; the time is that of the PUTs.
pub fn run(password: &str, how: &How) -> Result<Taken> {
    let token = STANDARD.encode(format!("{}:{password}", how.user));
    let mut objects = Vec::new();
    for entry in fs::read_dir(&how.objects).with_context(|| format!("reading {}", how.objects.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if path.extension().is_some_and(|ending| ending == "ics") {
            objects.push((name.unwrap_or_default(), fs::read(&path)?));
        }
    }
    let client = || Client {
        server: how.server,
        token: &token,
        stream: None,
    };
    client().send("MKCALENDAR", &how.calendar, b"")?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        let mut client = client();
        while let Some((name, bytes)) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
            client.send("PUT", &format!("{}{name}", how.calendar), bytes)?;
        }
        Ok(())
    };
    within(|| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..how.connections).map(|_| scope.spawn(work)).collect();
            let ended = threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked")).flatten());
            ended.collect::<Result<()>>()
        })
    })
}

struct Client<'a> {
    server: SocketAddr,
    token: &'a str,
    stream: Option<BufReader<TcpStream>>,
}

impl Client<'_> {
    /// Sends a request and reads its answer; connects where the server has closed the connection.
    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<()> {
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = TcpStream::connect(self.server)?;
            stream.set_nodelay(true)?;
            BufReader::new(stream)
        };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nIf-None-Match: *\r\n\
             Content-Type: text/calendar; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            self.server,
            self.token,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        stream.get_mut().write_all(&request)?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.clone();
        let (mut length, mut is_kept) = (0, line.starts_with("HTTP/1.1"));
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse()?,
                "connection" => is_kept = value.trim().eq_ignore_ascii_case("keep-alive"),
                _ => {}
            }
        }
        std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
        if !status.contains(" 201 ") {
            bail!("{method} {path} was answered with {}", status.trim());
        }
        self.stream = is_kept.then_some(stream);
        Ok(())
    }
}
