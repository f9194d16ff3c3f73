//! Finds the components of a file by its bytes: where each begins and ends, on which line, and what it refers to.
//!
//! Each byte is looked at once, and of a line no more than its start is held, so that neither a property of a hundred
//! megabytes nor one that is folded without end costs more than its length. What is broken costs itself only: the next
//! BEGIN goes on.

use std::io::{self, BufRead};

use super::content_line::is_quoted_printable;
use super::objects::{Component, Container, Index, Piece, print};

/// How much of a line, unfolded, is looked at.
const LOGICAL_BYTES: usize = 8 << 10;

/// The largest object that is stored.
pub const MAX_OBJECT_BYTES: u64 = 10 << 20;

/// The largest definition of a time zone: each object that refers to it carries it along.
const MAX_ZONE_BYTES: u64 = 256 << 10;

/// How deep components may lie in one another.
const MAX_DEPTH: usize = 16;

/// How many components one upload may have.
pub const MAX_PIECES: usize = 200_000;

/// Why a file cannot be read as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// There is too much in it.
    #[error("the file holds more than {MAX_PIECES} entries; split it and upload the parts")]
    TooMany,
    /// It could not be read.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
}

/// Reads one file of an upload, `part`, whose first byte is at `offset`, into the index.
///
/// # Errors
/// [`ScanError`].
pub fn scan(index: &mut Index, part: u32, offset: u64, reader: &mut impl BufRead) -> Result<(), ScanError> {
    let mut scanner = Scanner {
        index,
        part,
        container: None,
        stack: Vec::new(),
        open: None,
        after_agent: false,
        stray: false,
        line: Logical::default(),
    };
    let mut number = 0;
    let mut at = offset;
    let mut head = Vec::new();
    loop {
        head.clear();
        let bytes = next_line(reader, &mut head)?;
        if bytes == 0 {
            break;
        }
        number += 1;
        scanner.physical(&head, number, at, at + bytes)?;
        at += bytes;
    }
    scanner.flush()?;
    scanner.give_up("the file ends before it does");
    Ok(())
}

/// Reads a line and its end; its start goes into `head`. Gives its length.
fn next_line(reader: &mut impl BufRead, head: &mut Vec<u8>) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(bytes);
        }
        let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let line = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        let room = LOGICAL_BYTES - head.len().min(LOGICAL_BYTES);
        head.extend_from_slice(line.get(..line.len().min(room)).unwrap_or_default());
        let is_return = end.is_some_and(|end| buffer.get(end) == Some(&b'\r'));
        let taken = line.len() + usize::from(end.is_some());
        bytes += taken as u64;
        reader.consume(taken);
        if end.is_some() {
            if is_return && reader.fill_buf()?.first() == Some(&b'\n') {
                reader.consume(1);
                bytes += 1;
            }
            return Ok(bytes);
        }
    }
}

/// The line that is being unfolded.
#[derive(Default)]
struct Logical {
    head: Vec<u8>,
    number: u64,
    start: u64,
    end: u64,
    soft: bool,
}

/// A component that has not ended yet.
struct Open {
    name: String,
    line: u64,
    start: u64,
    /// How many components are open outside of it.
    outside: usize,
    uid: Option<[u8; 16]>,
    is_override: bool,
    zones: Vec<u32>,
    /// For a time zone: its name.
    zone: Option<u32>,
    fault: Option<&'static str>,
}

struct Scanner<'a> {
    index: &'a mut Index,
    part: u32,
    container: Option<u32>,
    stack: Vec<String>,
    open: Option<Open>,
    after_agent: bool,
    stray: bool,
    line: Logical,
}

