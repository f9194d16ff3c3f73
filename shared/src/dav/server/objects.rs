//! Objects at the server: put where there is none, read back, taken away where they are as they were.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use http::{HeaderValue, Request};
use libdav::caldav::GetCalendarResources;
use libdav::carddav::GetAddressBookResources;
use libdav::dav::{Delete, PutResource, make_relative_url};
use libdav::encoding::strict_percent_encoded;
use libdav::requests::DavRequest;

use super::{Collection, DavError, DavSession, path_of};
use crate::dav::content_line::unfold;
use crate::dav::{Built, Kind, hex, print_of};

/// How much of the server's words is kept.
const WORDS: usize = 150;

/// How often a request is sent that the server answers with a fault of its own.
pub(in crate::dav) const TRIES: u32 = 3;

/// How long it is left alone between them.
pub(in crate::dav) const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// What became of a PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is stored.
    Stored,
    /// There is something of this name already, or it has changed since.
    Exists,
    /// The collection has an object with this UID under another name, which the server may tell.
    UidTaken(Option<String>),
    /// The server does not want it.
    Refused(String),
    /// The server met a fault of its own: whether it is stored nobody knows.
    InDoubt(String),
}

/// What became of a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It has been changed since, or the server does not let go of it; it stays.
    Changed,
}

/// An object at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its text.
    pub text: String,
    /// Its version.
    pub etag: String,
}

/// What a look at objects told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Those that are there, by their paths.
    pub found: HashMap<String, Found>,
    /// Those of which the server does not tell whether they are there.
    pub unknown: HashSet<String>,
}

/// The name of an object in a collection: the same for the same UID, so that nothing is there twice.
pub fn name_of(collection: &Collection, built: &Built) -> String {
    let ending = match built.kind {
        Kind::Contacts => "vcf",
        Kind::Calendar => "ics",
    };
    let print = hex(&print_of(&[built.component.as_bytes(), built.uid.as_bytes()]));
    format!("{}{print}.{ending}", collection.href)
}

impl DavSession {
    /// Which of the objects are there. Asked again for those that the server could not look at; one that it never gives
    /// out costs itself only.
    ///
    /// # Errors
    /// [`DavError`].
    pub async fn fetch(&self, collection: &Collection, hrefs: &[String]) -> Result<Looked, DavError> {
        let mut looked = Looked::default();
        let mut wanted = hrefs.to_vec();
        for tries in 0..TRIES {
            if wanted.is_empty() {
                break;
            }
            if tries > 0 {
                tokio::time::sleep(BETWEEN_TRIES * tries).await;
            }
            let Looked { found, unknown } = self.fetch_once(collection, &wanted).await?;
            looked.found.extend(found);
            wanted.retain(|href| unknown.contains(href));
        }
        looked.unknown.extend(wanted);
        Ok(looked)
    }

    async fn fetch_once(&self, collection: &Collection, hrefs: &[String]) -> Result<Looked, DavError> {
        let what = "the look at what is there";
        let hrefs = hrefs.iter().map(|href| strict_percent_encoded(href));
        let resources = match collection.kind {
            Kind::Contacts => {
                let get = GetAddressBookResources::new(&collection.href).with_hrefs(hrefs);
                self.client.request(get).await.map_err(DavError::of(what))?.resources
            }
            Kind::Calendar => {
                let get = GetCalendarResources::new(&collection.href).with_hrefs(hrefs);
                self.client.request(get).await.map_err(DavError::of(what))?.resources
            }
        };
        let mut looked = Looked::default();
        for resource in resources {
            let href = path_of(&resource.href);
            match resource.content {
                Ok(content) => {
                    let found = Found {
                        text: content.data,
                        etag: content.etag,
                    };
                    looked.found.insert(href, found);
                }
                Err(status) if matches!(status.as_u16(), 404 | 410) => {}
                Err(_) => {
                    looked.unknown.insert(href);
                }
            }
        }
        Ok(looked)
    }

