//! Talking to a CardDAV and CalDAV server: `libdav` knows the protocols' requests and answers, the rest is here.
//!
//! `http` carries a request: connects by way of the same connector as IMAP, logs in, waits where the server says
//! so, bounds what is read. `session` finds what the server has; `objects` puts, gets and deletes objects.

mod collections;
mod error;
mod http;
mod objects;
mod session;

pub use collections::Collection;
pub use error::DavError;
pub use http::Login;
pub use objects::{Deleted, Found, Put, name_of};
pub use session::DavSession;

/// The path of a reference in the one spelling that is compared: without server, decoded where that is safe.
fn path_of(href: &str) -> String {
    let href = href.trim();
    let path = match href.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => href,
    };
    libdav::encoding::normalise_percent_encoded(path).map_or_else(|_| path.to_owned(), std::borrow::Cow::into_owned)
}
