//! Messages that are seldom, real, and easily lost, doubled or changed by a copier.
//!
//! Left out is what a server cannot keep, so that no copy can be told from another: Dovecot 2.3.19
//! refuses messages of zero bytes, gives dates before 1970 differently in sdbox and in Maildir, and
//! takes the present time for dates in the future (2026-11-22).

use super::mime::{attachment, internal_date, text};
use super::{Append, Random};

/// Those that are worst among many others: twins and equal Message-IDs.
pub(super) fn for_inbox(random: &mut Random) -> Vec<Append> {
    let twin = message(random, &["\\Seen"], b"Subject: twin\r\n\r\nthe same, twice\r\n");
    let twin_elsewhen = Append {
        internal_date: internal_date(random, 1_400_000_000),
        ..twin.clone()
    };
    vec![
        twin.clone(),
        twin,
        twin_elsewhen,
        message(
            random,
            &[],
            b"Message-ID: <again@harbour.example>\r\nSubject: one\r\n\r\n1\r\n",
        ),
        message(
            random,
            &[],
            b"Message-ID: <again@harbour.example>\r\nSubject: two\r\n\r\n2\r\n",
        ),
    ]
}

/// All the others.
pub(super) fn all(random: &mut Random) -> Vec<Append> {
    let mut large = b"Message-ID: <large@harbour.example>\r\nSubject: 6 MB\r\n".to_vec();
    large.extend(attachment(random, 4_400_000));
    let mut long_line = b"Message-ID: <long@harbour.example>\r\n\r\n".to_vec();
    long_line.extend(text(random, 40_000).replace("\r\n", " ").into_bytes());
    let no_message_id = b"From: a@b.example\r\nSubject: no Message-ID\r\n\r\nbody\r\n";
    let references = "<reference@lighthouse.example>\r\n\t".repeat(400);
    let many = format!("Message-ID: <many@b.example>\r\nReferences: {references}\r\n\r\nbody\r\n");
    let everything = [
        "\\Seen",
        "\\Answered",
        "\\Flagged",
        "\\Draft",
        "\\Deleted",
        "$Forwarded",
        "$Label1",
    ];
    vec![
        message(random, &["\\Seen"], &large),
        message(random, &[], &long_line),
        message(random, &["\\Flagged"], no_message_id),
        message(
            random,
            &[],
            b"Message-ID: <empty@b.example>\r\nSubject: empty body\r\n\r\n",
        ),
        message(
            random,
            &[],
            b"Message-ID: <header@b.example>\r\nSubject: no empty line\r\n",
        ),
        message(random, &[], b"\r\nno header at all\r\n"),
        message(random, &[], b"no line end either"),
        message(random, &[], b"x"),
        message(random, &[], many.as_bytes()),
        message(
            random,
            &[],
            b"Subject: Gr\xf6\xdfe in ISO 8859-1, undeclared\r\n\r\n\xe4\xf6\xfc\r\n",
        ),
        message(
            random,
            &[],
            "Subject: Größe in UTF-8, undeclared\r\n\r\näöü\r\n".as_bytes(),
        ),
        message(
            random,
            &[],
            b"Subject: every byte\r\n\r\n\x01\x02\x07\x08\x0b\x0c\x1b\x7f\x80\xfe\xff\r\n",
        ),
        message(random, &[], b"Subject: a lone CR\r\n\r\none\rtwo\r\n"),
        message(
            random,
            &[],
            b"Subject: traps\r\n\r\n.\r\n..\r\nFrom here on\r\n)\r\n{3}\r\n* OK no\r\na1 OK\r\n",
        ),
        message(
            random,
            &[],
            b"Message-ID: <\"quoted \\\" \\\\\"@b.example>\r\n\r\nodd Message-ID\r\n",
        ),
        message(
            random,
            &[],
            b"Message-ID: <twice1@b.example>\r\nMessage-ID: <twice2@b.example>\r\n\r\n\r\n",
        ),
        message(random, &everything, b"Subject: every flag\r\n\r\n\r\n"),
        message(
            random,
            &["$MDNSent", "Auftrag-17", "$a.b+c=d_e"],
            b"Subject: keywords\r\n\r\n\r\n",
        ),
        dated("01-Jan-1990 00:00:00 +0000", b"Subject: old\r\n\r\n\r\n"),
        dated("01-Jan-1970 12:00:00 +0000", b"Subject: the first day\r\n\r\n\r\n"),
        dated(" 5-Mar-2017 23:30:00 -0800", b"Subject: a day of one digit\r\n\r\n\r\n"),
        dated(
            "28-Oct-2018 02:30:00 +0100",
            b"Subject: an hour that came twice\r\n\r\n\r\n",
        ),
    ]
}

fn message(random: &mut Random, flags: &[&str], bytes: &[u8]) -> Append {
    let unix = 1_300_000_000 + random.below(400_000_000);
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Append {
        flags,
        internal_date: internal_date(random, unix),
        bytes: bytes.to_vec(),
    }
}

fn dated(internal_date: &str, bytes: &[u8]) -> Append {
    Append {
        flags: Vec::new(),
        internal_date: internal_date.to_owned(),
        bytes: bytes.to_vec(),
    }
}
