//! vCard 2.1, as phones and Outlook write it, as vCard 3.0: what servers take.

use std::borrow::Cow;

use super::charset::decode;
use super::content_line::ContentLine;

/// Parameters whose bare words are types in vCard 3.0.
const ENCODINGS: [&str; 5] = ["QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"];

/// A line of vCard 2.1 as one of 3.0; `None` where it is no line at all. Where only the line's encoding is of the old form,
/// its value has the escapes of the new one already.
pub fn convert(bytes: &[u8], has_old_escapes: bool) -> Option<String> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let label = charset(bytes.get(..colon)?);
    let (head, value) = bytes.split_at_checked(colon)?;
    let head = decode(head, None);
    let line = format!("{head}:");
    let line = ContentLine::parse(&line)?;
    let value = value.get(1..)?;
    let encoding = line.param("ENCODING").map(str::to_ascii_uppercase).or_else(|| {
        let bare = line.params.iter().map(|param| param.trim().to_ascii_uppercase());
        bare.into_iter().find(|param| ENCODINGS.contains(&param.as_str()))
    });
    let is_binary = matches!(encoding.as_deref(), Some("BASE64" | "B"));
    let text: Cow<'_, str> = match encoding.as_deref() {
        Some("QUOTED-PRINTABLE") => Cow::Owned(decode(&quoted_printable(value), label.as_deref()).into_owned()),
        _ => decode(value, label.as_deref()),
    };
    let value = if is_binary {
        Cow::Owned(text.split_whitespace().collect())
    } else {
        Cow::Owned(escape(&text, line.name, has_old_escapes))
    };
    let converted = ContentLine {
        params: params(&line, is_binary),
        value,
        ..line.clone()
    };
    Some(converted.unfolded())
}

/// The parameters of 3.0: bare words are types, and what told of encodings has been done.
fn params<'a>(line: &ContentLine<'a>, is_binary: bool) -> Vec<Cow<'a, str>> {
    let mut types: Vec<String> = Vec::new();
    let mut others: Vec<Cow<'a, str>> = Vec::new();
    for param in &line.params {
        match param.split_once('=') {
            Some((key, _))
                if ["ENCODING", "CHARSET"]
                    .iter()
                    .any(|own| key.trim().eq_ignore_ascii_case(own)) => {}
            Some((key, value)) if key.trim().eq_ignore_ascii_case("TYPE") => {
                types.extend(value.split(',').map(|word| word.trim().to_owned()));
            }
            Some(_) => others.push(param.clone()),
            None => {
                let word = param.trim();
                if !word.is_empty() && !ENCODINGS.iter().any(|own| word.eq_ignore_ascii_case(own)) {
                    types.push(word.to_owned());
                }
            }
        }
    }
    let mut params = Vec::new();
    if is_binary {
        params.push(Cow::Borrowed("ENCODING=b"));
    }
    types.dedup();
    if !types.is_empty() {
        params.push(Cow::Owned(format!("TYPE={}", types.join(","))));
    }
    params.extend(others);
    params
}

/// The charset that the head of a line names.
fn charset(head: &[u8]) -> Option<String> {
    let head = head.to_ascii_uppercase();
    let at = head.windows(8).position(|window| window == b"CHARSET=")?;
    let name = head.get(at + 8..)?.split(|byte| *byte == b';').next()?;
    Some(String::from_utf8_lossy(name).trim().trim_matches('"').to_owned())
}

/// Undoes quoted-printable; what is none stays as it is.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)));
        match code {
            Some((high, low)) if *byte == b'=' => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// A value of 2.1 with 3.0's escapes: there only the semicolon has one, here also comma, backslash and line end.
fn escape(value: &str, name: &str, is_old: bool) -> String {
    let is_uri = ["URL", "SOUND", "LOGO", "PHOTO", "KEY"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own));
    let is_list = name.eq_ignore_ascii_case("CATEGORIES") || name.eq_ignore_ascii_case("GEO");
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if is_old => match rest.peek() {
                // Written in the manner of 3.0 already, as many do.
                Some(next @ (';' | ',' | '\\' | 'n' | 'N')) => {
                    text.push('\\');
                    text.push(*next);
                    rest.next();
                }
                _ => text.push_str("\\\\"),
            },
            ',' if is_old && !is_uri && !is_list => text.push_str("\\,"),
            '\r' => {
                if rest.peek() != Some(&'\n') {
                    text.push_str("\\n");
                }
            }
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_encodings_and_charsets_become_those_of_3_0() {
        for (old, new) in [
            (&b"TEL;WORK;VOICE:+49"[..], "TEL;TYPE=WORK,VOICE:+49"),
            (
                b"N;LANGUAGE=de;CHARSET=Windows-1252:M\xfcller;J\xf6rg;;;",
                "N;LANGUAGE=de:Müller;Jörg;;;",
            ),
            (
                b"NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab=C3=B6 back\\slash, c",
                "NOTE:a\\nbö back\\\\slash\\, c",
            ),
            (b"FN;CHARSET=ISO-8859-2;QUOTED-PRINTABLE:=B3", "FN:ł"),
            (
                b"PHOTO;TYPE=JPEG;ENCODING=BASE64:/9j/ 4AAQ",
                "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ",
            ),
            (b"item1.X-ABLABEL;X-A=b:c", "item1.X-ABLABEL;X-A=b:c"),
            (
                b"URL;WORK:http://example.org/?a,b;c",
                "URL;TYPE=WORK:http://example.org/?a,b;c",
            ),
        ] {
            assert_eq!(convert(old, true).as_deref(), Some(new));
        }
        assert_eq!(convert(b"nothing", true), None);
        let new = convert(b"NICKNAME;CHARSET=utf-8:a,b\\, c", false);
        assert_eq!(new.as_deref(), Some("NICKNAME:a,b\\, c"));
    }
}