impl Scanner<'_> {
    fn physical(&mut self, head: &[u8], number: u64, start: u64, end: u64) -> Result<(), ScanError> {
        let goes_on = self.line.soft || head.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if goes_on && self.line.number > 0 && !head.is_empty() {
            let part = if self.line.soft {
                head
            } else {
                head.get(1..).unwrap_or_default()
            };
            let room = LOGICAL_BYTES - self.line.head.len().min(LOGICAL_BYTES);
            self.line
                .head
                .extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
            self.line.end = end;
            self.line.soft = self.line.soft && head.ends_with(b"=");
            return Ok(());
        }
        self.flush()?;
        if !head.is_empty() {
            let soft = head.ends_with(b"=") && is_quoted_printable(head);
            self.line = Logical {
                head: head.to_vec(),
                number,
                start,
                end,
                soft,
            };
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ScanError> {
        let line = std::mem::take(&mut self.line);
        if line.number > 0 {
            self.logical(&line)?;
        }
        Ok(())
    }

    fn logical(&mut self, line: &Logical) -> Result<(), ScanError> {
        let head = line.head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line.head);
        if let Some(name) = keyword(head, b"BEGIN:") {
            self.begin(&name, line)?;
            self.after_agent = false;
        } else if let Some(name) = keyword(head, b"END:") {
            self.end(&name, line)?;
        } else if !head.trim_ascii().is_empty() {
            self.property(head, line);
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, line: &Logical) -> Result<(), ScanError> {
        let is_nested_card = name == "VCARD" && self.after_agent;
        if let Some(open) = &self.open {
            let is_outer = matches!(name, "VCALENDAR" | "VCARD" | "VEVENT" | "VTODO" | "VJOURNAL");
            if is_outer && !is_nested_card {
                let keep = open.outside;
                self.give_up("its END is missing: another entry begins before it ends");
                self.stack.truncate(keep);
            }
        }
        if self.open.is_some() {
            if self.stack.len() >= MAX_DEPTH
                && let Some(open) = &mut self.open
            {
                open.fault = Some("its parts lie too deep in one another");
            } else {
                self.stack.push(name.to_owned());
            }
            return Ok(());
        }
        self.stray = false;
        if name == "VCALENDAR" {
            self.stack.clear();
            self.stack.push(name.to_owned());
            self.index.containers.push(Container::new(self.part));
            if self.index.containers.len() > MAX_PIECES {
                return Err(ScanError::TooMany);
            }
            self.container = self.index.last_container();
            return Ok(());
        }
        if name == "VCARD" {
            self.stack.clear();
            self.container = None;
        }
        self.open = Some(Open {
            name: name.to_owned(),
            line: line.number,
            start: line.start,
            outside: self.stack.len(),
            uid: None,
            is_override: false,
            zones: Vec::new(),
            zone: None,
            fault: None,
        });
        self.stack.push(name.to_owned());
        Ok(())
    }

    fn end(&mut self, name: &str, line: &Logical) -> Result<(), ScanError> {
        let Some(open) = &mut self.open else {
            if name == "VCALENDAR" && self.stack.pop().is_some() {
                self.container = None;
            } else {
                self.note_stray(line.number);
            }
            return Ok(());
        };
        if self.stack.last().is_some_and(|last| last == name) {
            self.stack.pop();
            if self.stack.len() > open.outside {
                return Ok(());
            }
        } else if name == open.name || name == "VCALENDAR" {
            open.fault = Some("a part of it has no END");
            self.stack.truncate(open.outside);
        } else {
            open.fault = Some("an END in it belongs to nothing");
            return Ok(());
        }
        if let Some(open) = self.open.take() {
            self.close(open, line.end)?;
        }
        if name == "VCALENDAR" {
            self.stack.clear();
            self.container = None;
        }
        Ok(())
    }

    /// A component has ended.
    fn close(&mut self, open: Open, end: u64) -> Result<(), ScanError> {
        let is_zone = open.name == "VTIMEZONE";
        let too_large = match end - open.start {
            bytes if is_zone && bytes > MAX_ZONE_BYTES => Some("its time zone is larger than 256 KiB"),
            bytes if bytes > MAX_OBJECT_BYTES => Some("it is larger than 10 MiB"),
            _ => None,
        };
        if let Some(fault) = open.fault.or(too_large) {
            self.index.note(self.part, open.line, fault, !is_zone);
            return Ok(());
        }
        if is_zone {
            if let Some(zone) = open.zone {
                self.index.add_zone(self.part, self.container, zone, (open.start, end));
            }
            return Ok(());
        }
        let Some(component) = Component::of(&open.name) else {
            let name: String = open.name.chars().take(40).collect();
            let reason = format!("{name} is nothing that a calendar or an address book holds");
            self.index.note(self.part, open.line, &reason, true);
            return Ok(());
        };
        self.index.pieces.push(Piece {
            component,
            part: self.part,
            container: self.container,
            start: open.start,
            end,
            line: open.line,
            uid: open.uid,
            is_override: open.is_override,
            zones: open.zones,
        });
        if self.index.pieces.len() > MAX_PIECES {
            return Err(ScanError::TooMany);
        }
        Ok(())
    }

    fn property(&mut self, head: &[u8], line: &Logical) {
        let name_end = head
            .iter()
            .position(|byte| matches!(byte, b':' | b';'))
            .unwrap_or(head.len());
        let (name, rest) = head.split_at_checked(name_end).unwrap_or_default();
        let name = name.trim_ascii().to_ascii_uppercase();
        let Some(open) = &mut self.open else {
            if self.stack.is_empty() {
                self.note_stray(line.number);
            } else if let Some(container) = self.index.container_mut(self.container) {
                container.tell(&name, value(rest));
            }
            return;
        };
        self.after_agent = name == b"AGENT" && value(rest).trim_ascii().is_empty();
        let is_own = self.stack.len() == open.outside + 1;
        match name.as_slice() {
            b"UID" if is_own && open.uid.is_none() => open.uid = print(value(rest)),
            b"RECURRENCE-ID" if is_own => open.is_override = true,
            b"TZID" if is_own && open.name == "VTIMEZONE" => open.zone = Some(self.index.zone_name(value(rest))),
            _ => {}
        }
        if let Some(zone) = zone_of(rest) {
            let zone = self.index.zone_name(zone);
            if !open.zones.contains(&zone) && open.zones.len() < 100 {
                open.zones.push(zone);
            }
        }
    }

    fn note_stray(&mut self, line: u64) {
        if !self.stray {
            self.stray = true;
            self.index.note(self.part, line, "this text belongs to no entry", false);
        }
    }

    /// What is open will not end any more.
    fn give_up(&mut self, why: &str) {
        if let Some(open) = self.open.take() {
            self.index.note(self.part, open.line, why, open.name != "VTIMEZONE");
        }
    }
}

/// What stands behind BEGIN: or END:, in upper case.
fn keyword(head: &[u8], word: &[u8]) -> Option<String> {
    let start = head.get(..word.len())?;
    if !start.eq_ignore_ascii_case(word) {
        return None;
    }
    let name = head.get(word.len()..)?.trim_ascii();
    let is_name = !name.is_empty() && name.len() <= 64;
    is_name.then(|| String::from_utf8_lossy(name).to_ascii_uppercase())
}

/// The value of a line, from what stands behind its name.
fn value(rest: &[u8]) -> &[u8] {
    let mut quoted = false;
    let end = rest.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    });
    end.and_then(|end| rest.get(end + 1..)).unwrap_or_default()
}

/// The time zone that a line's parameters name.
fn zone_of(rest: &[u8]) -> Option<&[u8]> {
    let params = rest.get(..rest.len() - value(rest).len())?;
    let at = params
        .windows(6)
        .position(|window| window.eq_ignore_ascii_case(b";TZID="))?;
    let name = params.get(at + 6..)?;
    if let Some(quoted) = name.strip_prefix(b"\"") {
        return quoted.split(|byte| *byte == b'"').next();
    }
    name.split(|byte| matches!(byte, b';' | b':')).next()
}
