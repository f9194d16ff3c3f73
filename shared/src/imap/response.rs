//! Responses as the session understands them.

use bytes::Bytes;

use super::value::{Value, parse_list_line, parse_values};

/// How a command ended, or what an untagged status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

/// A status response: `OK [APPENDUID 1 2] done`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) kind: Kind,
    /// The response code's name, upper case; empty where there is none.
    pub(super) code: String,
    /// What stands behind the code's name within the brackets.
    pub(super) arguments: String,
    /// The human-readable rest, made printable.
    pub(super) text: String,
}

/// Untagged data: `* 3 FETCH (...)`, `* LIST ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Data {
    /// The number before the name, as in `* 3 EXISTS`.
    pub(super) number: Option<u32>,
    /// The name, upper case.
    pub(super) name: String,
    /// What follows.
    pub(super) values: Vec<Value>,
}

/// One response of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// `+ ...`: the server waits for more of the command.
    Continue(String),
    /// The end of the command with this tag.
    Done(String, Status),
    /// An untagged status.
    Untagged(Status),
    /// Untagged data.
    Data(Data),
    /// Untagged data that cannot be read; kept apart so that nobody takes it for silence.
    Unreadable(String),
    /// A line that begins with this word and is nothing that IMAP knows.
    Foreign(String),
}

impl Status {
    pub(super) fn is_ok(&self) -> bool {
        self.kind == Kind::Ok
    }

    /// The server's words with the code before them, as the server wrote it.
    pub(super) fn with_code(&self) -> String {
        let space = if self.arguments.is_empty() { "" } else { " " };
        let text = match self.code.as_str() {
            "" => self.text.clone(),
            code => format!("[{code}{space}{}] {}", self.arguments, self.text),
        };
        printable(&text)
    }
}

/// Reads one frame.
pub(super) fn parse_response(frame: &Bytes) -> Response {
    parse_hiding(frame, &str::to_owned)
}

/// Reads one frame; `hide` takes out of a refusal's words what must not be shown, before they are
/// cut.
pub(super) fn parse_hiding(frame: &Bytes, hide: &dyn Fn(&str) -> String) -> Response {
    let (first, after_first) = word(frame, 0);
    match first {
        b"+" => {
            let text = frame.get(after_first..).unwrap_or_default();
            return Response::Continue(String::from_utf8_lossy(text).into_owned());
        }
        b"*" => {}
        tag => {
            let tag = String::from_utf8_lossy(tag).into_owned();
            return match parse_status(frame, after_first, hide) {
                Some(status) => Response::Done(tag, status),
                None => Response::Foreign(tag),
            };
        }
    }
    if let Some(status) = parse_status(frame, after_first, hide) {
        return Response::Untagged(status);
    }
    let (second, after_second) = word(frame, after_first);
    let number = std::str::from_utf8(second).ok().and_then(|text| text.parse().ok());
    let (name, from) = if number.is_some() {
        word(frame, after_second)
    } else {
        (second, after_second)
    };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let values = match name.as_str() {
        "LIST" | "LSUB" => parse_list_line(frame, from),
        _ => parse_values(frame, from),
    };
    match values {
        Some(values) => Response::Data(Data { number, name, values }),
        None => Response::Unreadable(name),
    }
}

/// The word at `from` and where the next one begins.
fn word(frame: &Bytes, from: usize) -> (&[u8], usize) {
    let rest = frame.get(from..).unwrap_or_default();
    let length = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
    (
        rest.get(..length).unwrap_or_default(),
        (from + length + 1).min(frame.len()),
    )
}

fn parse_status(frame: &Bytes, from: usize, hide: &dyn Fn(&str) -> String) -> Option<Status> {
    let (kind, from) = word(frame, from);
    let kind = match kind.to_ascii_uppercase().as_slice() {
        b"OK" => Kind::Ok,
        b"NO" => Kind::No,
        b"BAD" => Kind::Bad,
        b"BYE" => Kind::Bye,
        b"PREAUTH" => Kind::Preauth,
        _ => return None,
    };
    let mut rest = String::from_utf8_lossy(frame.get(from..).unwrap_or_default()).into_owned();
    if kind != Kind::Ok {
        rest = hide(&rest);
    }
    let (code, text) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((code, text)) => (code, text.trim_start()),
        None => ("", rest.as_str()),
    };
    let (name, arguments) = code.split_once(' ').unwrap_or((code, ""));
    Some(Status {
        kind,
        code: name.to_ascii_uppercase(),
        arguments: arguments.to_owned(),
        text: printable(text),
    })
}

/// The server's words, fit for a log, a table and a mail: one line, at most 300 characters.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_uid_is_read_from_the_tagged_status() {
        let Response::Done(tag, status) =
            parse_response(&Bytes::from_static(b"m7 OK [APPENDUID 38505 3955:3957] Done."))
        else {
            panic!("not a tagged status");
        };
        assert_eq!(
            (tag.as_str(), status.code.as_str(), status.arguments.as_str()),
            ("m7", "APPENDUID", "38505 3955:3957")
        );
        assert_eq!(status.text, "Done.");
    }

    #[test]
    fn multibyte_text_after_a_code_is_kept() {
        let Response::Untagged(status) = parse_response(&Bytes::from_static("* NO [ALERT] größer".as_bytes())) else {
            panic!("not an untagged status");
        };
        assert_eq!((status.kind, status.text.as_str()), (Kind::No, "größer"));
    }

    #[test]
    fn unreadable_data_is_not_silence() {
        assert!(
            matches!(parse_response(&Bytes::from_static(b"* 1 FETCH (UID 2")), Response::Unreadable(name) if name == "FETCH")
        );
    }
}