    /// The object with a UID, under whatever name it is.
    ///
    /// # Errors
    /// [`DavError`].
    pub async fn with_uid(
        &self,
        collection: &Collection,
        component: &str,
        uid: &str,
    ) -> Result<Option<(String, Found)>, DavError> {
        let what = "the search for an object";
        let uid_text = escaped(uid);
        let (body, get_card, get_entry) = match collection.kind {
            Kind::Contacts => (
                format!(
                    r#"<c:addressbook-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/><c:address-data/></d:prop><c:filter><c:prop-filter name="UID"><c:text-match match-type="equals">{uid_text}</c:text-match></c:prop-filter></c:filter></c:addressbook-query>"#
                ),
                Some(GetAddressBookResources::new(&collection.href)),
                None,
            ),
            Kind::Calendar => (
                format!(
                    r#"<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="{component}"><c:prop-filter name="UID"><c:text-match collation="i;octet">{uid_text}</c:text-match></c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"#
                ),
                None,
                Some(GetCalendarResources::new(&collection.href)),
            ),
        };
        let request = Request::builder()
            .method("REPORT")
            .uri(make_relative_url(self.client.base_url.clone(), &collection.href).map_err(|_| DavError::Address)?)
            .header("Depth", "1")
            .header("Content-Type", "application/xml; charset=utf-8")
            .body(body)
            .map_err(|_| DavError::Address)?;
        let (head, body) = self
            .client
            .request_raw(request)
            .await
            .map_err(DavError::of_request(what))?;
        let resources = match (get_card, get_entry) {
            (Some(get), _) => get.parse_response(&head, &body).map(|answer| answer.resources),
            (_, Some(get)) => get.parse_response(&head, &body).map(|answer| answer.resources),
            (None, None) => Ok(Vec::new()),
        };
        let resources = resources.map_err(|error| DavError::of(what)(error.into()))?;
        let own = format!("UID:{uid}");
        let found = resources.into_iter().find_map(|resource| {
            let content = resource.content.ok()?;
            // A match of text may be a part of a longer UID.
            let lines = unfold(content.data.as_bytes(), 1);
            let is_it = lines.iter().any(|(_, line)| line.eq_ignore_ascii_case(own.as_bytes()));
            let found = Found {
                text: content.data,
                etag: content.etag,
            };
            is_it.then(|| (path_of(&resource.href), found))
        });
        Ok(found)
    }

    /// Puts an object where there is none, or in the place of the version `over`.
    ///
    /// # Errors
    /// [`DavError`] where it is not about the object.
    pub async fn put(&self, href: &str, built: &Built, over: Option<&str>) -> Result<Put, DavError> {
        let content_type = match built.kind {
            Kind::Contacts => "text/vcard; charset=utf-8",
            Kind::Calendar => "text/calendar; charset=utf-8",
        };
        let base = self.client.base_url.clone();
        let put = PutResource::new(href);
        let request = match over {
            None => put.create(built.text.as_str(), content_type).prepare_request(base),
            Some(etag) => put
                .update(built.text.as_str(), content_type, etag)
                .prepare_request(base),
        };
        let request = request.map_err(|_| DavError::Address)?;
        let sent = self.client.request_raw(request).await;
        let (head, body) = sent.map_err(DavError::of_request("an object"))?;
        if head.status.is_success() {
            return Ok(Put::Stored);
        }
        let body = String::from_utf8_lossy(&body);
        Ok(match head.status.as_u16() {
            412 => Put::Exists,
            403 | 409 if body.contains("no-uid-conflict") => Put::UidTaken(conflict(&body)),
            // Not about the object: the batch is tried again, and finds what arrived nevertheless.
            status @ (408 | 423 | 425 | 502 | 504) => {
                let what = "an object";
                return Err(DavError::Refused { what, status });
            }
            413 => Put::Refused("it is larger than the server allows".to_owned()),
            403 | 409 if body.contains("max-resource-size") => {
                Put::Refused("it is larger than the server allows".to_owned())
            }
            status @ 500.. => Put::InDoubt(told(status, &body)),
            status => Put::Refused(told(status, &body)),
        })
    }

    /// Takes an object away, if it is this version.
    ///
    /// # Errors
    /// [`DavError`] where it is not about the object.
    pub async fn delete(&self, href: &str, etag: &str) -> Result<Deleted, DavError> {
        let what = "the wish to take an object away";
        for tries in 1.. {
            let mut request = Delete::new(href)
                .with_etag(etag)
                .prepare_request(self.client.base_url.clone())
                .map_err(|_| DavError::Address)?;
            // Else a server that drops SCHEDULE-AGENT tells the organiser that the user declines (RFC 6638, section 8.1).
            request
                .headers_mut()
                .insert("Schedule-Reply", HeaderValue::from_static("F"));
            let sent = self.client.request_raw(request).await;
            let (head, _) = sent.map_err(DavError::of_request(what))?;
            match head.status.as_u16() {
                200..=299 | 404 | 410 => return Ok(Deleted::Gone),
                403 | 405 | 409 | 412 | 423 => return Ok(Deleted::Changed),
                500 if tries >= TRIES => return Ok(Deleted::Changed),
                500 => tokio::time::sleep(BETWEEN_TRIES * tries).await,
                status => return Err(DavError::Refused { what, status }),
            }
        }
        Ok(Deleted::Changed)
    }
}

/// A refusal with what the server says of it.
fn told(status: u16, body: &str) -> String {
    format!("the server refused it with {status} {}", words(body))
        .trim_end()
        .to_owned()
}

/// The object that has the UID, where the server tells it (RFC 4791, section 5.3.2.1).
fn conflict(body: &str) -> Option<String> {
    let document = roxmltree::Document::parse(body).ok()?;
    let conflict = document
        .descendants()
        .find(|node| node.tag_name().name() == "no-uid-conflict")?;
    let href = conflict
        .descendants()
        .find(|node| node.tag_name().name() == "href")?
        .text()?;
    Some(path_of(href))
}

/// Text within XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What the server says, without tags.
fn words(body: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in body.chars().take(4000) {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            c if !in_tag && !c.is_control() => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(WORDS)
        .collect()
}
