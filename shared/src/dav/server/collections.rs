//! Address books and calendars: which there are, what they take, and which one an import goes to.

use std::collections::BTreeSet;

use libdav::dav::Propfind;
use libdav::names::{
    ADDRESSBOOK, CALENDAR, COMP, DISPLAY_NAME, RESOURCETYPE, RESPONSE, SUPPORTED_CALENDAR_COMPONENT_SET,
};
use libdav::{Depth, PropertyName};
use roxmltree::Node;

use super::{DavError, DavSession, path_of};
use crate::dav::objects::Wanted;
use crate::dav::{Kind, hex, print_of};

const MAX_CALENDAR_BYTES: PropertyName<'_, '_> =
    PropertyName::new("urn:ietf:params:xml:ns:caldav", "max-resource-size");
const MAX_CARD_BYTES: PropertyName<'_, '_> = PropertyName::new("urn:ietf:params:xml:ns:carddav", "max-resource-size");
const PRIVILEGES: PropertyName<'_, '_> = PropertyName::new("DAV:", "current-user-privilege-set");
const SHARED: PropertyName<'_, '_> = PropertyName::new("http://calendarserver.org/ns/", "shared");
/// RFC 6638, section 9.2; the inbox among the calendars has it.
const DEFAULT_CALENDAR: PropertyName<'_, '_> =
    PropertyName::new("urn:ietf:params:xml:ns:caldav", "schedule-default-calendar-URL");

/// A collection of the mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// Its path.
    pub href: String,
    /// Its name.
    pub name: Option<String>,
    /// What it holds.
    pub kind: Kind,
    /// The components it takes; none where the server does not say.
    pub components: Option<BTreeSet<String>>,
    /// The largest object it takes; none where the server does not say.
    pub max_bytes: Option<u64>,
    /// Whether the server says that nothing may be put into it: a list of holidays, of birthdays.
    pub is_read_only: bool,
    /// Whether it is somebody else's.
    pub is_shared: bool,
    /// Whether new entries go here.
    pub is_default: bool,
}

/// The collections of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Where new ones go.
    pub href: String,
    /// Those that are there.
    pub collections: Vec<Collection>,
}

/// Where something goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The collection.
    pub collection: Collection,
    /// Whether it was made for this.
    pub made: bool,
    /// Whether one of the wanted name could not be made, and this has to do.
    pub instead: bool,
}

impl Collection {
    /// Whether it takes a component.
    pub fn takes(&self, component: &str) -> bool {
        !self.is_read_only
            && self
                .components
                .as_ref()
                .is_none_or(|components| components.contains(component))
    }

    /// What the server's answer says of a collection of this kind; nothing where it is about something else.
    fn of(response: Node<'_, '_>, kind: Kind) -> Option<Self> {
        let (own, max) = match kind {
            Kind::Contacts => (&ADDRESSBOOK, &MAX_CARD_BYTES),
            Kind::Calendar => (&CALENDAR, &MAX_CALENDAR_BYTES),
        };
        let property = |name: &PropertyName<'_, '_>| response.descendants().find(|node| node.tag_name() == *name);
        let kinds = property(&RESOURCETYPE)?;
        if !kinds.children().any(|node| node.tag_name() == *own) {
            return None;
        }
        let path = path_of(href_of(response)?);
        let text = |name: &PropertyName<'_, '_>| property(name).and_then(|node| node.text()).map(str::trim);
        let components: BTreeSet<String> = response
            .descendants()
            .filter(|node| node.tag_name() == COMP)
            .filter_map(|node| node.attribute("name").map(str::to_uppercase))
            .collect();
        let privileges = property(&PRIVILEGES);
        let privileges: Vec<&str> = privileges
            .into_iter()
            .flat_map(|set| set.descendants())
            .filter(|node| {
                node.is_element()
                    && node
                        .parent()
                        .is_some_and(|parent| parent.tag_name().name() == "privilege")
            })
            .map(|node| node.tag_name().name())
            .collect();
        let may_write = |name: &&str| matches!(*name, "all" | "write" | "write-content" | "bind");
        Some(Self {
            href: if path.ends_with('/') { path } else { format!("{path}/") },
            name: text(&DISPLAY_NAME).filter(|name| !name.is_empty()).map(str::to_owned),
            kind,
            components: (!components.is_empty()).then_some(components),
            max_bytes: text(max)
                .and_then(|bytes| bytes.parse().ok())
                .filter(|bytes| *bytes > 0),
            is_read_only: !privileges.is_empty() && !privileges.iter().any(may_write),
            is_shared: kinds.children().any(|node| node.tag_name() == SHARED),
            is_default: false,
        })
    }
}

impl Home {
    /// What the server's answer says of a home.
    pub(super) fn of(href: String, kind: Kind, document: &roxmltree::Document<'_>) -> Self {
        let responses = document.descendants().filter(|node| node.tag_name() == RESPONSE);
        let default = document
            .descendants()
            .find(|node| node.tag_name() == DEFAULT_CALENDAR)
            .and_then(href_of)
            .map(path_of);
        let collections = responses.filter_map(|response| Collection::of(response, kind));
        let collections = collections.map(|collection| Collection {
            is_default: default
                .as_ref()
                .is_some_and(|default| default.trim_end_matches('/') == collection.href.trim_end_matches('/')),
            ..collection
        });
        Self {
            href,
            collections: collections.collect(),
        }
    }

