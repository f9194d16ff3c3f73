//! Talking to a CardDAV and CalDAV server: `libdav` knows the protocols' requests and answers, the rest is here.
//!
//! `http` carries a request: connects by way of the same connector as IMAP, logs in, waits where the server says
//! so, bounds what is read. `session` finds what the server has, `collections` chooses among it and `making` adds to
//! it; `objects` puts, gets and deletes objects.

mod collections;
mod error;
mod http;
mod making;
mod objects;
mod session;

pub use collections::{Chosen, Collection, Home};
pub use error::DavError;
pub use http::Login;
pub(super) use objects::{BETWEEN_TRIES, TRIES};
pub use objects::{Deleted, Found, Looked, Put, name_of};
pub use session::DavSession;

/// The path of a reference in the one spelling that is compared: without server, decoded where that is safe.
fn path_of(href: &str) -> String {
    let href = href.trim();
    let path = match href.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => href,
    };
    let path = libdav::encoding::normalise_percent_encoded(path).unwrap_or(std::borrow::Cow::Borrowed(path));
    // The library decodes %25 and never encodes it again: then `a%2541` would become `aA` on the way.
    let mut parts = path.split('%');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let stays_encoded = ["2F", "3F", "23", "5B", "5D"].iter().any(|code| part.starts_with(code));
        whole.push_str(if stays_encoded { "%" } else { "%25" });
        whole.push_str(part);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling_and_leads_where_it_led() {
        for (href, path) in [
            ("https://dav.example/a%40b/%C3%A4/", "/a@b/ä/"),
            ("/50%25%20off/", "/50%25 off/"),
            ("/a%2541%2f/", "/a%2541%2F/"),
            ("/100%/", "/100%25/"),
            ("https://dav.example", "/"),
        ] {
            assert_eq!(path_of(href), path);
            assert_eq!(path_of(path), path);
        }
        let sent = libdav::dav::make_relative_url(::http::Uri::from_static("http://a/"), &path_of("/50%25/")).unwrap();
        assert_eq!(sent.path(), "/50%25/");
    }
}
