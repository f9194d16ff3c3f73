//! New collections: by MKCOL (RFC 5689), and where the server does not know it, calendars by MKCALENDAR (RFC 4791,
//! section 5.3.1).

use http::Request;
use libdav::caldav::{CalendarComponent, CreateCalendar};
use libdav::carddav::CreateAddressBook;
use libdav::dav::make_relative_url;

use super::objects::escaped;
use super::{DavError, DavSession};
use crate::dav::Kind;
use crate::dav::objects::Wanted;

const WHAT: &str = "the wish for a new collection";

impl DavSession {
    /// Makes a collection, if it is not there.
    pub(super) async fn make(
        &self,
        wanted: &Wanted,
        name: &str,
        components: &[&str],
        href: &str,
    ) -> Result<(), DavError> {
        let refused = match self.by_mkcol(wanted, name, components, href).await {
            Err(error @ DavError::Refused { .. }) => error,
            ended => return ended,
        };
        // 405 is also the answer where it is there (RFC 4918, section 9.3.1): made by a run that was cut off before it
        // could say so, or by another import.
        if self.is_there(href, wanted.kind).await? {
            return Ok(());
        }
        let is_unknown = matches!(
            refused,
            DavError::Refused {
                status: 400 | 403 | 405 | 415 | 501,
                ..
            }
        );
        if wanted.kind == Kind::Calendar && is_unknown {
            return self.by_mkcalendar(wanted, name, components, href).await;
        }
        Err(refused)
    }

    async fn is_there(&self, href: &str, kind: Kind) -> Result<bool, DavError> {
        let home = href.trim_end_matches('/').rsplit_once('/').map_or("", |(home, _)| home);
        match self.collections_in(&format!("{home}/"), kind).await {
            Ok(home) => Ok(home.collections.iter().any(|collection| collection.href == href)),
            Err(DavError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn by_mkcol(&self, wanted: &Wanted, name: &str, components: &[&str], href: &str) -> Result<(), DavError> {
        match wanted.kind {
            Kind::Contacts => {
                let make = CreateAddressBook::new(href).with_display_name(name);
                self.client.request(make).await.map_err(DavError::of(WHAT))?;
            }
            Kind::Calendar => {
                let components: Vec<CalendarComponent> = components
                    .iter()
                    .map(|component| match *component {
                        "VTODO" => CalendarComponent::VTodo,
                        "VJOURNAL" => CalendarComponent::VJournal,
                        _ => CalendarComponent::VEvent,
                    })
                    .collect();
                let mut make = CreateCalendar::new(href)
                    .with_display_name(name)
                    .with_components(&components);
                if let Some(colour) = &wanted.colour {
                    make = make.with_colour(colour);
                }
                self.client.request(make).await.map_err(DavError::of(WHAT))?;
            }
        }
        Ok(())
    }

    async fn by_mkcalendar(
        &self,
        wanted: &Wanted,
        name: &str,
        components: &[&str],
        href: &str,
    ) -> Result<(), DavError> {
        let name = escaped(name);
        let components = components
            .iter()
            .map(|component| format!(r#"<c:comp name="{component}"/>"#));
        let components: Vec<String> = components.collect();
        let components = components.concat();
        let colour = wanted.colour.as_deref().map(escaped);
        let colour = colour.map_or_else(String::new, |colour| {
            format!("<a:calendar-color>{colour}</a:calendar-color>")
        });
        let body = format!(
            r#"<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="http://apple.com/ns/ical/"><d:set><d:prop><d:displayname>{name}</d:displayname>{colour}<c:supported-calendar-component-set>{components}</c:supported-calendar-component-set></d:prop></d:set></c:mkcalendar>"#
        );
        let request = Request::builder()
            .method("MKCALENDAR")
            .uri(make_relative_url(self.client.base_url.clone(), href).map_err(|_| DavError::Address)?)
            .header("Content-Type", "application/xml; charset=utf-8")
            .body(body)
            .map_err(|_| DavError::Address)?;
        let sent = self.client.request_raw(request).await;
        let (head, _) = sent.map_err(DavError::of_request(WHAT))?;
        if head.status.is_success() {
            return Ok(());
        }
        Err(DavError::Refused {
            what: WHAT,
            status: head.status.as_u16(),
        })
    }
}
