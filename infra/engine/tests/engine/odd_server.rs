//! A server with folders in memory that does what some real servers do, to the messages that it is told.

// By its path, because this file is taken in from elsewhere too.
#[path = "odd_server/fetching.rs"]
mod fetching;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use fetching::is_in;

/// A message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub uid: u32,
    pub flags: String,
    pub date: String,
    pub body: Vec<u8>,
}

/// What becomes of the FETCH of a message's bytes.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// The others are given, then it says so, as Gmail (2019) does.
    NoAtTheEnd(&'static str),
    /// Nothing more is given from there on, as by Dovecot (2.3, 2022).
    NoAtOnce(&'static str),
    /// The connection ends, with what was not sent yet.
    Close,
    /// Nothing comes, and the connection stays.
    Silence,
    /// It is answered, without its bytes, as by Yandex (2026).
    NoBody,
    /// It is answered with no bytes.
    Empty,
}

/// What a server says of a message that it refuses, by its flags and bytes.
pub type Refusal = fn(&str, &[u8]) -> Option<&'static str>;

/// What is odd about a server.
#[derive(Clone, Debug, Default)]
pub struct Odd {
    /// What it can do beside the usual.
    pub capabilities: &'static str,
    /// Its PERMANENTFLAGS, where it tells them.
    pub permanent_flags: Option<&'static str>,
    /// Messages whose bytes it does not give out, in any folder.
    pub fates: BTreeMap<u32, Fate>,
    /// Messages whose size it does not tell.
    pub unsized_uids: Vec<u32>,
    /// How many bytes more than a message has its size says; fewer, where it is negative.
    pub excess: i64,
    /// Messages whose Message-ID is another one where the header alone is asked for.
    pub disagreeing_uids: Vec<u32>,
    /// A message that is removed when its bytes are asked for.
    pub vanishing: Option<u32>,
    /// Whether it refuses each SEARCH.
    pub refuses_search: bool,
    /// How many messages SEARCH names at most.
    pub search_limit: Option<usize>,
    /// Its UIDVALIDITY, where it never is another one.
    pub uid_validity: Option<u32>,
    /// After how many messages it stores one more and ends the session instead of saying so, for once.
    pub unconfirmed_after: Option<usize>,
    /// What it says of a message that it refuses, by its flags and bytes.
    pub refusal: Option<Refusal>,
    /// After how many messages its folders get another UIDVALIDITY.
    pub renewed_after: Option<usize>,
    /// After giving out which message, for once, it ends the session, and numbers all messages anew, in another order.
    pub renumbered_after: Option<u32>,
    /// Whether it gives another UIDVALIDITY each time that a folder is opened.
    pub is_unsteady: bool,
}

#[derive(Debug, Default)]
struct State {
    odd: Odd,
    folders: BTreeMap<String, Vec<Message>>,
    renewals: u32,
}

/// The server, until the test ends.
#[derive(Clone)]
pub struct OddServer {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl OddServer {
    pub async fn start(odd: Odd, folders: &[(&str, Vec<Message>)]) -> Result<Self> {
        let mut all: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        all.insert("INBOX".to_owned(), Vec::new());
        for (name, messages) in folders {
            all.insert((*name).to_owned(), messages.clone());
        }
        let state = Arc::new(Mutex::new(State {
            odd,
            folders: all,
            ..State::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&shared)));
            }
        });
        Ok(Self { address, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn set(&self, change: impl FnOnce(&mut Odd)) {
        change(&mut self.state().odd);
    }

    /// Numbers all messages anew, in another order.
    pub fn renumber(&self) {
        self.state().renumber();
    }

    /// Numbers all messages anew, in the same order.
    pub fn renew(&self) {
        self.state().renewals += 1;
    }

    /// Removes a message.
    pub fn remove(&self, folder: &str, uid: u32) {
        if let Some(messages) = self.state().folders.get_mut(folder) {
            messages.retain(|message| message.uid != uid);
        }
    }

    pub fn messages(&self, folder: &str) -> Vec<Message> {
        self.state().folders.get(folder).cloned().unwrap_or_default()
    }

    pub fn deliver(&self, folder: &str, message: Message) {
        self.state().folders.entry(folder.to_owned()).or_default().push(message);
    }
}

/// How a session ends.
enum Ended {
    Closed,
    /// With this as the last that is sent.
    After(Vec<u8>),
    Silent,
}

async fn talk(stream: TcpStream, state: Arc<Mutex<State>>) -> Result<()> {
    let (read, mut out) = stream.into_split();
    let mut lines = BufReader::new(read);
    let odd = state.lock().unwrap().odd.capabilities;
    let capabilities = format!("IMAP4rev1 SASL-IR LITERAL+ UIDPLUS NAMESPACE AUTH=PLAIN {odd}");
    out.write_all(format!("* OK [CAPABILITY {capabilities}] hello\r\n").as_bytes())
        .await?;
    let mut open = "INBOX".to_owned();
    while let Some((line, literal)) = command(&mut lines, &mut out).await? {
        let answer = {
            let mut state = state.lock().unwrap();
            state.answer(&line, &literal, &mut open, &capabilities)
        };
        match answer {
            Ok(answer) => out.write_all(&answer).await?,
            Err(Ended::Closed) => return Ok(()),
            Err(Ended::After(text)) => {
                out.write_all(&text).await?;
                return Ok(());
            }
            Err(Ended::Silent) => std::future::pending().await,
        }
    }
    Ok(())
}

/// A command without its literal, and the literal.
async fn command(lines: &mut BufReader<OwnedReadHalf>, out: &mut OwnedWriteHalf) -> Result<Option<(String, Vec<u8>)>> {
    let mut line = String::new();
    if lines.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let line = line.trim_end().to_owned();
    let Some((before, size)) = line.strip_suffix('}').and_then(|line| line.rsplit_once('{')) else {
        return Ok(Some((line, Vec::new())));
    };
    if !size.ends_with('+') {
        out.write_all(b"+ go on\r\n").await?;
    }
    let mut literal = vec![0; size.trim_end_matches('+').parse().context("no size")?];
    lines.read_exact(&mut literal).await?;
    let mut rest = String::new();
    lines.read_line(&mut rest).await?;
    Ok(Some((before.to_owned(), literal)))
}

impl State {
    fn uid_validity(&self) -> u32 {
        self.odd.uid_validity.unwrap_or(7 + self.renewals)
    }

    fn answer(&mut self, line: &str, literal: &[u8], open: &mut String, capabilities: &str) -> Result<Vec<u8>, Ended> {
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        let upper = command.to_ascii_uppercase();
        let verb = upper.split(' ').next().unwrap_or_default();
        let name = quoted(command);
        let mut text = Vec::new();
        let mut end = Cow::Borrowed("OK done");
        match verb {
            "CAPABILITY" => text = format!("* CAPABILITY {capabilities}\r\n").into_bytes(),
            "NAMESPACE" => text = b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n".to_vec(),
            "LIST" | "LSUB" => {
                for name in self.folders.keys() {
                    text.extend(format!("* {verb} () \"/\" \"{name}\"\r\n").bytes());
                }
            }
            "CREATE" => drop(self.folders.entry(name).or_default()),
            "STATUS" => match self.folders.get(&name) {
                Some(messages) => {
                    let (count, next, validity) = (messages.len(), next(messages), self.uid_validity());
                    let numbers = format!("MESSAGES {count} UIDNEXT {next} UIDVALIDITY {validity}");
                    text = format!("* STATUS \"{name}\" ({numbers})\r\n").into_bytes();
                }
                None => end = Cow::Borrowed("NO [NONEXISTENT] no such folder"),
            },
            "SELECT" | "EXAMINE" => match self.folders.get(&name) {
                Some(messages) => {
                    self.renewals += u32::from(self.odd.is_unsteady);
                    let (count, next, validity) = (messages.len(), next(messages), self.uid_validity());
                    text = format!("* {count} EXISTS\r\n* OK [UIDVALIDITY {validity}]\r\n* OK [UIDNEXT {next}]\r\n")
                        .into_bytes();
                    if let Some(flags) = self.odd.permanent_flags {
                        text.extend(format!("* OK [PERMANENTFLAGS ({flags})]\r\n").bytes());
                    }
                    *open = name;
                }
                None => end = Cow::Borrowed("NO [NONEXISTENT] no such folder"),
            },
            "APPEND" => {
                end = Cow::Owned(self.append(&name, command, literal));
                let all: usize = self.folders.values().map(Vec::len).sum();
                if self.odd.unconfirmed_after.take_if(|after| all > *after).is_some() {
                    return Err(Ended::Closed);
                }
            }
            "UID" if upper.starts_with("UID SEARCH ") && self.odd.refuses_search => {
                end = Cow::Borrowed("BAD command syntax error");
            }
            "UID" if upper.starts_with("UID SEARCH RETURN (ALL) UID ") => {
                let set = upper.rsplit(' ').next().unwrap_or_default();
                let messages = self.folders.get(open).into_iter().flatten();
                let uids = messages.map(|message| message.uid).filter(|uid| is_in(set, *uid));
                let named = uids.take(self.odd.search_limit.unwrap_or(usize::MAX));
                let named: Vec<String> = named.map(|uid| uid.to_string()).collect();
                text = format!("* ESEARCH (TAG \"{tag}\") UID ALL {}\r\n", named.join(",")).into_bytes();
            }
            "UID" if upper.starts_with("UID EXPUNGE ") => {
                let set = upper.rsplit(' ').next().unwrap_or_default();
                let messages = self.folders.get_mut(open).into_iter();
                messages.for_each(|messages| messages.retain(|message| !is_in(set, message.uid)));
            }
            "UID" if upper.starts_with("UID FETCH ") => {
                let mut words = command.splitn(4, ' ').skip(2);
                let (set, items) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let is_read = items.contains("BODY.PEEK[]");
                if let Some(gone) = self.odd.vanishing.take_if(|uid| is_read && is_in(set, *uid)) {
                    let messages = self.folders.get_mut(open).into_iter();
                    messages.for_each(|messages| messages.retain(|message| message.uid != gone));
                }
                let messages = self.folders.get(open).cloned().unwrap_or_default();
                let last = self.odd.renumbered_after;
                if is_read && self.odd.renumbered_after.take_if(|uid| is_in(set, *uid)).is_some() {
                    // What was asked before it is given.
                    let until = format!("1:{}", last.unwrap_or_default());
                    let given: Vec<Message> = messages
                        .into_iter()
                        .filter(|message| is_in(&until, message.uid))
                        .collect();
                    self.fetch(&given, set, items, &mut text)?;
                    self.renumber();
                    return Err(Ended::After(text));
                }
                if let Some(no) = self.fetch(&messages, set, items, &mut text)? {
                    end = Cow::Borrowed(no);
                }
            }
            _ => {}
        }
        text.extend(format!("{tag} {end}\r\n").bytes());
        Ok(text)
    }

    /// Numbers all messages anew, the last first.
    fn renumber(&mut self) {
        self.renewals += 1;
        for messages in self.folders.values_mut() {
            messages.reverse();
            for (uid, message) in (101..).zip(messages) {
                message.uid = uid;
            }
        }
    }

    fn append(&mut self, name: &str, command: &str, body: &[u8]) -> String {
        let flags = command.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let flags = flags.map(|(flags, _)| flags).unwrap_or_default();
        if let Some(no) = self.odd.refusal.and_then(|refusal| refusal(flags, body)) {
            return format!("NO {no}");
        }
        let date = command.rsplit('"').nth(1).filter(|date| date.contains(':'));
        let folder = self.folders.entry(name.to_owned()).or_default();
        let uid = next(folder);
        folder.push(Message {
            uid,
            flags: flags.to_owned(),
            date: date.unwrap_or("01-Jan-2001 00:00:00 +0000").to_owned(),
            body: body.to_vec(),
        });
        let validity = self.uid_validity();
        let all: usize = self.folders.values().map(Vec::len).sum();
        if self.odd.renewed_after.take_if(|after| all >= *after).is_some() {
            self.renewals += 1;
        }
        format!("OK [APPENDUID {validity} {uid}] done")
    }
}

fn next(messages: &[Message]) -> u32 {
    messages.last().map_or(1, |last| last.uid + 1)
}

/// The first name of a command, with or without its quotes.
fn quoted(command: &str) -> String {
    let argument = command.split_once(' ').map_or("", |(_, rest)| rest);
    let argument = argument.strip_prefix("MULTI ").unwrap_or(argument);
    match argument.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((name, _)) => name.to_owned(),
        None => argument.split(' ').next().unwrap_or_default().to_owned(),
    }
}