    /// The mailbox's own collection for a component: the one of this name, or without a name the default, or the first.
    fn own(&self, component: &str, name: Option<&str>) -> Option<&Collection> {
        let wanted = name.map(str::to_lowercase);
        let is_it = |collection: &&Collection| {
            let own = collection.name.as_deref().unwrap_or_default().trim().to_lowercase();
            collection.takes(component) && !collection.is_shared && wanted.as_ref().is_none_or(|wanted| *wanted == own)
        };
        let fitting = || self.collections.iter().filter(is_it);
        fitting()
            .find(|collection| collection.is_default)
            .or_else(|| fitting().next())
    }
}

fn href_of<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.children()
        .find(|node| node.tag_name().name() == "href")
        .and_then(|node| node.text())
}

impl DavSession {
    /// The collections of a kind in a home.
    pub(super) async fn collections_in(&self, home: &str, kind: Kind) -> Result<Home, DavError> {
        let max = match kind {
            Kind::Contacts => &MAX_CARD_BYTES,
            Kind::Calendar => &MAX_CALENDAR_BYTES,
        };
        let asked = Propfind::new(home)
            .with_properties(&[
                &RESOURCETYPE,
                &DISPLAY_NAME,
                &SUPPORTED_CALENDAR_COMPONENT_SET,
                &PRIVILEGES,
                &DEFAULT_CALENDAR,
                max,
            ])
            .with_depth(Depth::One);
        let what = "the list of collections";
        let answer = self.client.request(asked).await.map_err(DavError::of(what))?;
        let document = answer.xml_tree().map_err(|error| DavError::Unreadable {
            what,
            why: error.to_string(),
        })?;
        Ok(Home::of(home.to_owned(), kind, &document))
    }

    /// The collection for a component of what is wanted: the mailbox's own of this name, or the default where no name
    /// is wanted; else a new one; else, where none may be made, any that takes it. Made twice it is the same one.
    ///
    /// # Errors
    /// [`DavError`].
    pub async fn collection_for(&self, home: &mut Home, wanted: &Wanted, component: &str) -> Result<Chosen, DavError> {
        if let Some(collection) = home.own(component, wanted.name.as_deref()) {
            return Ok(Chosen {
                collection: collection.clone(),
                made: false,
                instead: false,
            });
        }
        let name = wanted.name.clone().unwrap_or_else(|| "Imported".to_owned());
        let all: Vec<&str> = wanted.components.iter().map(|component| component.as_str()).collect();
        let mut last = DavError::NoSuchHome("collection");
        let one = vec![component];
        let attempts = if all == one { vec![one] } else { vec![all, one] };
        for components in attempts {
            let print = print_of(&[name.to_lowercase().as_bytes(), components.join(",").as_bytes()]);
            let href = format!("{}mailvan-{}/", home.href, hex(print.get(..8).unwrap_or_default()));
            match self.make(wanted, &name, &components, &href).await {
                Ok(()) => {
                    *home = self.collections_in(&home.href, wanted.kind).await?;
                    let made = home.collections.iter().find(|collection| collection.href == href);
                    let collection = made.cloned().unwrap_or_else(|| Collection {
                        href,
                        name: Some(name.clone()),
                        kind: wanted.kind,
                        ..Collection::default()
                    });
                    return Ok(Chosen {
                        collection,
                        made: true,
                        instead: false,
                    });
                }
                Err(error @ DavError::Refused { .. }) => last = error,
                Err(error) => return Err(error),
            }
        }
        let own = home.own(component, None);
        let any = own.or_else(|| home.collections.iter().find(|collection| collection.takes(component)));
        match any {
            Some(collection) => Ok(Chosen {
                collection: collection.clone(),
                made: false,
                instead: wanted.name.is_some() || collection.is_shared,
            }),
            None => Err(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(responses: &str) -> Home {
        let text = format!(
            r#"<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/">{responses}</d:multistatus>"#
        );
        Home::of(
            "/c/".to_owned(),
            Kind::Calendar,
            &roxmltree::Document::parse(&text).unwrap(),
        )
    }

    fn calendar(path: &str, name: &str, shared: &str, privileges: &str) -> String {
        format!(
            "<d:response><d:href>/c/{path}/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/>{shared}</d:resourcetype>\
             <d:displayname>{name}</d:displayname><d:current-user-privilege-set>{privileges}</d:current-user-privilege-set></d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        )
    }

    const READ: &str = "<d:privilege><d:read/></d:privilege>";
    const WRITE: &str = "<d:privilege><d:read/></d:privilege><d:privilege><d:write-content/></d:privilege>";

    #[test]
    fn entries_go_to_the_default_and_never_where_they_cannot_be_put_or_others_see_them() {
        let birthdays = calendar("birthdays", "Birthdays", "", READ);
        let shared = calendar("shared", "Familie", "<s:shared/>", WRITE);
        let (first, second) = (calendar("a", "A", "", WRITE), calendar("b", "Familie", "", ""));
        let inbox = "<d:response><d:href>/c/inbox/</d:href><d:propstat><d:prop><c:schedule-default-calendar-URL><d:href>/c/b</d:href></c:schedule-default-calendar-URL></d:prop></d:propstat></d:response>";

        let all = home(&format!("{birthdays}{shared}{first}{second}"));
        let own = |home: &Home, name| home.own("VEVENT", name).map(|collection| collection.href.clone());
        assert_eq!(own(&all, None).as_deref(), Some("/c/a/"));
        assert_eq!(own(&all, Some("familie")).as_deref(), Some("/c/b/"));
        assert_eq!(own(&all, Some("Birthdays")), None);
        let with_default = home(&format!("{birthdays}{shared}{first}{second}{inbox}"));
        assert_eq!(own(&with_default, None).as_deref(), Some("/c/b/"));
        assert_eq!(own(&with_default, Some("A")).as_deref(), Some("/c/a/"));
        assert_eq!(own(&home(&format!("{birthdays}{shared}")), None), None);
    }
}
